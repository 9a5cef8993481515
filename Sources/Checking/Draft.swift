// SPDX-License-Identifier: GPL-2.0-only
import Exploration
import Extraction
import Reporting

/// A finding in the making: its smallest scenario has been run once more, and its place is known.
struct Draft {
  var breach: Report.Breach
  var entry: Report.Entry
  var scenario: Scenario
  var trace: RawTrace
  /// The parts of the state without which it does not show, as `KEY=VALUE`.
  var needed: [String]
  /// The kernel's function and line.
  var place: (function: String, line: Int)
  /// What it takes for granted, where nobody modelled it.
  var assumes: String?

  var property: Property { breach.property }

  /// The first event at the finding's place.
  var event: (index: Int, event: Event)? {
    guard breach.offset != 0 else { return nil }
    let here = trace.events.enumerated().filter {
      $0.element.pc != 0 && trace.offset($0.element) == breach.offset
    }
    // A call's own event stands before what came of it.
    return (here.first { $0.element.what != .call } ?? here.first).map { ($0.offset, $0.element) }
  }

  func finding(_ source: SourceLines) -> Verdict.Finding {
    var finding = Verdict.Finding(
      property: property.id, function: place.function,
      file: source.provenance.file(of: place.function), line: place.line, introduced: false,
      message: entry.message, scenario: "\(scenario)",
      failing: entry.failing, trace: trace.read(source))
    finding.assumes = assumes
    return finding
  }
}
