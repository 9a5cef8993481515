// SPDX-License-Identifier: GPL-2.0-only

/// What came of one scenario, without what only one build or one kernel has: no addresses, no lines,
/// no names of fields. Two revisions did the same when their observations are equal.
public struct Observation {
  /// One fact about a step, in terms of the domain's model.
  public struct Fact: Hashable, Sendable {
    /// Which step, from 0; of two steps that race, whose.
    public var step: UInt8
    /// What was called, a number of the domain's.
    public var target: UInt8
    /// What the fact is about, a number of the domain's. Small ones tell more.
    public var aspect: UInt8
    /// Which one of several.
    public var index: UInt8
    public var value: UInt64
    /// What reports show in the value's place; no part of the comparison.
    public var shown: UInt64

    public init(
      step: UInt8, target: UInt8, aspect: UInt8, index: UInt8 = 0, value: UInt64,
      shown: UInt64? = nil
    ) {
      self.step = step
      self.target = target
      self.aspect = aspect
      self.index = index
      self.value = value
      self.shown = shown ?? value
    }

    init(key: UInt32, value: UInt64) {
      self.init(
        step: UInt8(key >> 24), target: UInt8(truncatingIfNeeded: key >> 16),
        aspect: UInt8(truncatingIfNeeded: key >> 8), index: UInt8(truncatingIfNeeded: key),
        value: value)
    }

    public static func == (left: Fact, right: Fact) -> Bool {
      left.key == right.key && left.value == right.value
    }

    public func hash(into hasher: inout Hasher) {
      hasher.combine(key)
      hasher.combine(value)
    }

    /// Facts with one key are about one and the same thing.
    @inlinable var key: UInt32 {
      UInt32(step) << 24 | UInt32(target) << 16 | UInt32(aspect) << 8 | UInt32(index)
    }
  }

  /// An event's kind and whose it is: a step's, or of steps that race a thread's.
  struct Place: Hashable, Sendable {
    var kind: UInt8
    var whose: UInt8

    var word: UInt64 { UInt64(kind) << 8 | UInt64(whose) }
  }

  /// In the order of their keys.
  public private(set) var facts: [Fact] = []
  /// What happened, a word for each event: its kind, its callee, what it was asked and answered.
  public private(set) var happened: [UInt64] = []
  /// Of each one.
  private(set) var places: [Place] = []

  public init() {}

  public mutating func add(_ fact: Fact) { facts.append(fact) }

  mutating func add(_ facts: some Sequence<Fact>) { self.facts.append(contentsOf: facts) }

  mutating func add(_ word: UInt64, _ place: Place) {
    happened.append(word)
    places.append(place)
  }

  /// Forgets what came behind so many facts and events.
  mutating func keep(facts: Int, happened: Int) {
    self.facts.removeLast(self.facts.count - facts)
    self.happened.removeLast(self.happened.count - happened)
    places.removeLast(places.count - happened)
  }

  /// Takes the events of a step.
  ///
  /// - Parameter callees: for each callee's number one that all revisions share; 0 where what it does
  ///   has an event of its own, and a call without one does nothing.
  mutating func take(_ events: Slice<UnsafeBufferPointer<Event>>, callees: [UInt64]) {
    let isRace = events.contains { $0.thread != 0 }
    for event in events {
      let callee = event.hasCallee ? callees[Int(event.call)] : .max
      if callee == 0, event.kind == EventKind.call.rawValue { continue }
      var word = UInt64(event.kind) << 32 | UInt64(event.thread) << 16 | UInt64(event.at)
      switch event.kind {
      // A target's number and a WARN's line are the revision's own.
      case EventKind.step.rawValue, EventKind.warning.rawValue: break
      case EventKind.returned.rawValue: word = Self.mix(word, event.value)
      default:
        word = Self.mix(word, callee, event.value)
        word = Self.mix(Self.mix(word, event.arg.0, event.arg.1), event.arg.2, event.arg.3)
      }
      add(word, Place(kind: UInt8(event.kind), whose: isRace ? event.thread : event.step))
    }
  }

  /// Whether a WARN fired.
  var isWarned: Bool { places.contains { $0.kind == UInt8(EventKind.warning.rawValue) } }

  /// Of two words and of what came before them.
  static func mix(_ before: UInt64, _ left: UInt64, _ right: UInt64) -> UInt64 {
    let product = (before ^ left).multipliedFullWidth(by: right ^ 0x9e37_79b9_7f4a_7c15)
    return product.high ^ product.low &+ before
  }

  static func mix(_ left: UInt64, _ right: UInt64) -> UInt64 {
    let product = (left ^ right).multipliedFullWidth(by: 0x9e37_79b9_7f4a_7c15)
    return product.high ^ product.low &+ left
  }

  /// Where two observations part.
  public enum Parting: Hashable, Sendable {
    /// Both know the fact and say something else.
    case fact(Fact, Fact)
    /// All facts are the same; what happened on the way is not, from this step of the other on. Of
    /// steps that race, whose; nil where nothing happened.
    case events(UInt8?)
  }

  /// - Parameter onTheWay: whether what happens on the way counts: within one kernel.
  /// - Returns: the first fact that differs, of those that both have; nil when both did the same.
  public func parting(from other: Observation, onTheWay: Bool) -> Parting? {
    if facts != other.facts {
      var (left, right) = (0, 0)
      while left < facts.count, right < other.facts.count {
        let (mine, its) = (facts[left], other.facts[right])
        if mine.key == its.key {
          if mine.value != its.value { return .fact(mine, its) }
          left += 1
          right += 1
        } else if mine.key < its.key {
          left += 1
        } else {
          right += 1
        }
      }
    }
    guard onTheWay, happened != other.happened else { return nil }
    let same = zip(happened, other.happened).prefix { $0 == $1 }.count
    let place = same < other.places.count ? other.places[same] : other.places.last
    return .events(place?.whose)
  }
}
