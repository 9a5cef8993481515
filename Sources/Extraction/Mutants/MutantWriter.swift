// SPDX-License-Identifier: GPL-2.0-only
import KernelSource

/// Writes a function's mutants behind its verbatim text, and a function of its name that chooses
/// between them at run time.
struct MutantWriter {
  /// What the dispatchers switch on; 0 is the original everywhere.
  static let chosen = "kshim_mutant"
  /// What came about since it was last asked.
  private static let table = "kshim_marks"
  /// Sets one of them, where the text that calls it is instrumented.
  static let differs = "kshim_differs"
  static func original(_ function: String) -> String { "kshim_original_\(function)" }
  static func copy(_ number: Int) -> String { "kshim_mutant_\(number)" }
  private static func watched(_ function: String) -> String { "kshim_watched_\(function)" }
  /// How `#line` calls a copy while copies are compared.
  static func marker(_ number: Int) -> String { "kshim-mutant-\(number)" }

  let manifest: Manifest
  let extracted: Extractor.Result
  /// Those that are written; numbers are their own.
  let mutants: [Mutant]
  let marks: MutantMarks
  /// Of all functions, those that watched copies tell of, where this unit has these.
  let watched: [Mutant]
  /// Whether each copy is a function of its own in the compiler's output, under its marker.
  let isApart: Bool

  /// Not instrumented: what the runtime sees written it undoes at the next reset.
  private static let apart = "__attribute__((no_sanitize(\"coverage\", \"kernel-address\"))) "

  // Eight bytes: the runtime undoes writes in words of that size.
  var declarations: String {
    """
    extern kshim_u64 \(Self.chosen);
    static kshim_u64 \(Self.table)[\(max(1, marks.count))];
    static \(Self.apart)__attribute__((__noinline__, __unused__)) void \(Self.differs)(unsigned number)
    {
    \t\(Self.table)[number] = 1;
    }

    """
  }
  static let definitions = """

    \(apart)kshim_u64 kshim_unit_marked(unsigned number)
    {
    \tconst kshim_u64 marked = \(table)[number];
    \t\(table)[number] = 0;
    \treturn marked;
    }
    kshim_u64 \(chosen);
    \(apart)void kshim_unit_choose_mutant(unsigned number) { \(chosen) = number; }

    """

  /// - Returns: nil where the function has no mutants.
  func text(of piece: Extractor.Piece, at place: SourceText.Place) -> String? {
    guard piece.functions.count == 1, let name = piece.functions.first,
      let cursor = extracted.functions[name], let prototype = cursor.prototype,
      let mark = marks.functions[name]
    else { return nil }
    let own = mutants.filter { $0.function == name }
    let isInlined = Self.isAlwaysInline(cursor, in: extracted)
    let attribute = isApart && !isInlined ? "__attribute__((__noinline__, __used__))\n" : ""
    // A member of the function's name is no use of it.
    let isMember = Self.hasMember(
      name, in: String(bytes: extracted.text[piece.range]))
    func block(_ symbol: String, _ file: String, _ text: String) -> String {
      if isMember {
        return "\(attribute)#line \(place.line) \"\(file)\"\n"
          + Self.rename(name, to: symbol, in: text) + "\n"
      }
      return
        "#define \(name) \(symbol)\n\(attribute)#line \(place.line) \"\(file)\"\n\(text)\n#undef \(name)\n"
    }
    func copy(_ symbol: String, _ number: Int, _ text: String) -> String {
      block(symbol, isApart ? Self.marker(number) : place.file, text)
    }
    // Copies that are compared hold nothing that a first value would change.
    func stretch(_ range: Range<Int>) -> String {
      isApart ? String(bytes: extracted.text[range]) : UnitWriter.text(range, of: extracted)
    }
    var copies = own.map { mutant in
      copy(
        Self.copy(mutant.number), mutant.number,
        isApart
          ? Self.apply(mutant, to: piece, of: extracted.text)
          : Self.apply(mutant, to: piece, of: extracted.text) { range in
            UnitWriter.text(range, of: extracted) {
              mutant.replacement.isEmpty && $0.initialiser.map(mutant.range.overlaps) ?? false
            }
          })
    }
    var cases = own.map { ($0.number, Self.copy($0.number)) }
    let watching = WatchedCopy(
      watched.filter { $0.function == name }, marks: marks.mutants, of: extracted.text)
    if watching.isNeeded, let number = marks.copies[name] {
      cases.append((marks.first, Self.watched(name)))
      copies.append(
        copy(Self.watched(name), number, watching.text(piece.range, write: stretch)))
    }
    return block(Self.original(name), place.file, stretch(piece.range)) + copies.joined()
      + "#line 1 \"\(HarnessWriter.fileName)\"\n"
      + dispatcher(
        name, prototype, cases, mark, isStatic: cursor.isStatic, isInlined: isInlined)
  }

  private static func uses(of name: String, in text: String) -> [(Range<String.Index>, Bool)] {
    func isPart(_ character: Character) -> Bool {
      character.isLetter || character.isNumber || character == "_"
    }
    return text.ranges(of: name).compactMap { range in
      let before = text[..<range.lowerBound]
      if before.last.map(isPart) ?? false { return nil }
      if range.upperBound < text.endIndex, isPart(text[range.upperBound]) { return nil }
      let rest = before.reversed().drop { $0.isWhitespace }
      return (range, rest.first == "." || rest.starts(with: ">-"))
    }
  }

  static func hasMember(_ name: String, in text: String) -> Bool {
    uses(of: name, in: text).contains { $0.1 }
  }

  /// The function's own name is another one; members of that name stay.
  static func rename(_ name: String, to symbol: String, in text: String) -> String {
    var text = text
    for (range, isMember) in uses(of: name, in: text).reversed() where !isMember {
      text.replaceSubrange(range, with: symbol)
    }
    return text
  }

  /// The piece with the edit made. Lines that go are made up for: those that follow keep theirs.
  ///
  /// - Parameter write: writes a stretch that the edit leaves as it is; nil: verbatim.
  static func apply(
    _ mutant: Mutant, to piece: Extractor.Piece, of text: [UInt8],
    write: ((Range<Int>) -> String)? = nil
  ) -> String {
    func string(_ range: Range<Int>) -> String {
      write?(range) ?? String(bytes: text[range])
    }
    let old = String(bytes: text[mutant.range])
    let lost = max(0, old.count { $0 == "\n" } - mutant.replacement.count { $0 == "\n" })
    return string(piece.range.lowerBound..<mutant.range.lowerBound) + mutant.replacement
      + String(repeating: "\n", count: lost)
      + string(mutant.range.upperBound..<piece.range.upperBound)
  }

  private func dispatcher(
    _ name: String, _ prototype: ClangCursor.Prototype, _ cases: [(number: Int, symbol: String)],
    _ mark: Int, isStatic: Bool, isInlined: Bool
  ) -> String {
    let arguments = prototype.arguments.indices.map { "p\($0)" }.joined(separator: ", ")
    func call(_ symbol: String) -> String {
      prototype.result.shape == .void
        ? "\(symbol)(\(arguments)); return;" : "return \(symbol)(\(arguments));"
    }
    let cases = cases.map { "\tcase \($0.number): \(call($0.symbol))" }
    let inlining = isInlined ? "inline __attribute__((__always_inline__)) " : ""
    let attributes = Self.apart + (isInlined ? "" : "__attribute__((__noinline__)) ")
    return """
      \(attributes)\(isStatic ? "static " : "")\(inlining)\(HarnessWriter.signature(name, prototype))
      {
      \t\(Self.table)[\(mark)] = 1;
      \tswitch (\(Self.chosen)) {
      \(cases.joined(separator: "\n"))
      \t}
      \t\(call(Self.original(name)))
      }

      """
  }

  private static func isAlwaysInline(
    _ cursor: ClangCursor, in extracted: Extractor.Result
  ) -> Bool {
    let head = extracted.text[cursor.extent].prefix { $0 != UInt8(ascii: "{") }
    return !Closure.words(head).isDisjoint(with: ["__always_inline", "always_inline"])
  }
}
