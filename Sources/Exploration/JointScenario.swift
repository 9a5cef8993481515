// SPDX-License-Identifier: GPL-2.0-only

/// One scenario for several revisions at once. A decision is known by its callee and by how many
/// decisions of that callee came before, so that revisions that call in another order, or call more,
/// meet the same failures.
struct JointScenario {
  struct Decision: Hashable {
    /// A number that all revisions share for the callee.
    var callee: UInt16
    /// How many decisions of that callee came before, in the revision that met it.
    var ordinal: UInt16
  }

  /// A decision that some revision met, or an input that one looked at.
  struct Item {
    enum What: Hashable {
      case answer(Decision)
      case input(UInt8)
    }

    var what: What
    var choice: UInt8
    /// The most answers that a revision knows.
    var arity: UInt8

    /// Whether it is an answer that is not the ordinary one.
    var isFailure: Bool {
      if case .answer = what { choice != 0 } else { false }
    }

    /// Whether another choice is left, as far as a search goes that turns so many answers.
    func isOpen(behind failures: Int) -> Bool {
      guard choice + 1 < arity else { return false }
      if case .answer = what { return failures < Search.mostFailures }
      return true
    }
  }

  /// What is decided; decisions beyond are 0.
  private(set) var items: [Item] = []
  /// How many items at the beginning stay as they are.
  var fixed = 0

  func choice(of decision: Decision) -> UInt8 {
    for item in items where item.what == .answer(decision) { return item.choice }
    return 0
  }

  func index(of what: Item.What) -> Int? { items.firstIndex { $0.what == what } }

  /// Says that a revision knows so many answers.
  mutating func widen(_ index: Int, to arity: UInt8) {
    items[index].arity = max(items[index].arity, arity)
  }

  /// The answers, in the order in which they are turned.
  var answers: [UInt8] {
    items.compactMap { item in if case .answer = item.what { item.choice } else { nil } }
  }

  /// The starting state: what nobody looked at is ordinary.
  var values: InputValues {
    var values = InputValues.zero
    for item in items { if case .input(let input) = item.what { values[Int(input)] = item.choice } }
    return values
  }

  /// Adds what a revision met and what is not known yet.
  mutating func extend(with met: [Item]) {
    for item in met {
      if let known = index(of: item.what) {
        widen(known, to: item.arity)
      } else {
        items.append(Item(what: item.what, choice: 0, arity: item.arity))
      }
    }
  }

  /// Turns the last open item. False when none is left.
  mutating func advance() -> Bool {
    var failures = items.count(where: \.isFailure)
    while items.count > fixed, let last = items.last {
      if last.isFailure { failures -= 1 }
      if last.isOpen(behind: failures) {
        items[items.count - 1].choice += 1
        return true
      }
      items.removeLast()
    }
    return false
  }

  /// Gives away the other choices of the first open item; nil where there is none.
  mutating func split() -> JointScenario? {
    var failures = items[..<fixed].count(where: \.isFailure)
    guard
      let first = items.indices.dropFirst(fixed).first(where: { index in
        defer { if items[index].isFailure { failures += 1 } }
        return items[index].isOpen(behind: failures)
      })
    else { return nil }
    var other = self
    other.items.removeLast(other.items.count - first - 1)
    other.items[first].choice += 1
    other.fixed = first
    fixed = first + 1
    return other
  }
}
