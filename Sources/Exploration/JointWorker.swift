// SPDX-License-Identifier: GPL-2.0-only

/// One worker of a joint search.
struct JointWorker<D: ObservedDomain> {
  private(set) var compared: [Int]
  private(set) var groups: [[JointSearch.Kind: JointSearch.Group]]
  private(set) var scenarios = 0
  /// How many states are done with: each scenario has its part of them.
  private(set) var done = 0.0
  private let revisions: [Outcomes]
  private let pairs: [JointSearch.Pair]
  /// Of each number that revisions share, a callee's initials; and of each revision the numbers of
  /// its own.
  private let names: [String]
  private let shared: [[UInt16]]
  private let silent: Set<String>
  private let load: (_ revision: Int) throws -> Subject
  /// What runs a revision, where it must be run.
  private var runners: [JointRunner<D>?]

  private var driver = ""
  /// Of each revision the driver's space; nil where it does not know it.
  private var spaces: [Int?] = []
  /// The revisions that know the driver.
  private var knowing: [Int] = []
  /// The driver's inputs, and whether they are the same in all revisions.
  private var arities: [Int] = []
  private var hasSameStates = true
  private var scenario = JointScenario()
  /// Where a revision is.
  private struct Position {
    var place: OutcomeTree.Place
    /// Which inputs it has looked at, a bit for each.
    var looked: UInt32 = 0
  }
  /// Where each knowing revision is, in a row for each number of items that are decided.
  private var positions: [Position] = []
  /// Which inputs have another value than the ordinary one, a bit for each.
  private var others: UInt32 = 0
  /// Whether a revision has run the present scenario.
  private var hasRun: [Bool]

  /// How two scenarios part.
  private struct Way {
    var kind: JointSearch.Kind
    var isWarned: Bool
    var isStory: Bool
  }
  /// Two outcomes, by their digests.
  private struct Met: Hashable {
    var old: UInt64
    var new: UInt64
  }
  /// Of each pair, how two outcomes part.
  private var known: [[Met: Way?]]

  init(
    _ revisions: [Outcomes], _ pairs: [JointSearch.Pair], silent: Set<String>,
    load: @escaping (_ revision: Int) throws -> Subject
  ) {
    var names: [String] = []
    for name in revisions.flatMap(\.callees) where !names.contains(name) { names.append(name) }
    shared = revisions.map { $0.callees.map { UInt16(names.firstIndex(of: $0)!) } }
    self.names = names
    self.revisions = revisions
    self.pairs = pairs
    self.silent = silent
    self.load = load
    runners = revisions.map { _ in nil }
    hasRun = revisions.map { _ in false }
    compared = Array(repeating: 0, count: pairs.count)
    groups = Array(repeating: [:], count: pairs.count)
    known = Array(repeating: [:], count: pairs.count)
  }

  /// All drivers that any revision knows.
  var drivers: [String] {
    var names: [String] = []
    for space in revisions.flatMap(\.spaces) where !names.contains(space.name) {
      names.append(space.name)
    }
    return names
  }

  /// How many states there are.
  var states: Int {
    drivers.reduce(0) { count, name in
      count + (revisions.lazy.flatMap(\.spaces).first { $0.name == name }?.count ?? 0)
    }
  }

  mutating func split() -> JointBranch? {
    scenario.split().map { JointBranch(driver: driver, scenario: $0) }
  }

  /// Compares every scenario of a branch in every revision that knows it.
  mutating func walk(_ branch: JointBranch, after: (inout JointWorker) -> Void) throws {
    driver = branch.driver
    scenario = branch.scenario
    spaces = revisions.map { $0.space(of: driver) }
    knowing = revisions.indices.filter { spaces[$0] != nil }
    let inputs = knowing.map { revisions[$0].spaces[spaces[$0]!].arities }
    arities = inputs.first ?? []
    hasSameStates = inputs.allSatisfy { $0 == arities }
    positions = knowing.map { Position(place: revisions[$0].trees[spaces[$0]!].root) }
    repeat {
      for revision in knowing { hasRun[revision] = false }
      if let count = try descend() {
        take(count / looked)
      } else {
        let count = arities.reduce(1, *) / looked
        take(count)
        try compare(count)
      }
      after(&self)
    } while turn()
  }

  private mutating func turn() -> Bool {
    guard scenario.advance() else { return false }
    positions.removeLast(positions.count - scenario.items.count * knowing.count)
    return true
  }

  /// Decides what the revisions ask for, one item after the other, the ordinary way.
  ///
  /// - Returns: where all revisions do the same from there on, how many scenarios there would be if
  ///   no item was an input; nil at the end of a scenario in which they may not.
  private mutating func descend() throws -> Int? {
    others = scenario.items.reduce(0) { mask, item in
      guard case .input(let input) = item.what, item.choice != 0 else { return mask }
      return mask | 1 << UInt32(input)
    }
    while true {
      while positions.count / knowing.count <= scenario.items.count { goOn() }
      if let count = sameCount { return count }
      guard let item = try asked() else { return nil }
      scenario.extend(with: [item])
    }
  }

  /// Goes as far as is decided, with one more item than before.
  private mutating func goOn() {
    let row = positions.count / knowing.count
    for revision in knowing {
      let space = spaces[revision]!
      var position = positions[positions.count - knowing.count]
      while case .decision(let number) = position.place {
        let (what, arity) = revisions[revision].trees[space].decision(number)
        guard let index = scenario.index(of: item(what, of: revision)), index < row else { break }
        scenario.widen(index, to: arity)
        position.place = revisions[revision].trees[space].place(
          behind: number, min(scenario.items[index].choice, arity - 1))
        if let input = what.input { position.looked |= 1 << UInt32(input) }
      }
      positions.append(position)
    }
  }

  private func item(_ what: OutcomeTree.What, of revision: Int) -> JointScenario.Item.What {
    if let input = what.input { return .input(input) }
    return .answer(.init(callee: shared[revision][what.callee], ordinal: what.ordinal))
  }

  private func position(of revision: Int) -> Position {
    positions[positions.count - knowing.count + knowing.firstIndex(of: revision)!]
  }

  private func place(of revision: Int) -> OutcomeTree.Place { position(of: revision).place }

  /// Whether a revision has looked at all that is not ordinary. Where it has not, something may still
  /// be seen of it, such as which pages are in use.
  private func hasLooked(_ revision: Int) -> Bool { others & ~position(of: revision).looked == 0 }

  private func digest(of revision: Int) -> OutcomeTree.Digest {
    revisions[revision].trees[spaces[revision]!].digest(
      of: place(of: revision), revisions[revision].store)
  }

  /// How many scenarios there would be if no item was an input; nil where revisions may part.
  private var sameCount: Int? {
    guard hasSameStates else { return nil }
    let first = digest(of: knowing[0])
    guard first.model != 0, knowing.allSatisfy(hasLooked) else { return nil }
    for revision in knowing.dropFirst() where digest(of: revision).model != first.model {
      return nil
    }
    for pair in pairs where pair.onTheWay && spaces[pair.old] != nil && spaces[pair.new] != nil {
      if digest(of: pair.old).trace != digest(of: pair.new).trace { return nil }
    }
    return first.count
  }

  /// The first item that a revision asks for and that is not decided; nil where there is none.
  private mutating func asked() throws -> JointScenario.Item? {
    for revision in knowing {
      switch place(of: revision) {
      case .outcome: break
      case .decision(let number):
        let (what, arity) = revisions[revision].trees[spaces[revision]!].decision(number)
        return .init(what: item(what, of: revision), choice: 0, arity: arity)
      case .unknown:
        for item in try run(revision) {
          guard let index = scenario.index(of: item.what) else {
            return .init(what: item.what, choice: 0, arity: item.arity)
          }
          scenario.widen(index, to: item.arity)
        }
      }
    }
    return nil
  }

  /// Runs the scenario in a revision, unless that was done. Returns what it met.
  private mutating func run(_ revision: Int) throws -> [JointScenario.Item] {
    if !hasRun[revision] {
      hasRun[revision] = true
      try prepare(revision)
      runners[revision]!.run(
        StartingState(space: spaces[revision]!, values: scenario.values), scenario)
    }
    return runners[revision]!.met
  }

  /// Makes what runs a revision.
  private mutating func prepare(_ revision: Int) throws {
    guard runners[revision] == nil else { return }
    runners[revision] = try JointRunner(load(revision), names: names, silent: silent)
  }

  /// How many values all inputs have together that somebody looked at.
  private var looked: Int {
    scenario.items.reduce(1) { product, item in
      guard case .input(let input) = item.what else { return product }
      return product * arities[Int(input)]
    }
  }

  private mutating func take(_ count: Int) {
    done += scenario.items.reduce(Double(arities.reduce(1, *))) { $0 / Double($1.arity) }
    scenarios += count
    for (number, pair) in pairs.enumerated()
    where spaces[pair.old] != nil && spaces[pair.new] != nil {
      compared[number] += count
    }
  }
}

// What differs.
extension JointWorker {
  private mutating func compare(_ count: Int) throws {
    for (number, pair) in pairs.enumerated()
    where spaces[pair.old] != nil && spaces[pair.new] != nil {
      guard let way = try way(number, pair) else { continue }
      add(way, number, pair, count)
    }
  }

  /// How a pair parts at the end of the scenario; nil where it does not.
  private mutating func way(_ number: Int, _ pair: JointSearch.Pair) throws -> Way? {
    var key: Met?
    if case .outcome = place(of: pair.old), case .outcome = place(of: pair.new),
      hasLooked(pair.old), hasLooked(pair.new)
    {
      let (left, right) = (digest(of: pair.old), digest(of: pair.new))
      if left.model == right.model, !pair.onTheWay || left.trace == right.trace { return nil }
      key = Met(old: left.trace, new: right.trace)
      if let way = known[number][key!] { return way }
    }
    let (old, new) = (try observation(of: pair.old), try observation(of: pair.new))
    var way: Way?
    if let parting = old.parting(from: new, onTheWay: pair.onTheWay) {
      try prepare(pair.old)
      let kind = JointSearch.Kind(D.self, parting, new)
      way = Way(
        kind: kind, isWarned: old.isWarned && new.isWarned,
        isStory: runners[pair.old]!.domain.name(ofTarget: kind.target) != driver)
    }
    if let key { known[number][key] = .some(way) }
    return way
  }

  private mutating func observation(of revision: Int) throws -> Observation {
    if case .outcome(let number) = place(of: revision), hasLooked(revision) {
      return revisions[revision].store.observation(of: number)
    }
    _ = try run(revision)
    return runners[revision]!.observation
  }

  private mutating func add(_ way: Way, _ number: Int, _ pair: JointSearch.Pair, _ count: Int) {
    let (old, new) = (taken(by: pair.old), taken(by: pair.new))
    let space = spaces[pair.old]!
    let states = revisions[pair.old].spaces
    let values = scenario.values
    func failures(_ choices: [UInt8]) -> Int { choices.count { $0 != 0 } }
    let size = Report.Size(
      isWarned: way.isWarned, faults: 0, failures: max(failures(old), failures(new)),
      isStory: way.isStory,
      decisions: max(old.count, new.count), differences: states[space].differences(of: values),
      state: states[..<space].reduce(0) { $0 + $1.count } + states[space].number(of: values))
    let known = groups[number][way.kind]
    let count = (known?.count ?? 0) + count
    // What comes first stays: of one size it has the smaller answers.
    if let known, known.size <= size {
      groups[number][way.kind]!.count = count
      return
    }
    groups[number][way.kind] = JointSearch.Group(
      kind: way.kind, count: count, drive: driver, state: states[space].spelling(of: values),
      oldChoices: old, newChoices: new, size: size, answers: scenario.answers)
  }

  /// A revision's own answers of the scenario, for a replay.
  private func taken(by revision: Int) -> [UInt8] {
    let tree = revisions[revision].trees[spaces[revision]!]
    var choices: [UInt8] = []
    var place = tree.root
    while case .decision(let number) = place {
      let (what, arity) = tree.decision(number)
      let index = scenario.index(of: item(what, of: revision))!
      let choice = min(scenario.items[index].choice, arity - 1)
      if what.input == nil { choices.append(choice) }
      place = tree.place(behind: number, choice)
    }
    if case .unknown = place { return runners[revision]!.taken }
    return choices
  }
}
