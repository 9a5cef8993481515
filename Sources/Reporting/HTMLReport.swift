// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// A report as one page that needs nothing beside it: no script, no font, no picture.
public struct HTMLReport {
  public var report: CheckReport

  public init(_ report: CheckReport) { self.report = report }

  public var text: String {
    let title =
      report.entries.count == 1
      ? report.entries[0].name
      : report.series.map { "\($0.name): \($0.count)" } ?? "\(report.entries.count) steps"
    return """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <title>kshim: \(Markup.escaped(title))</title>
      <style>
      \(Self.style)
      </style>
      </head>
      <body>
      \(report.entries.map(section).joined(separator: "\n"))
      </body>
      </html>

      """
  }

  private static let style = """
    :root { color-scheme: light dark; }
    body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
    h1 { font-size: 1.4rem; } h2 { font-size: 1.15rem; } h3 { font-size: 1rem; }
    pre, code { font-family: ui-monospace, monospace; font-size: .85rem; }
    pre { overflow-x: auto; padding: .6rem; border: 1px solid #8886; border-radius: .3rem; }
    table { border-collapse: collapse; } th, td { text-align: left; padding: .15rem 1rem .15rem 0; }
    td.number, th.number { text-align: right; }
    .clean { color: light-dark(#17692b, #6fd08a); } .broken { color: light-dark(#a3161b, #ff8d8d); }
    """

  private func section(_ entry: CheckReport.Entry) -> String {
    let name = Markup.escaped(entry.name)
    guard case .verdict(let verdict) = entry.outcome else {
      guard case .failure(let why, _) = entry.outcome else { return "" }
      return """
        <section>
        <h1>\(name): <span class="broken">cannot be judged</span></h1>
        <pre>\(Markup.escaped(why))</pre>
        </section>
        """
    }
    let isClean = verdict.findings.isEmpty
    let head =
      "<h1>\(name): <span class=\"\(isClean ? "clean" : "broken")\">\(verdict.verdict)</span></h1>"
    var parts = ["<section>", head, "<p>\(Markup.escaped(verdict.summary))</p>"]
    parts += patches(verdict)
    parts += entry.fixed.map { fixed in
      "<p>Fixed: <code>\(Markup.escaped(fixed.property))</code> in "
        + "\(Markup.escaped("\(fixed.function)(): \(fixed.sentence ?? fixed.message)"))</p>"
    }
    // What is new comes first.
    let causes = [true, false].flatMap { isNew in
      verdict.causes.filter { cause in
        cause.findings.contains { verdict.findings[$0].introduced } == isNew
      }
    }
    for (number, cause) in causes.enumerated() {
      parts.append("<article>\n<h2>\(number + 1). \(Markup.escaped(cause.sentence))</h2>")
      parts += cause.findings.map {
        self.finding(verdict.findings[$0], verdict, entry, isOpen: $0 == cause.findings.first)
      }
      parts.append("</article>")
    }
    if !verdict.notes.isEmpty {
      parts.append("<article>\n<h2>Notes</h2>")
      parts += verdict.notes.map { finding($0, verdict, entry, isOpen: false) }
      parts.append("</article>")
    }
    parts.append(properties(verdict))
    parts.append(
      "<p>\(Markup.escaped("\(verdict.tool.name) \(verdict.tool.version)"))</p>\n</section>")
    return parts.joined(separator: "\n")
  }

  /// What the revision has that its base has not.
  private func patches(_ verdict: Verdict) -> [String] {
    let revision = verdict.revision
    let commits = revision.commits.map { commits in
      let subject = revision.head.map { " \"\($0.subject)\"" } ?? ""
      return "<p>\(Markup.escaped("Commits \(commits)\(subject)"))</p>"
    }
    guard !revision.patches.isEmpty else { return commits.map { [$0] } ?? [] }
    let items = verdict.revision.patches.map { patch in
      let subject = patch.subject.map { ": \($0)" } ?? ""
      return "<li>\(Markup.escaped(patch.file + subject))</li>"
    }
    return (commits.map { [$0] } ?? []) + ["<ol>"] + items + ["</ol>"]
  }

  private func finding(
    _ finding: Verdict.Finding, _ verdict: Verdict, _ entry: CheckReport.Entry, isOpen: Bool
  ) -> String {
    let extent =
      "in \(finding.function)(), \(finding.failing) of \(verdict.scenarios(of: finding)) scenarios"
    var parts = [
      "<h3><code>\(Markup.escaped(finding.property))</code></h3>",
      "<p>\(Markup.escaped(verdict.told(finding)))<br>\(Markup.escaped(extent))</p>",
    ]
    if !finding.scenario.isEmpty {
      let command =
        "kshim replay \(finding.subjectOption + entry.replayOptions)\(Shell.quoted(finding.scenario))"
      let trace = TraceText(events: finding.trace).lines.joined(separator: "\n")
      parts.append(
        """
        <details\(isOpen ? " open" : "")><summary>trace</summary>
        <pre>\(Markup.escaped(command))</pre>
        <pre>\(Markup.escaped(trace))</pre>
        </details>
        """)
    }
    return parts.joined(separator: "\n")
  }

  private func properties(_ verdict: Verdict) -> String {
    let rows = verdict.properties.map { property in
      "<tr><td><code>\(Markup.escaped(property.id))</code></td>"
        + "<td class=\"number\">\(property.checked)</td>"
        + "<td class=\"number\(property.broken > 0 ? " broken" : "")\">\(property.broken)</td></tr>"
    }
    return """
      <h2>Properties</h2>
      <table>
      <tr><th>property</th><th class="number">looked at</th><th class="number">broken</th></tr>
      \(rows.joined(separator: "\n"))
      </table>
      """
  }
}
