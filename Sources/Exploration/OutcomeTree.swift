// SPDX-License-Identifier: GPL-2.0-only

/// What came of every scenario of one driver, by the decisions in the order in which they were asked
/// for. Flat, for there are many.
struct OutcomeTree: Sendable {
  /// What was asked for: an input, or an answer by its callee and how many of that callee's came before.
  struct What: Hashable, Sendable {
    private let raw: UInt32
    init(input: UInt8) { raw = 1 << 31 | UInt32(input) }
    init(callee: UInt16, ordinal: UInt16) { raw = UInt32(callee) << 16 | UInt32(ordinal) }

    var input: UInt8? { raw >> 31 != 0 ? UInt8(truncatingIfNeeded: raw) : nil }
    /// Among the revision's own callees.
    var callee: Int { Int(raw >> 16) }
    var ordinal: UInt16 { UInt16(truncatingIfNeeded: raw) }
  }

  /// A decision on the way to an outcome.
  struct Taken: Hashable, Sendable {
    var what: What
    var choice: UInt8
    var arity: UInt8
  }

  /// What stands at a place of the tree.
  enum Place: Hashable, Sendable {
    /// Nobody has taken down what comes here.
    case unknown
    case decision(Int)
    /// The number of a scenario.
    case outcome(UInt32)
  }

  private struct Node {
    var what: What
    var arity: UInt8
    /// The first of its places.
    var places: UInt32
  }

  /// What two subtrees are the same in, when it is equal; 0 where something in it is unknown.
  struct Digest: Sendable {
    var model: UInt64 = 0
    var trace: UInt64 = 0
    /// How many scenarios there would be if nothing before had asked for an input.
    var count = 0
  }

  private var nodes: [Node] = []
  /// 0 is unknown; the first bit says that the rest is an outcome; else it is a node, from 1. The
  /// first is the root's.
  private var places: [UInt32] = [0]
  private var digests: [Digest] = []
  /// How many states there are.
  private let states: Int

  /// The way to what was added last, and where in ``places`` it goes through.
  private var last: [Taken] = []
  private var links = [0]

  /// - Parameter states: how many starting states there are.
  init(states: Int) { self.states = states }

  private func read(_ place: UInt32) -> Place {
    if place == 0 { return .unknown }
    return place >> 31 != 0 ? .outcome(place & ~(1 << 31)) : .decision(Int(place) - 1)
  }

  var root: Place { read(places[0]) }

  /// What is asked for at a decision.
  func decision(_ number: Int) -> (what: What, arity: UInt8) {
    (nodes[number].what, nodes[number].arity)
  }

  func place(behind decision: Int, _ choice: UInt8) -> Place {
    read(places[Int(nodes[decision].places) + Int(choice)])
  }

  private mutating func add(_ what: What, _ arity: UInt8) -> UInt32 {
    nodes.append(Node(what: what, arity: arity, places: UInt32(places.count)))
    places.append(contentsOf: repeatElement(0, count: Int(arity)))
    return UInt32(nodes.count)
  }

  /// Adds an outcome.
  mutating func add(_ outcome: UInt32, at way: [Taken]) {
    var depth = 0
    while depth < last.count, depth < way.count, last[depth] == way[depth] { depth += 1 }
    links.removeLast(links.count - depth - 1)
    for one in way[depth...] {
      let link = links.last!
      if places[link] == 0 { places[link] = add(one.what, one.arity) }
      links.append(Int(nodes[Int(places[link]) - 1].places) + Int(one.choice))
    }
    places[links.last!] = 1 << 31 | outcome
    last = way
  }

  /// Adds what is known of another part of the same tree.
  ///
  /// - Parameter numbers: of each outcome there, its number here.
  mutating func merge(_ other: OutcomeTree, _ numbers: [UInt32]) {
    var open = [(mine: 0, its: 0)]
    while let (mine, its) = open.popLast() {
      switch other.read(other.places[its]) {
      case .unknown: break
      case .outcome(let number): places[mine] = 1 << 31 | numbers[Int(number)]
      case .decision(let number):
        let node = other.nodes[number]
        if places[mine] == 0 { places[mine] = add(node.what, node.arity) }
        let first = Int(nodes[Int(places[mine]) - 1].places)
        for choice in 0..<Int(node.arity) {
          open.append((first + choice, Int(node.places) + choice))
        }
      }
    }
  }

  /// Says that nothing is added any more: subtrees can be compared from here on.
  ///
  /// - Parameter callees: of each callee a number that goes by its name.
  mutating func close(_ store: OutcomeStore, callees: [UInt64]) {
    (last, links) = ([], [])
    digests = Array(repeating: Digest(), count: nodes.count)
    // A decision stands behind the one that it hangs from.
    for number in nodes.indices.reversed() {
      let node = nodes[number]
      let what =
        node.what.input.map { UInt64($0) }
        ?? Observation.mix(callees[node.what.callee], UInt64(node.what.ordinal))
      var (model, trace) = (what &+ UInt64(node.arity), what &+ UInt64(node.arity))
      var (isKnown, count) = (true, 0)
      for choice in 0..<node.arity {
        let digest = digest(of: place(behind: number, choice), store)
        if digest.model == 0 { isKnown = false }
        model = Observation.mix(model, digest.model)
        trace = Observation.mix(trace, digest.trace)
        count += digest.count
      }
      guard isKnown else { continue }
      digests[number] = Digest(
        model: model == 0 ? 1 : model, trace: trace,
        count: node.what.input == nil ? count : count / Int(node.arity))
    }
  }

  func digest(of place: Place, _ store: OutcomeStore) -> Digest {
    switch place {
    case .unknown: return Digest()
    case .decision(let number): return digests[number]
    case .outcome(let number):
      let (model, trace) = store.digests(of: number)
      return Digest(model: model == 0 ? 1 : model, trace: trace, count: states)
    }
  }
}
