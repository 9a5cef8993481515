// SPDX-License-Identifier: GPL-2.0-only
import Shims

/// Collects what a search finds, one entry for each breach, with the smallest scenario of each.
///
/// A breach is a property, the function that was called and a place in the code. Nothing is allocated
/// for a scenario that keeps every property.
public struct Report {
  public struct Breach: Hashable, Sendable {
    public var property: Property
    public var function: String
    /// Offset in the subject's module, 0 if there is no place.
    public var offset: UInt64
  }

  public struct Entry: Sendable {
    public var message: String
    public var state: Int
    public var choices: [UInt8]
    /// How many scenarios break the property this way.
    public var failing: Int
    /// Offsets of the last basic blocks before, newest first: where a return came from.
    public var path: [UInt64]
    /// How simple its scenario is.
    public var size: Size
  }

  /// How simple a scenario is, the simplest first: no WARN before, for where one fires the code
  /// itself calls the state impossible; the fewest failures; a function called on its own before a
  /// longer story; the fewest decisions until it breaks; the fewest parts of the state that are not
  /// the ordinary ones; the first state.
  public struct Size: Comparable, Sendable {
    public var isWarned: Bool
    public var failures: Int
    public var isStory: Bool
    public var decisions: Int
    public var differences: Int
    public var state: Int

    private var order: (Int, Int, Int, Int, Int, Int) {
      (isWarned ? 1 : 0, failures, isStory ? 1 : 0, decisions, differences, state)
    }

    public static func < (left: Size, right: Size) -> Bool { left.order < right.order }
  }

  /// What was found so far.
  public struct Findings: Sendable {
    public internal(set) var entries: [Breach: Entry] = [:]
    /// In how many scenarios each property was looked at.
    public internal(set) var checked: [Property: Int] = [:]

    mutating func merge(_ other: Findings) {
      for (breach, entry) in other.entries {
        guard var mine = entries[breach] else {
          entries[breach] = entry
          continue
        }
        let failing = mine.failing + entry.failing
        if entry.size < mine.size { mine = entry }
        mine.failing = failing
        entries[breach] = mine
      }
      checked.merge(other.checked, uniquingKeysWith: +)
    }
  }

  public private(set) var findings = Findings()
  private var state = 0
  private var choices = UnsafeBufferPointer<UInt8>(start: nil, count: 0)
  private var blamed: Set<Breach> = []

  private let moduleStart: UInt64
  private let world: World?
  private let states: StateOrder

  /// - Parameters:
  ///   - subject: the build whose return addresses ``broken`` is told; nil for none.
  ///   - states: what tells simple states from others.
  public init(_ subject: Subject? = nil, states: StateOrder = StateOrder()) {
    moduleStart = subject?.moduleStart ?? 0
    world = subject?.world
    self.states = states
  }

  private func size(in function: String) -> Size {
    Size(
      isWarned: world?.events.contains { $0.what == .warning } ?? false,
      failures: choices.count { $0 != 0 }, isStory: states.drive(of: state) != function,
      decisions: world?.decisions.count ?? choices.count,
      differences: states.differences(of: state), state: state)
  }

  private func path() -> [UInt64] {
    guard let happened = world?.happened.pointee else { return [] }
    let count = Int(happened.block_count)
    let ring = Int(KSHIM_BLOCK_RING)
    return (0..<min(count, 16)).map { happened.blocks[(count - 1 - $0) % ring] &- moduleStart }
  }

  mutating func begin(state: Int, choices: UnsafeBufferPointer<UInt8>) {
    self.state = state
    self.choices = choices
    if !blamed.isEmpty { blamed.removeAll(keepingCapacity: true) }
  }

  /// Says that the present scenario breaks a property.
  ///
  /// - Parameters:
  ///   - pc: return address into the subject, 0 if there is no place.
  ///   - message: one sentence without a full stop; made only when it is needed.
  public mutating func broken(
    _ property: Property, in function: String, at pc: UInt64, _ message: @autoclosure () -> String
  ) {
    let breach = Breach(
      property: property, function: function,
      offset: pc == 0 ? 0 : pc &- moduleStart)
    guard blamed.insert(breach).inserted else { return }
    let size = size(in: function)
    guard let known = findings.entries[breach], known.size <= size else {
      findings.entries[breach] = Entry(
        message: message(), state: state, choices: Array(choices),
        failing: (findings.entries[breach]?.failing ?? 0) + 1, path: path(), size: size)
      return
    }
    findings.entries[breach]!.failing += 1
  }

  public mutating func count(_ scenarios: Int, of property: Property) {
    findings.checked[property, default: 0] += scenarios
  }
}
