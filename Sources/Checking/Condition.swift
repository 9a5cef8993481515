// SPDX-License-Identifier: GPL-2.0-only
import Exploration
import Extraction

/// Under which condition a scenario does what it does, in words: what failed in it, or where nothing
/// failed the state that it takes.
struct Condition {
  let trace: RawTrace
  /// The parts of the state that it takes, as `KEY=VALUE`.
  let needed: [String]
  let source: SourceLines

  /// Nil where it is the ordinary case.
  var text: String? {
    let failed = trace.failures.map(failure)
    if !failed.isEmpty {
      var told: [String] = []
      for what in failed where !told.contains(what) { told.append(what) }
      return told.map { what in
        let count = failed.count { $0 == what }
        return count == 1 ? what : count == 2 ? "\(what) twice" : "\(what) \(count) times"
      }.joined(separator: ", ")
    }
    return needed.isEmpty ? nil : "with \(needed.joined(separator: ", "))"
  }

  /// One answer that was not the ordinary one.
  private func failure(_ index: Int) -> String {
    let event = trace.events[index]
    let callee = trace.calls[Int(event.call)]
    if trace.events[index...].dropFirst().first?.what == .allocation {
      // What else allocates on its way answers with a number.
      guard source.primitives.contains(callee) else { return "allocation in \(callee)() fails" }
      let line = source.place(of: trace.offset(event))?.line ?? 0
      if let target = source.statements.target(of: callee, on: line) {
        return "allocation of \(target) fails"
      }
      return
        "\(name(of: index, written: source.statements.call(of: callee, on: line)?.written)) fails"
    }
    let value = Int64(bitPattern: event.value)
    let errno = Int32(truncatingIfNeeded: value)
    let name = name(of: index)
    if errno < 0, errno >= -4095, value == Int64(errno) || event.value >> 32 == 0 {
      return "\(name) fails with \(Errno.name(errno))"
    }
    let answer = event.value < 4096 ? "\(event.value)" : "0x" + String(event.value, radix: 16)
    return "\(name) returns \(answer)"
  }

  /// `the 2nd get_zeroed_page()`; without a number where there is one call.
  ///
  /// - Parameter written: what the source calls, where that is a macro.
  private func name(of index: Int, written: String? = nil) -> String {
    let event = trace.events[index]
    let calls = trace.events.enumerated().filter { $1.what == .call && $1.call == event.call }
    let number = calls.firstIndex { $0.offset == index } ?? 0
    return (calls.count > 1 ? "the \(Self.ordinal(number + 1)) " : "")
      + "\(written ?? trace.calls[Int(event.call)].replacing("_noprof", with: ""))()"
  }

  static func ordinal(_ number: Int) -> String {
    switch (number % 10, number % 100) {
    case (1, let rest) where rest != 11: "\(number)st"
    case (2, let rest) where rest != 12: "\(number)nd"
    case (3, let rest) where rest != 13: "\(number)rd"
    default: "\(number)th"
    }
  }
}
