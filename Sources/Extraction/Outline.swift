// SPDX-License-Identifier: GPL-2.0-only
import KernelSource

/// A file of which only the functions have a body that some others seem to lead to: a parser is
/// through with it sooner. Read off tokens, so it may leave out too much; who uses it sees to that.
struct Outline {
  private let text: [UInt8]
  private let top: TopLevel

  /// - Parameter top: what the text has, where it was read before.
  init(_ text: [UInt8], _ top: TopLevel? = nil) {
    self.text = text
    self.top = top ?? TopLevel(of: text)
  }

  /// The text with spaces in place of the other bodies: offsets and lines stay.
  ///
  /// - Parameter boundary: functions that lead nowhere.
  func text(of functions: [String], without boundary: Set<String>) -> [UInt8] {
    let reached = names(from: functions, without: boundary)
    let newline = UInt8(ascii: "\n")
    var text = text
    for function in top.functions.values
    where function.isDefinition && !reached.contains(function.name) {
      let body = text[function.headEnd..<function.range.upperBound]
      guard let open = body.firstIndex(of: UInt8(ascii: "{")), body.last == UInt8(ascii: "}")
      else { continue }
      for place in open + 1..<body.endIndex - 1 where text[place] != newline {
        text[place] = UInt8(ascii: " ")
      }
    }
    return text
  }

  /// Whatever some functions name, and what that names.
  private func names(from functions: [String], without boundary: Set<String>) -> Set<String> {
    let macros = macros
    var names: Set<String> = []
    var queue = functions
    while let name = queue.popLast() {
      guard !boundary.contains(name), names.insert(name).inserted else { continue }
      queue += top.functions[name]?.body ?? []
      queue += macros[name] ?? []
    }
    return names
  }

  /// What each macro names.
  private var macros: [String: [String]] {
    var macros: [String: [String]] = [:]
    for line in CodeText.lines(of: text) where line.bytes.first == UInt8(ascii: "#") {
      let words = line.words
      guard words.count > 1, words[0] == "define" else { continue }
      macros[words[1], default: []] += words.dropFirst(2)
    }
    return macros
  }
}

extension Extractor {
  /// What ``extract()`` will say, as far as an outline shows, and sooner. What is wrong with the text
  /// that says.
  func glimpse() async throws -> Result {
    let source = try source()
    let outline = Outline(source.bytes, following?.top(of: source))
    let text = outline.text(
      of: manifest.targets + manifest.optionalTargets + manifest.extract + source.added,
      without: Set(manifest.boundary.map(\.name)).subtracting(manifest.ownRules.keys))
    return try collect(await parse(text, Probes(manifest: manifest)), source)
  }
}
