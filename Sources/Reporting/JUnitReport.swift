// SPDX-License-Identifier: GPL-2.0-only
import Foundation

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// A report as JUnit's XML: a test suite for each entry, a test case for each property and for each
/// function that was not judged.
struct JUnitReport {
  var report: CheckReport
  var isStrict: Bool

  var text: String {
    let suites = report.entries.map(suite)
    func sum(_ count: KeyPath<Suite, Int>) -> String {
      "\(suites.reduce(0) { $0 + $1[keyPath: count] })"
    }
    let root = XMLElement(
      "testsuites",
      [
        "name": "kshim", "tests": sum(\.cases.count), "failures": sum(\.failures),
        "errors": sum(\.errors),
      ])
    for suite in suites { root.addChild(suite.element) }
    return XMLDocument.text(of: root)
  }

  private struct Suite {
    var name: String
    var seconds: Double?
    var cases: [XMLElement] = []
    var failures = 0
    var errors = 0
    var skipped = 0
    var output: String?

    var element: XMLElement {
      let element = XMLElement(
        "testsuite",
        [
          "name": name, "tests": "\(cases.count)", "failures": "\(failures)",
          "errors": "\(errors)", "skipped": "\(skipped)",
          "time": seconds.map { String(format: "%.3f", $0) },
        ])
      for child in cases { element.addChild(child) }
      if let output { element.addChild(XMLElement("system-out", [:], text: output)) }
      return element
    }
  }

  private func suite(_ entry: CheckReport.Entry) -> Suite {
    var suite = Suite(name: entry.name)
    switch entry.outcome {
    case .failure(let why, _):
      let first = why.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
      let test = XMLElement("testcase", ["classname": "kshim", "name": "check"])
      test.addChild(XMLElement("error", ["message": first, "type": "failure"], text: why))
      suite.cases = [test]
      suite.errors = 1
    case .verdict(let verdict):
      suite.seconds = verdict.exploration.seconds
      suite.output = verdict.summary
      for property in verdict.properties { add(property, of: verdict, entry, to: &suite) }
      for function in verdict.functions ?? [] where function.status == .notJudged {
        let test = XMLElement(
          "testcase",
          [
            "classname": "not-judged", "name": "\(function.file):\(function.function)",
            "file": function.file,
          ])
        test.addChild(XMLElement("skipped", ["message": function.why]))
        suite.cases.append(test)
        suite.skipped += 1
      }
    }
    return suite
  }

  private func add(
    _ property: Verdict.Property, of verdict: Verdict, _ entry: CheckReport.Entry,
    to suite: inout Suite
  ) {
    let broken = verdict.broken(property.id)
    let failing = broken.filter {
      verdict.counts($0.finding, isNote: $0.isNote, isStrict: isStrict)
    }.map(\.finding)
    let others = broken.map(\.finding).filter { !failing.contains($0) }
    let place = (failing + others).first
    let test = XMLElement(
      "testcase",
      [
        "classname": verdict.subject, "name": property.id, "file": place?.file,
        "line": place.map { "\($0.line)" },
      ])
    if let first = failing.first {
      suite.failures += 1
      let told = failing.map { Self.told($0, verdict, entry) + "\n" }.joined(separator: "\n")
      test.addChild(
        XMLElement("failure", ["message": first.message, "type": property.id], text: told))
    } else if property.checked == 0 {
      suite.skipped += 1
      test.addChild(XMLElement("skipped", ["message": "no scenario asks for it"]))
    }
    let output =
      failing.map { [verdict.told($0)] + TraceText(events: $0.trace).lines }
      + others.map { [Self.told($0, verdict, entry)] + TraceText(events: $0.trace).lines }
    if !output.isEmpty {
      let text = output.map { $0.joined(separator: "\n") }.joined(separator: "\n\n")
      test.addChild(XMLElement("system-out", [:], text: text))
    }
    suite.cases.append(test)
  }

  /// Where it is and how to run it again.
  private static func told(
    _ finding: Verdict.Finding, _ verdict: Verdict, _ entry: CheckReport.Entry
  ) -> String {
    var lines = [verdict.told(finding)]
    if let sentence = finding.sentence { lines.append(sentence) }
    if !finding.scenario.isEmpty {
      lines.append(
        "replay: kshim replay \(finding.subjectOption + entry.replayOptions)\(Shell.quoted(finding.scenario))"
      )
    }
    return lines.joined(separator: "\n")
  }
}
