// SPDX-License-Identifier: GPL-2.0-only

/// Numbers of digests, which need no further hash.
private struct Numbers: Sendable {
  /// A place is free where the number is 0; else it is one less.
  private var places: [(digest: UInt64, number: UInt32)] = []
  private var count = 0

  /// The number of a digest, which gets a new one where it has none.
  mutating func number(of digest: UInt64, _ new: UInt32) -> UInt32 {
    if count * 2 >= places.count { grow() }
    let place = place(of: digest)
    if places[place].number == 0 {
      places[place] = (digest, new + 1)
      count += 1
    }
    return places[place].number - 1
  }

  private func place(of digest: UInt64) -> Int {
    var place = Int(truncatingIfNeeded: digest) & (places.count - 1)
    while places[place].number != 0, places[place].digest != digest {
      place = (place + 1) & (places.count - 1)
    }
    return place
  }

  private mutating func grow() {
    let before = places
    places = Array(repeating: (0, 0), count: max(1024, before.count * 2))
    for one in before where one.number != 0 { places[place(of: one.digest)] = one }
  }
}

/// Lists, each different one once. Flat, for there are many.
struct Lists<Element: Sendable>: Sendable {
  private var elements: [Element] = []
  private var ends: [Int] = []
  /// Of each list.
  private(set) var digests: [UInt64] = []
  private var known = Numbers()

  var count: Int { ends.count }

  subscript(_ number: UInt32) -> ArraySlice<Element> {
    let number = Int(number)
    return elements[(number == 0 ? 0 : ends[number - 1])..<ends[number]]
  }

  /// The number of a list, which is added where it is not known.
  ///
  /// - Parameter digest: what tells it from others.
  mutating func number(of digest: UInt64, _ list: () -> some Sequence<Element>) -> UInt32 {
    let new = UInt32(ends.count)
    let number = known.number(of: digest, new)
    guard number == new else { return number }
    digests.append(digest)
    elements.append(contentsOf: list())
    ends.append(elements.count)
    return number
  }

  /// Says that nothing is added any more.
  mutating func close() { known = Numbers() }
}

/// What came of the scenarios of one revision: of each its steps.
struct OutcomeStore: Sendable {
  /// A fact without what is only shown.
  struct Fact: Sendable {
    var key: UInt32
    var value: UInt64
  }

  /// Numbers of a step's facts and of what happened in it.
  struct Step: Hashable, Sendable {
    var facts: UInt32
    var events: UInt32
  }

  private var facts = Lists<Fact>()
  private var events = Lists<UInt64>()
  /// Of each of those events.
  private var places: [Observation.Place] = []
  private var steps: [Step] = []
  /// Behind each scenario's steps.
  private var ends: [Int] = []
  private var digests: [(model: UInt64, trace: UInt64)] = []

  /// The number of a part of an observation.
  mutating func step(
    _ observation: Observation, _ facts: Range<Int>, _ events: Range<Int>
  ) -> Step {
    // Two at a time, for the processor does both at once.
    var (model, other) = (1 as UInt64, 5 as UInt64)
    observation.facts.withUnsafeBufferPointer { all in
      for index in stride(from: facts.lowerBound, to: facts.upperBound - 1, by: 2) {
        model = Observation.mix(model, all[index].value, UInt64(all[index].key))
        other = Observation.mix(other, all[index + 1].value, UInt64(all[index + 1].key))
      }
      if facts.count % 2 != 0, let last = facts.last {
        model = Observation.mix(model, all[last].value, UInt64(all[last].key))
      }
    }
    model = Observation.mix(model, other)
    // A word tells its event's kind and thread.
    var way = Observation.mix(2, events.first.map { observation.places[$0].word } ?? 0)
    for word in observation.happened[events] { way = Observation.mix(way, word) }
    return Step(
      facts: self.facts.number(of: model) {
        observation.facts[facts].lazy.map { Fact(key: $0.key, value: $0.value) }
      },
      events: number(of: way, observation.happened[events], observation.places[events]))
  }

  private mutating func number(
    of digest: UInt64, _ words: ArraySlice<UInt64>, _ places: ArraySlice<Observation.Place>
  ) -> UInt32 {
    let known = events.count
    let number = events.number(of: digest) { words }
    if number == known { self.places.append(contentsOf: places) }
    return number
  }

  /// The number of a scenario.
  mutating func scenario(_ steps: some Sequence<Step>) -> UInt32 {
    var (model, trace) = (3 as UInt64, 4 as UInt64)
    for step in steps {
      let facts = facts.digests[Int(step.facts)]
      model = Observation.mix(model, facts)
      trace = Observation.mix(Observation.mix(trace, facts), events.digests[Int(step.events)])
    }
    self.steps.append(contentsOf: steps)
    ends.append(self.steps.count)
    digests.append((model, trace))
    return UInt32(ends.count - 1)
  }

  /// What a scenario leaves behind, and that and the way there: the same where these are.
  func digests(of scenario: UInt32) -> (model: UInt64, trace: UInt64) {
    digests[Int(scenario)]
  }

  private func steps(of scenario: UInt32) -> ArraySlice<Step> {
    let number = Int(scenario)
    return steps[(number == 0 ? 0 : ends[number - 1])..<ends[number]]
  }

  func observation(of scenario: UInt32) -> Observation {
    var observation = Observation()
    for step in steps(of: scenario) {
      for fact in facts[step.facts] { observation.add(.init(key: fact.key, value: fact.value)) }
      let words = events[step.events]
      for (word, place) in zip(words, places[words.indices]) { observation.add(word, place) }
    }
    return observation
  }

  /// Adds another's scenarios. Returns the number here of each of them.
  mutating func merge(_ other: OutcomeStore) -> [UInt32] {
    let facts = (0..<UInt32(other.facts.count)).map { number in
      self.facts.number(of: other.facts.digests[Int(number)]) { other.facts[number] }
    }
    let events = (0..<UInt32(other.events.count)).map { number in
      let words = other.events[number]
      return self.number(
        of: other.events.digests[Int(number)], words, other.places[words.indices])
    }
    return (0..<UInt32(other.ends.count)).map { number in
      scenario(
        other.steps(of: number).map {
          Step(facts: facts[Int($0.facts)], events: events[Int($0.events)])
        })
    }
  }

  /// Says that nothing is added any more.
  mutating func close() {
    facts.close()
    events.close()
  }
}
