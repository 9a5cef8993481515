// SPDX-License-Identifier: GPL-2.0-only
import KernelSource

/// Finds every mutant of the functions of an extraction.
struct MutantFinder {
  let manifest: Manifest
  let extracted: Extractor.Result

  /// The pieces that hold one function each, by its name. One use of a macro can define several:
  /// those have no text of their own.
  var pieces: [(name: String, piece: Extractor.Piece)] {
    extracted.pieces.compactMap { piece in
      guard piece.functions.count == 1, let name = piece.functions.first,
        extracted.functions[name]?.prototype?.isVariadic == false
      else { return nil }
      return (name, piece)
    }
  }

  /// In the order of the file, numbered from 1.
  func mutants() -> [Mutant] {
    var found: [Mutant] = []
    let known = Effects(manifest: manifest, extracted: extracted)
    let places = Places(extracted.source)
    for (name, piece) in pieces {
      let text = String(bytes: extracted.text[piece.range])
      let hash = Digest.of(text)
      found += mutants(of: name, in: piece, hash: String(hash.prefix(12)), places, known)
    }
    for index in found.indices { found[index].number = index + 1 }
    return found
  }

  private func mutants(
    of name: String, in piece: Extractor.Piece, hash: String, _ places: Places,
    _ known: Effects
  ) -> [Mutant] {
    guard let cursor = extracted.functions[name] else { return [] }
    let function = FunctionText(
      cursor, in: extracted.unit, source: extracted.text, effects: { known.of($0) })
    var taken: [Range<Int>: Set<String>] = [:]
    var drafts: [(id: String, edit: Edit)] = []
    for finder in MutationOperators.finders {
      let edits = finder.edits(in: function).filter {
        piece.range.contains($0.range.lowerBound) && $0.range.upperBound <= piece.range.upperBound
          && taken[$0.range, default: []].insert($0.replacement).inserted
      }
      drafts += edits.map { (finder.id, $0) }
    }
    drafts.sort {
      ($0.edit.range.lowerBound, $0.edit.range.upperBound, $0.id, $0.edit.replacement)
        < ($1.edit.range.lowerBound, $1.edit.range.upperBound, $1.id, $1.edit.replacement)
    }
    var ordinals: [String: Int] = [:]
    return drafts.map { id, edit in
      ordinals[id, default: 0] += 1
      return Mutant(
        number: 0, key: "\(name)@\(hash):\(id):\(ordinals[id]!)", operatorID: id, function: name,
        range: edit.range, replacement: edit.replacement,
        description: Self.describe(function.text(edit.range), edit.replacement),
        start: places[edit.range.lowerBound], end: places[edit.range.upperBound],
        // A directive cannot stand inside of what is watched.
        difference: function.text(edit.range).contains("#") ? nil : edit.difference)
    }
  }

  /// Lines and columns of the file's byte offsets.
  private struct Places {
    private let source: SourceText

    init(_ source: SourceText) { self.source = source }

    subscript(offset: Int) -> Mutant.Position {
      let newline = UInt8(ascii: "\n")
      let start = (source.bytes[..<offset].lastIndex(of: newline) ?? -1) + 1
      return .init(line: source.place(of: offset).line, column: offset - start + 1)
    }
  }

  private static func describe(_ old: String, _ new: String) -> String {
    func short(_ text: String) -> String {
      let line = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
      return line.count > 60 ? "\(line.prefix(57))..." : line
    }
    return ["", ";"].contains(new)
      ? "'\(short(old))' is left out" : "'\(short(old))' becomes '\(short(new))'"
  }
}

/// What calling a function does by the manifest's rules, also by way of headers' inline functions.
private final class Effects {
  let manifest: Manifest
  private let definitions: [String: ClangCursor]
  private var known: [String: Set<FunctionText.Effect>] = [:]

  init(manifest: Manifest, extracted: Extractor.Result) {
    self.manifest = manifest
    definitions = extracted.definitions()
  }

  func of(_ name: String) -> Set<FunctionText.Effect> {
    if let answer = known[name] { return answer }
    known[name] = []
    var answer: Set<FunctionText.Effect> = []
    if let rule = manifest.boundary.first(where: { $0.name == name })?.rule {
      switch rule.action {
      case .frees: answer = [.frees]
      case .locks: answer = [.locks]
      case .unlocks: answer = [.unlocks]
      default: break
      }
    } else if let definition = definitions[name], !definition.isInMainFile {
      var callees: Set<String> = []
      definition.visit { child in
        if child.syntax == .call, let callee = child.referenced { callees.insert(callee.name) }
        return true
      }
      for callee in callees { answer.formUnion(of(callee)) }
    }
    known[name] = answer
    return answer
  }
}
