// SPDX-License-Identifier: GPL-2.0-only
import Exploration

/// What a scenario takes for granted where types alone say what can be: inputs that are not the
/// ordinary ones, and answers of callees that nobody described.
struct Assumptions {
  /// One line; nil where there is nothing that a manifest does not say.
  let text: String?

  /// Of the scenario that was run last.
  init(_ subject: Subject) {
    guard let first = subject.firstInput else {
      text = nil
      return
    }
    let world = subject.world
    var told: [String] = []
    for decision in world.decisions where decision.choice != 0 {
      let name = subject.calls[Int(decision.call)]
      let value = world.events[Int(decision.event)].value
      let word = Self.word(value)
      let what =
        Int(decision.call) >= first ? "\(name) can be \(word)" : "\(name)() can answer \(word)"
      if !told.contains(what) { told.append(what) }
    }
    text =
      told.isEmpty
      ? "only what is ordinary"
      : told.prefix(3).joined(separator: ", ") + (told.count > 3 ? ", …" : "")
  }

  private static func word(_ value: UInt64) -> String {
    let wide = Int64(bitPattern: value)
    let narrow = value >> 32 == 0 ? Int64(Int32(truncatingIfNeeded: value)) : wide
    if (-4095..<0).contains(narrow) { return Errno.name(Int32(narrow)) }
    return value < 4096 ? "\(value)" : "a pointer"
  }
}
