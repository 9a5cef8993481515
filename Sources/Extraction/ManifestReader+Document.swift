// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation
import Yams

/// Reading a manifest's file as YAML.
extension ManifestReader {
  func document() throws -> Node {
    let text = try text()
    do {
      // Who reads a value says what it is: to guess it takes as long as all else.
      guard let node = try Yams.compose(yaml: text, .basic) else {
        throw wrong(1, "the file is empty", "start from another subject's manifest")
      }
      return node
    } catch let error as YamlError {
      throw invalid(error)
    }
  }

  /// Beyond this a file is no manifest.
  private static let mostBytes = 4 << 20

  private func text() throws -> String {
    var status = stat()
    guard stat(path, &status) == 0 else {
      throw wrong(
        nil, "there is no such file", Nearest.remedy(forPath: path, otherwise: "check its name"))
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw wrong(nil, "it is no file", "name a file")
    }
    guard status.st_size <= Self.mostBytes else {
      throw wrong(
        nil, "the file holds more than \(Self.mostBytes >> 20) MiB", "name a manifest or rules")
    }
    guard let data = FileManager.default.contents(atPath: path) else {
      throw wrong(nil, "the file cannot be read", "make it readable")
    }
    if let text = String(data: data, encoding: .utf8) { return text }
    let lines = data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    let line = lines.firstIndex { String(data: $0, encoding: .utf8) == nil }
    throw wrong(
      line.map { $0 + 1 }, "the file has bytes that are no UTF-8", "save it as UTF-8")
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
