// SPDX-License-Identifier: GPL-2.0-only
import Shims

/// Collects what a search finds, one entry for each cause, with the smallest scenario of each.
///
/// A cause is a property, a function and a place in the code. Nothing is allocated for a scenario
/// that keeps every property.
public struct Report {
  public struct Cause: Hashable, Sendable {
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

    /// Smaller is better: fewest failures, then fewest decisions, then the simplest state.
    var size: (Int, Int, Int) { (choices.count { $0 != 0 }, choices.count, state) }
  }

  /// What was found so far.
  public struct Findings: Sendable {
    public internal(set) var entries: [Cause: Entry] = [:]
    /// In how many scenarios each property was looked at.
    public internal(set) var checked: [Property: Int] = [:]

    mutating func merge(_ other: Findings) {
      for (cause, entry) in other.entries {
        guard var mine = entries[cause] else {
          entries[cause] = entry
          continue
        }
        let failing = mine.failing + entry.failing
        if entry.size < mine.size { mine = entry }
        mine.failing = failing
        entries[cause] = mine
      }
      checked.merge(other.checked, uniquingKeysWith: +)
    }
  }

  public private(set) var findings = Findings()
  private var state = 0
  private var choices = UnsafeBufferPointer<UInt8>(start: nil, count: 0)
  private var blamed: Set<Cause> = []

  private let moduleStart: UInt64
  private let world: World?

  /// - Parameter subject: the build whose return addresses ``broken`` is told; nil for none.
  public init(_ subject: Subject? = nil) {
    moduleStart = subject?.moduleStart ?? 0
    world = subject?.world
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
    let cause = Cause(
      property: property, function: function,
      offset: pc == 0 ? 0 : pc &- moduleStart)
    guard blamed.insert(cause).inserted else { return }
    guard var entry = findings.entries[cause] else {
      findings.entries[cause] = Entry(
        message: message(), state: state, choices: Array(choices), failing: 1, path: path())
      return
    }
    entry.failing += 1
    let rival = Entry(message: "", state: state, choices: Array(choices), failing: 0, path: [])
    if rival.size < entry.size {
      entry.message = message()
      entry.state = state
      entry.choices = rival.choices
      entry.path = path()
    }
    findings.entries[cause] = entry
  }

  public mutating func count(_ scenarios: Int, of property: Property) {
    findings.checked[property, default: 0] += scenarios
  }
}
