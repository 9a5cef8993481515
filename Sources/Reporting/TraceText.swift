// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// A trace in columns: line of the kernel's file, function, what happened.
public struct TraceText {
  public var events: [Verdict.Event]

  public init(events: [Verdict.Event]) { self.events = events }

  /// One line for each event.
  public var lines: [String] { lines(of: Array(events.indices)) }

  /// The same of a long trace, shortened to what shows how it comes to a place: where a step begins
  /// and ends, what fails, what happens at the place and just before it, and the end. A line counts
  /// what is left out.
  ///
  /// - Parameter place: a line of the file that the trace is of.
  public func lines(to place: Int) -> [String] {
    let kept = Self.told(events, place)
    guard kept.count < events.count else { return lines }
    var told: [String] = []
    var next = 0
    for (index, line) in zip(kept, lines(of: kept)) {
      told += Self.omitted(index - next)
      told.append(line)
      next = index + 1
    }
    return told + Self.omitted(events.count - next)
  }

  /// Up to so many events stay as they are.
  static let longest = 16

  private static func omitted(_ count: Int) -> [String] {
    count == 0 ? [] : ["        … \(count) more event\(count == 1 ? "" : "s")"]
  }

  /// Indexes of the events that are told, ascending.
  private static func told(_ events: [Verdict.Event], _ place: Int) -> [Int] {
    guard events.count > longest else { return Array(events.indices) }
    let quiet: Set = ["alloc", "free", "lock", "unlock", "boundary", "section"]
    var kept = Set(events.indices.suffix(3))
    for (index, event) in events.enumerated() {
      if event.line == place { kept.formUnion([max(0, index - 1), index]) }
      if !quiet.contains(event.event) || event.isFailure { kept.insert(index) }
    }
    // One event takes no more room than the line that says it is left out.
    for index in events.indices
    where !kept.contains(index) && (index == 0 || kept.contains(index - 1))
      && kept.contains(index + 1)
    {
      kept.insert(index)
    }
    let all = kept.sorted()
    return all.count <= 2 * longest
      ? all : Array(all.prefix(longest) + all.suffix(longest))
  }

  private func lines(of indexes: [Int]) -> [String] {
    let told = indexes.map { events[$0] }
    let width = told.map(\.function.count).max() ?? 0
    let threadWidth = told.compactMap(\.thread?.count).max() ?? 0
    return told.map { event in
      let line = event.line == 0 ? "" : "\(event.line)"
      let name = event.function.padding(toLength: width, withPad: " ", startingAt: 0)
      let callee = event.callee.map { " \($0)" } ?? ""
      let detail = event.detail.isEmpty ? "" : " \(event.detail)"
      let padded = String(repeating: " ", count: max(0, 6 - line.count)) + line
      let thread =
        threadWidth == 0
        ? ""
        : (event.thread ?? "").padding(toLength: threadWidth, withPad: " ", startingAt: 0) + "  "
      return "\(padded)  \(thread)\(name)  \(event.word)\(callee)\(detail)"
    }
  }
}

extension Verdict.Event {
  /// What it is called for people.
  var word: String { event == "boundary" ? "call" : event }

  /// Whether it says that something was refused.
  var isFailure: Bool { detail == "= NULL" || detail.hasPrefix("= -E") }
}
