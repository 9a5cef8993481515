// SPDX-License-Identifier: GPL-2.0-only
import Failures

/// What a set of functions needs of their own source file, found by following references.
struct Closure {
  let manifest: Manifest
  /// Definitions, of the source file and of headers.
  let functions: [String: ClangCursor]
  /// Macros of the source file.
  let macros: [String: ClangCursor]
  let text: [UInt8]
  let asked: String
  let source: String

  private var taken: [Int: Extractor.Piece] = [:]
  private var pending: [ClangCursor] = []
  private var takenMacros: Set<String> = []
  private var exported: Set<String> = []
  private(set) var boundaryCalled: Set<String> = []
  /// Who asked for a helper, for the chain in a message.
  private var callers: [String: String] = [:]

  init(
    manifest: Manifest, functions: [String: ClangCursor], macros: [String: ClangCursor],
    text: [UInt8], asked: String, source: String
  ) {
    self.manifest = manifest
    self.functions = functions
    self.macros = macros
    self.text = text
    self.asked = asked
    self.source = source
  }

  mutating func add(function: ClangCursor) {
    let range = function.extent
    guard taken[range.lowerBound] == nil else { return }
    taken[range.lowerBound] = Extractor.Piece(range: range, function: function.name)
    if !function.isStatic { exported.insert(function.name) }
    pending.append(function)
  }

  mutating func run() throws {
    while let cursor = pending.popLast() {
      try follow(cursor, from: cursor.name)
      takeMacros(in: cursor.extent)
    }
  }

  /// Follows every reference below a cursor.
  mutating func follow(_ cursor: ClangCursor, from name: String) throws {
    var references: [(ClangCursor, Int)] = []
    cursor.visit { child in
      if let target = child.referenced { references.append((target, child.place.line)) }
      return true
    }
    for (target, line) in references {
      switch target.kind {
      case .function: try call(target, from: name, line: line)
      case .variable where target.isAtFileScope: try use(variable: target, from: name, line: line)
      case .structure, .enumeration, .typedefinition: take(declaration: target)
      default:
        if target.isEnumConstant, let parent = target.parent { take(declaration: parent) }
      }
    }
  }

  private mutating func call(_ target: ClangCursor, from caller: String, line: Int) throws {
    let name = target.name
    if manifest.boundary.contains(where: { $0.name == name }) {
      boundaryCalled.insert(name)
      return
    }
    if let definition = functions[name] {
      if definition.isInMainFile, taken[definition.extent.lowerBound] == nil {
        callers[name] = "\(caller) (\(source):\(line))"
        add(function: definition)
      }
      return
    }
    guard !Self.isKnown(name) else { return }
    var chain = ["\(name), called at \(source):\(line) by \(caller)"]
    var current = caller
    while let next = callers[current] {
      chain.append("\(current), called by \(next)")
      current = String(next.prefix { $0 != " " })
    }
    throw Failure(
      .build, asked: asked,
      cause: "\(caller) calls \(name)(), which is neither extracted nor boundary",
      place: "\(source):\(line)", evidence: chain.count > 1 ? chain : [],
      remedy: "add '\(name): {returns: [0]}', or another rule, under 'boundary:' in \(manifest.path)")
  }

  /// Names that the compiler or the stub headers provide.
  static func isKnown(_ name: String) -> Bool {
    name.hasPrefix("__builtin_") || name.hasPrefix("kshim_")
      || name.hasPrefix("__compiletime_assert_") || name.hasPrefix("__bad_")
      || ["memset", "memcpy", "memmove", "memcmp", "strcmp", "strlen", "strncmp"].contains(name)
  }

  private mutating func use(variable target: ClangCursor, from user: String, line: Int) throws {
    let name = target.name
    // The probes, appended behind the text, declare the harness's inputs.
    guard target.place.file != Probes.fileName else { return }
    if let definition = target.definition ?? (target.isInMainFile ? target : nil),
      definition.isInMainFile
    {
      take(declaration: definition)
      if !definition.isStatic { exported.insert(name) }
    } else if manifest.variables.contains(where: { $0.name == name }) {
      // The harness defines it.
    } else if !Self.isKnown(name) {
      throw Failure(
        .build, asked: asked,
        cause: "\(user) uses the variable \(name), which \(source) does not define",
        place: "\(source):\(line)",
        remedy: "add '\(name): VALUE' under 'variables:' in \(manifest.path)")
    }
  }

  private mutating func take(declaration: ClangCursor) {
    let cursor = declaration.definition ?? declaration
    guard cursor.isInMainFile, cursor.isAtFileScope else { return }
    var range = cursor.extent
    let semicolon = UInt8(ascii: ";")
    while range.upperBound < text.count, text[range.upperBound] != semicolon {
      range = range.lowerBound..<range.upperBound + 1
    }
    range = range.lowerBound..<min(text.count, range.upperBound + 1)
    guard taken[range.lowerBound] == nil else { return }
    taken[range.lowerBound] = Extractor.Piece(range: range, function: nil)
    pending.append(cursor)
  }

  /// Takes the file's own macros whose names occur in a range, and those that they use.
  private mutating func takeMacros(in range: Range<Int>) {
    for word in Self.words(text[range]) {
      guard let macro = macros[word], takenMacros.insert(word).inserted else { continue }
      let directive = directiveRange(at: macro.extent.lowerBound, in: text)
      taken[directive.lowerBound] = Extractor.Piece(range: directive, function: nil)
      takeMacros(in: directive)
    }
  }

  /// Identifiers of a stretch of C, comments and strings included: one too many does no harm.
  static func words(_ bytes: ArraySlice<UInt8>) -> Set<String> {
    var words: Set<String> = []
    var current: [UInt8] = []
    for byte in bytes + [0] {
      let isWord =
        byte == UInt8(ascii: "_") || (48...57).contains(byte) || (65...90).contains(byte)
        || (97...122).contains(byte)
      if isWord {
        current.append(byte)
      } else if !current.isEmpty {
        words.insert(String(decoding: current, as: UTF8.self))
        current.removeAll(keepingCapacity: true)
      }
    }
    return words
  }

  /// In the order of the file; declarations that overlap are merged.
  func pieces() -> [Extractor.Piece] {
    var merged: [Extractor.Piece] = []
    for piece in taken.values.sorted(by: { $0.range.lowerBound < $1.range.lowerBound }) {
      if let last = merged.last, piece.range.lowerBound < last.range.upperBound {
        merged[merged.count - 1].range =
          last.range.lowerBound..<max(last.range.upperBound, piece.range.upperBound)
      } else {
        merged.append(piece)
      }
    }
    return merged
  }

  func externalNames() -> [String] { exported.sorted() }
}
