// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation
import Yams

/// Reading a manifest's file as YAML.
extension ManifestReader {
  func document() throws -> Node {
    let text: String
    do {
      text = try String(contentsOfFile: path, encoding: .utf8)
    } catch {
      throw wrong(nil, "the file cannot be read", "check its name and permissions")
    }
    do {
      guard let node = try Yams.compose(yaml: text) else {
        throw wrong(1, "the file is empty", "start from another subject's manifest")
      }
      return node
    } catch let error as YamlError {
      throw invalid(error)
    }
  }

  private func invalid(_ error: YamlError) -> Failure {
    let remedy = "mend the syntax there"
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      return wrong(mark.line, "it is not valid YAML: \(problem)", remedy)
    case .duplicatedKeysInMapping(let names, let context):
      let name = names.first ?? ""
      return wrong(
        second(name, from: context.mark.line), "key '\(name)' stands twice in one mapping",
        "remove one of them")
    default: return wrong(nil, "it is not valid YAML", remedy)
    }
  }

  /// The line on which a key stands for the second time, from the line where its mapping begins.
  private func second(_ key: String, from first: Int) -> Int {
    let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    func isKey(_ line: Substring, _ range: Range<String.Index>) -> Bool {
      let before = line[..<range.lowerBound].last
      return before.map { " {,\"'".contains($0) } ?? true
    }
    var seen = 0
    for (index, line) in lines.enumerated().dropFirst(max(0, first - 1)) {
      let bare = line.prefix { $0 != "#" }
      seen += bare.ranges(of: "\(key):").count { isKey(bare, $0) }
      if seen > 1 { return index + 1 }
    }
    return first
  }
}
