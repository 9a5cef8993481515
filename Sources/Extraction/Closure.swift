// SPDX-License-Identifier: GPL-2.0-only
import KernelSource

/// What a set of functions needs of their own source file, found by following references.
struct Closure {
  let manifest: Manifest
  /// Definitions of the source file, and of what it includes that is not precompiled.
  let functions: [String: ClangCursor]
  /// Declarations in the source file that are no definitions.
  let declarations: [String: [ClangCursor]]
  /// Functions of files that are included between the functions of the source file.
  let included: Set<String>
  /// Variables of the source file without a first value, which a header may declare.
  let tentative: [String: ClangCursor]
  /// Macros of the source file, every definition of each.
  let macros: [String: [ClangCursor]]
  let text: [UInt8]
  let source: String

  private var taken: [Int: Extractor.Piece] = [:]
  private var pending: [(cursor: ClangCursor, range: Range<Int>)] = []
  private var followed: Set<String> = []
  private var followedDeclarations: Set<ClangCursor> = []
  private var takenMacros: Set<String> = []
  private var exported: Set<String> = []
  /// By the text, and by the functions of headers that it calls.
  private(set) var boundaryCalled: Set<String> = []
  private var followedHeaders: Set<String> = []
  private let boundary: Set<String>
  /// Of other files, named by the text and by the functions of headers that it calls.
  private(set) var variablesUsed: Set<String> = []
  /// Variables of the file that come along.
  private(set) var ownVariables: Set<String> = []
  /// Those among them that were named as a header declares them: what defines them without a first value.
  private(set) var declaredByHeaders: [String: ClangCursor] = [:]
  /// Callees that a pattern of the services answers.
  private(set) var byPattern: [String: ClangCursor] = [:]
  /// Variables of other files that their type gives a first value.
  private(set) var byType: [String: ClangCursor] = [:]
  /// The file's own pointers to caches of objects, which other functions set.
  private(set) var caches: Set<String> = []
  /// Functions of other files of the tree, which are compiled with the text.
  private(set) var ofFiles: Set<String> = []
  /// What nothing defines, in the order in which it was met.
  private(set) var missing: [Missing] = []
  /// Callees that nobody answers, where the harness finds an answer for each.
  private(set) var unanswered: [String: ClangCursor] = [:]
  /// The same for variables of other files.
  private(set) var unknownVariables: [String: ClangCursor] = [:]
  /// Functions of the file that do not come along.
  var cut: Set<String> = []
  /// Who asked for a helper, for the chain in a message.
  private var callers: [String: String] = [:]

  init(
    manifest: Manifest, functions: [String: ClangCursor],
    declarations: [String: [ClangCursor]], tentative: [String: ClangCursor],
    included: Set<String>, macros: [String: [ClangCursor]], text: [UInt8]
  ) {
    self.manifest = manifest
    self.functions = functions
    self.declarations = declarations
    self.tentative = tentative
    self.included = included
    self.macros = macros
    self.text = text
    source = manifest.source
    boundary = Set(manifest.boundary.map(\.name)).subtracting(manifest.ownRules.keys)
  }

  mutating func add(function: ClangCursor) {
    let name = function.name
    guard followed.insert(name).inserted else { return }
    let range = Conditionals.balanced(function.extent, in: text)
    // One use of a macro can define several functions.
    taken[range.lowerBound, default: .init(range: range, functions: [])].functions.append(name)
    if !function.isStatic { exported.insert(name) }
    pending.append((function, range))
    // EXPORT_SYMBOL() behind it declares it again.
    for declaration in declarations[name] ?? []
    where declaration.extent.lowerBound < range.lowerBound {
      take(declaration: declaration, itself: true)
    }
  }

  /// A header that is included between the functions.
  mutating func add(inclusion range: Range<Int>) {
    let range = Conditionals.balanced(range, in: text)
    if taken[range.lowerBound] == nil { taken[range.lowerBound] = Extractor.Piece(range: range) }
  }

  mutating func run() {
    // Macros of headers may use those of the file.
    if manifest.isFromTypes {
      for name in macros.keys.sorted() { takeMacro(name) }
    }
    repeat {
      while let (cursor, range) = pending.popLast() {
        follow(cursor, from: cursor.name)
        takeMacros(in: range)
      }
      comeAlong()
    } while !pending.isEmpty
  }

  /// One use of a macro may define a function and what needs it, a sysfs attribute say: the function is
  /// there, and nobody else answers it.
  private mutating func comeAlong() {
    for name in boundaryCalled.union(unanswered.keys).sorted() {
      guard let definition = functions[name], definition.isInMainFile,
        taken.values.contains(where: { $0.range.contains(definition.extent.lowerBound) })
      else { continue }
      unanswered[name] = nil
      boundaryCalled.remove(name)
      cut.remove(name)
      add(function: definition)
    }
  }

  /// Follows every reference below a cursor.
  mutating func follow(
    _ cursor: ClangCursor, from name: String, signatureOnly: Bool = false
  ) {
    var references: [(target: ClangCursor, use: ClangCursor)] = []
    var cleanups: Set<String> = []
    cursor.visit { child in
      if signatureOnly, child.kind == .compound { return false }
      if let target = child.referenced { references.append((target, child)) }
      if child.kind == .variable, let cleanup = child.cleanup { cleanups.insert(cleanup) }
      return true
    }
    // One of a header is the compiler's to find.
    for name in cleanups.sorted() {
      if let function = functions[name], function.isInMainFile, !followed.contains(name) {
        callers[name] = cursor.name
        add(function: function)
      }
    }
    for (target, use) in references {
      switch target.kind {
      case .function: call(target, from: name, line: use.place.line)
      case .variable where target.isAtFileScope:
        self.use(variable: target, from: name, line: use.place.line)
      case .structure, .enumeration, .typedefinition: take(declaration: target)
      default:
        if target.isEnumConstant || target.isField, let parent = target.parent {
          take(declaration: parent)
        }
      }
    }
  }

  private mutating func call(_ target: ClangCursor, from caller: String, line: Int) {
    let name = target.name
    if cut.contains(name), !boundary.contains(name), let definition = functions[name] {
      guard unanswered.updateValue(definition, forKey: name) == nil else { return }
      follow(definition, from: name, signatureOnly: true)
      takeDeclarations(of: name)
      return
    }
    if boundary.contains(name) || isByPattern(name, target) {
      guard boundaryCalled.insert(name).inserted else { return }
      if let definition = functions[name] ?? target.definition {
        // Its prototype is declared again, its body is the harness's.
        if definition.isInMainFile {
          follow(definition, from: name, signatureOnly: true)
        }
      } else {
        takeDeclarations(of: name)
      }
      return
    }
    if let definition = functions[name] ?? target.definition {
      guard !included.contains(name) else {
        if manifest.isFromTypes {
          unanswered[name] = definition
          return
        }
        return miss(.included, name, of: caller, at: line)
      }
      if definition.isInMainFile, !followed.contains(name) {
        callers[name] = "\(caller) (\(source):\(line))"
        add(function: definition)
      } else if !definition.isInMainFile {
        follow(header: definition)
      }
      return
    }
    if manifest.files[name] != nil {
      ofFiles.insert(name)
      return
    }
    // A static call of the file's own is defined in assembly; where not, the object tells.
    guard !Self.isKnown(name) else { return }
    if target.isInMainFile, name.hasPrefix("__SCT__") {
      return take(declaration: target, itself: true)
    }
    guard !manifest.isFromTypes else {
      if unanswered.updateValue(target, forKey: name) == nil {
        takeDeclarations(of: name)
      }
      return
    }
    miss(.callee, name, of: caller, at: line)
  }

  /// Of what the harness answers: not those that define it, by an alias or in one use of a macro.
  private mutating func takeDeclarations(of name: String) {
    let definition = functions[name].flatMap { $0.isInMainFile ? $0.extent : nil }
    for declaration in declarations[name] ?? []
    where !isAlias(declaration) && !(definition?.overlaps(declaration.extent) ?? false) {
      take(declaration: declaration, itself: true)
    }
  }

  /// Whether a declaration says what defines its name, itself or by a macro.
  private func isAlias(_ declaration: ClangCursor) -> Bool {
    let words = Self.words(text[declaration.extent])
    let ofMacros = words.flatMap { macros[$0] ?? [] }.map {
      Self.words(text[directiveRange(at: $0.extent.lowerBound, in: text)])
    }
    return ([words] + ofMacros).contains {
      !$0.isDisjoint(with: ["alias", "__alias__", "__alias"])
    }
  }

  /// What only a pattern of the services answers, nothing of the text's own.
  private mutating func isByPattern(_ name: String, _ target: ClangCursor) -> Bool {
    guard manifest.patterns.contains(where: { name.hasPrefix($0.prefix) }) else { return false }
    // What the file itself declares it may define in assembly: a static call of its own.
    guard !target.isInMainFile,
      functions[name] ?? target.definition == nil || included.contains(name)
    else { return false }
    byPattern[name] = target
    return true
  }

  /// Of several uses of one name the first counts.
  private mutating func miss(
    _ kind: Missing.Kind, _ name: String, of user: String, at line: Int
  ) {
    guard !missing.contains(where: { $0.name == name }) else { return }
    missing.append(
      Missing(
        kind: kind, name: name, user: user, place: "\(source):\(line)",
        chain: chain(name, user, line)))
  }

  /// Notes what an inline function of a header has answered by the harness. Its own calls are the
  /// compiler's to find: not all of them are made.
  private mutating func follow(header function: ClangCursor) {
    var waiting = [function]
    while let next = waiting.popLast() {
      guard followedHeaders.insert(next.name).inserted else { continue }
      next.visit { child in
        guard let target = child.referenced else { return true }
        if target.kind == .variable, target.isAtFileScope { use(headers: target) }
        guard target.kind == .function else { return true }
        if boundary.contains(target.name),
          target.definition == nil || functions[target.name]?.isInMainFile ?? false
        {
          boundaryCalled.insert(target.name)
        } else if target.definition == nil, functions[target.name] == nil,
          manifest.files[target.name] != nil
        {
          ofFiles.insert(target.name)
        } else if manifest.isFromTypes, target.definition == nil, functions[target.name] == nil,
          !Self.isKnown(target.name), !isByPattern(target.name, target)
        {
          unanswered[target.name] = target
        } else if let definition = target.definition {
          waiting.append(definition)
        }
        return true
      }
    }
  }

  private mutating func use(headers target: ClangCursor) {
    variablesUsed.insert(target.name)
    guard target.definition == nil, !target.isStatic else { return }
    if tentative[target.name] != nil { return use(variable: target, from: "", line: 0) }
    if manifest.files[target.name] != nil,
      !manifest.variables.contains(where: { $0.name == target.name })
    {
      ofFiles.insert(target.name)
    } else if manifest.types[target.valueType.spelling] != nil {
      byType[target.name] = target
    } else if manifest.isFromTypes, !target.isRegister,
      !manifest.variables.contains(where: { $0.name == target.name }), !Self.isKnown(target.name)
    {
      unknownVariables[target.name] = target
    }
  }

  /// How the targets come to call a name; empty where one calls it itself.
  private func chain(_ name: String, _ caller: String, _ line: Int) -> [String] {
    var chain = ["\(name), called at \(source):\(line) by \(caller)"]
    var current = caller
    while let next = callers[current] {
      chain.append("\(current), called by \(next)")
      current = String(next.prefix { $0 != " " })
    }
    return chain.count > 1 ? chain : []
  }

  /// Names that the compiler or the stub headers provide.
  static func isKnown(_ name: String) -> Bool {
    name.hasPrefix("__builtin_") || name.hasPrefix("kshim_")
      || name.hasPrefix("__compiletime_assert_") || name.hasPrefix("__bad_")
      || ["memset", "memcpy", "memmove"].contains(name) || UnitWriter.checked.contains(name)
  }

  /// What the object turned out to need.
  mutating func need(_ variable: ClangCursor) { use(variable: variable, from: "", line: 0) }

  private mutating func use(variable target: ClangCursor, from user: String, line: Int) {
    let name = target.name
    variablesUsed.insert(name)
    // The probes, appended behind the text, declare the harness's inputs.
    guard target.place.file != Probes.fileName else { return }
    if target.definition == nil, !target.isInMainFile {
      declaredByHeaders[name] = tentative[name]
    }
    if let definition =
      target.definition ?? declaredByHeaders[name] ?? (target.isInMainFile ? target : nil),
      definition.isInMainFile
    {
      take(declaration: definition)
      ownVariables.insert(name)
      if manifest.isFromTypes, target.isInMainFile { take(declaration: target, itself: true) }
      if !definition.isStatic { exported.insert(name) }
      if definition.valueType.spelling == "struct kmem_cache *",
        !definition.isStatic || isSet(name)
      {
        caches.insert(name)
      }
    } else if manifest.variables.contains(where: { $0.name == name }) {
      // The harness defines it.
    } else if target.definition != nil || target.isStatic || target.isRegister {
      // A header's own.
    } else if manifest.files[name] != nil {
      ofFiles.insert(name)
    } else if manifest.types[target.valueType.spelling] != nil {
      byType[name] = target
    } else if manifest.isFromTypes, !Self.isKnown(name) {
      unknownVariables[name] = target
    } else if !Self.isKnown(name) {
      miss(.variable, name, of: user, at: line)
    }
  }

  /// Whether the file sets a variable somewhere.
  private func isSet(_ name: String) -> Bool {
    let tokens = CToken.all(of: text).map(\.text)
    return zip(tokens, tokens.dropFirst()).contains { $0 == name && $1 == "=" }
  }

  /// - Parameter itself: not the definition that belongs to it.
  private mutating func take(declaration: ClangCursor, itself: Bool = false) {
    let cursor = itself ? declaration : declaration.definition ?? declaration
    guard cursor.isInMainFile, cursor.isAtFileScope else { return }
    var range = cursor.extent
    let semicolon = UInt8(ascii: ";")
    while range.upperBound < text.count, text[range.upperBound] != semicolon {
      range = range.lowerBound..<range.upperBound + 1
    }
    range = range.lowerBound..<min(text.count, range.upperBound + 1)
    range = Conditionals.balanced(range, in: text)
    guard taken[range.lowerBound] == nil else {
      // One use of a macro may make several.
      if manifest.isFromTypes, followedDeclarations.insert(cursor).inserted {
        pending.append((cursor, range))
      }
      return
    }
    taken[range.lowerBound] = Extractor.Piece(range: range)
    followedDeclarations.insert(cursor)
    pending.append((cursor, range))
  }

  /// Takes the file's own macros whose names occur in a range, and those that they use.
  private mutating func takeMacros(in range: Range<Int>) {
    for word in Self.words(text[range]) { takeMacro(word) }
  }

  private mutating func takeMacro(_ name: String) {
    guard let definitions = macros[name], takenMacros.insert(name).inserted else { return }
    for macro in definitions {
      let directive = directiveRange(at: macro.extent.lowerBound, in: text)
      taken[directive.lowerBound] = Extractor.Piece(range: directive)
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
        words.insert(String(bytes: current))
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
        merged[merged.count - 1].functions += piece.functions
      } else {
        merged.append(piece)
      }
    }
    return merged
  }

  func externalNames() -> [String] { exported.sorted() }
}
