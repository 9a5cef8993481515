// SPDX-License-Identifier: GPL-2.0-only

/// Reads KTAP version 1 as Documentation/dev-tools/ktap.rst says it is written.
struct KTAPReader {
  struct Test: Equatable {
    var isOK: Bool
    var name: String
    var isSkipped = false
    var diagnostics: [String] = []
    var subtests: [Test] = []
  }

  struct Malformed: Error { var line: String }

  private(set) var tests: [Test] = []
  private var lines: ArraySlice<String>

  init(_ text: String) throws {
    lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)[...]
    guard lines.last == "" else { throw Malformed(line: "no newline at the end") }
    lines.removeLast()
    tests = try level("")
    guard lines.isEmpty else { throw Malformed(line: lines.first ?? "") }
  }

  /// Version, plan and as many results as planned, all with an indent.
  private mutating func level(_ indent: String) throws -> [Test] {
    guard lines.popFirst() == "\(indent)KTAP version 1" else { throw Malformed(line: indent) }
    var diagnostics: [String] = []
    var subtests: [Test] = []
    var tests: [Test] = []
    var planned: Int?
    while let line = lines.first, planned.map({ tests.count < $0 }) ?? true {
      if line.hasPrefix("\(indent)  KTAP version 1") {
        subtests = try level("\(indent)  ")
        continue
      }
      guard line.hasPrefix(indent) else { throw Malformed(line: line) }
      lines.removeFirst()
      let rest = line.dropFirst(indent.count)
      if rest.hasPrefix("#") {
        diagnostics.append(String(rest.dropFirst(2)))
      } else if let plan = rest.wholeMatch(of: /1\.\.([0-9]+)/), planned == nil {
        planned = Int(plan.output.1)
      } else if let result = rest.wholeMatch(of: /(not )?ok ([0-9]+) ([^#]+?)( # SKIP.*)?/) {
        guard planned != nil, Int(result.output.2) == tests.count + 1 else {
          throw Malformed(line: line)
        }
        tests.append(
          Test(
            isOK: result.output.1 == nil, name: String(result.output.3),
            isSkipped: result.output.4 != nil, diagnostics: diagnostics, subtests: subtests))
        diagnostics = []
        subtests = []
      } else {
        throw Malformed(line: line)
      }
    }
    guard tests.count == planned else { throw Malformed(line: "\(tests.count) tests") }
    return tests
  }
}
