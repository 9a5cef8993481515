// SPDX-License-Identifier: GPL-2.0-only

/// Lists, each different one once. Flat, for there are many.
struct Lists<Element: Sendable>: Sendable {
  private var elements: [Element] = []
  private var ends: [Int] = []
  /// Of each list.
  private(set) var digests: [UInt64] = []
  private var known: [UInt64: UInt32] = [:]

  var count: Int { ends.count }

  subscript(_ number: UInt32) -> ArraySlice<Element> {
    let number = Int(number)
    return elements[(number == 0 ? 0 : ends[number - 1])..<ends[number]]
  }

  /// The number of a list, which is added where it is not known.
  ///
  /// - Parameter digest: what tells it from others.
  mutating func number(of digest: UInt64, _ list: () -> some Sequence<Element>) -> UInt32 {
    if let number = known[digest] { return number }
    let number = UInt32(ends.count)
    known[digest] = number
    digests.append(digest)
    elements.append(contentsOf: list())
    ends.append(elements.count)
    return number
  }

  /// Says that nothing is added any more.
  mutating func close() { known = [:] }
}

/// What came of the scenarios of one revision: of each its steps.
struct OutcomeStore: Sendable {
  /// A fact without what is only shown.
  struct Fact: Sendable {
    var key: UInt32
    var value: UInt64
  }

  struct Event: Sendable {
    var word: UInt64
    var place: Observation.Place
  }

  /// Numbers of a step's facts and of what happened in it.
  struct Step: Hashable, Sendable {
    var facts: UInt32
    var events: UInt32
  }

  private var facts = Lists<Fact>()
  private var events = Lists<Event>()
  private var scenarios = Lists<Step>()
  /// Of each scenario, what it leaves behind.
  private var models: [UInt64] = []

  /// The number of a part of an observation.
  mutating func step(
    _ observation: Observation, _ facts: Range<Int>, _ events: Range<Int>
  ) -> Step {
    let (all, happened, places) = (observation.facts, observation.happened, observation.places)
    let model = all[facts].reduce(1) {
      Observation.mix(Observation.mix($0, UInt64($1.key)), $1.value)
    }
    let way = events.reduce(2) {
      Observation.mix(Observation.mix($0, happened[$1]), places[$1].word)
    }
    return Step(
      facts: self.facts.number(of: model) {
        all[facts].lazy.map { Fact(key: $0.key, value: $0.value) }
      },
      events: self.events.number(of: way) {
        events.lazy.map { Event(word: happened[$0], place: places[$0]) }
      })
  }

  /// The number of a scenario.
  mutating func scenario(_ steps: some Sequence<Step>) -> UInt32 {
    var (model, trace) = (3 as UInt64, 4 as UInt64)
    for step in steps {
      let facts = facts.digests[Int(step.facts)]
      model = Observation.mix(model, facts)
      trace = Observation.mix(Observation.mix(trace, facts), events.digests[Int(step.events)])
    }
    let number = scenarios.number(of: trace) { steps }
    if number == models.count { models.append(model) }
    return number
  }

  /// What a scenario leaves behind, and that and the way there: the same where these are.
  func digests(of scenario: UInt32) -> (model: UInt64, trace: UInt64) {
    (models[Int(scenario)], scenarios.digests[Int(scenario)])
  }

  func observation(of scenario: UInt32) -> Observation {
    var observation = Observation()
    for step in scenarios[scenario] {
      for fact in facts[step.facts] { observation.add(.init(key: fact.key, value: fact.value)) }
      for event in events[step.events] { observation.add(event.word, event.place) }
    }
    return observation
  }

  /// Adds another's scenarios. Returns the number here of each of them.
  mutating func merge(_ other: OutcomeStore) -> [UInt32] {
    let facts = (0..<UInt32(other.facts.count)).map { number in
      self.facts.number(of: other.facts.digests[Int(number)]) { other.facts[number] }
    }
    let events = (0..<UInt32(other.events.count)).map { number in
      self.events.number(of: other.events.digests[Int(number)]) { other.events[number] }
    }
    return (0..<UInt32(other.scenarios.count)).map { number in
      scenario(
        other.scenarios[number].map {
          Step(facts: facts[Int($0.facts)], events: events[Int($0.events)])
        })
    }
  }

  /// Says that nothing is added any more.
  mutating func close() {
    facts.close()
    events.close()
    scenarios.close()
  }
}
