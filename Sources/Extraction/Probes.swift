// SPDX-License-Identifier: GPL-2.0-only
import Failures

/// Functions appended to the source file in memory, one for each candidate spelling of the
/// manifest: those that compile tell which spellings a tree has, and of what type. Names, which are
/// many, are asked for in one function.
struct Probes {
  static let prefix = "kshim_probe_"
  static let naming = "\(prefix)names"
  static let fileName = "kshim-probe"

  private let manifest: Manifest
  private var lines: [String] = []
  /// Probe numbers of each spelling.
  private var numbers: [String: Int] = [:]
  /// Probe numbers of each name.
  private var names: [String: Int] = [:]
  /// Names of which a macro counts too.
  private var macros: Set<String> = []

  /// - Parameter needed: names that the object turned out to need besides.
  init(manifest: Manifest, needed: Set<String> = []) {
    self.manifest = manifest
    lines.append(
      "static __attribute__((unused)) int \(Self.prefix)0(int i) \(Definedness.canary)")
    for (_, spellings) in manifest.asked { for spelling in spellings { add(spelling) } }
    for (name, _) in manifest.boundary { add(name: name) }
    for name in manifest.slots.compactMap(\.with) { add(name: name) }
    for variable in manifest.variables { add(name: variable.name, orMacro: true) }
    for name in needed.sorted() { add(name: name) }
    if manifest.isFromTypes {
      for pair in manifest.pairs {
        for name in [pair.acquires, pair.releases] where !name.contains(".") { add(name: name) }
      }
      for name in Self.inputs(of: manifest) {
        for expression in Self.expressions(ofInput: name) { add(expression) }
      }
    }
  }

  /// Whether they ask all that others do.
  func cover(_ others: Probes) -> Bool {
    others.numbers.keys.allSatisfy { numbers[$0] != nil }
      && others.names.keys.allSatisfy { names[$0] != nil }
  }

  /// Asks for what others ask for.
  mutating func add(_ others: Probes) {
    for expression in others.numbers.keys.sorted() { add(expression) }
    for name in others.names.keys.sorted() {
      add(name: name, orMacro: others.macros.contains(name))
    }
  }

  /// Names that a manifest of one function has for members and objects.
  private static func inputs(of manifest: Manifest) -> [String] {
    let callees = manifest.ownRules.keys + manifest.pairs.flatMap { [$0.acquires, $0.releases] }
    return (Array(manifest.fields.keys) + callees.filter { $0.contains(".") }).sorted()
  }

  /// What compiles where a tree has an input: a member, or a type.
  private static func expressions(ofInput name: String) -> [String] {
    if let dot = name.firstIndex(of: ".") {
      let member = name[name.index(after: dot)...]
      return ["struct ", "union ", ""].map { "((\($0)\(name[..<dot]) *)0)->\(member)" }
    }
    return ["sizeof(*(\(name.hasSuffix(" *") ? String(name.dropLast(2)) : name) *)0)"]
  }

  /// Whether the tree has a member or a type of the manifest's.
  func has(input name: String, failed: Set<Int>) -> Bool {
    Self.expressions(ofInput: name).contains { expression in
      numbers[expression].map { !failed.contains($0 + 1) } ?? false
    }
  }

  private mutating func add(_ expression: String) {
    guard numbers[expression] == nil else { return }
    numbers[expression] = lines.count
    lines.append(line(expression, number: lines.count))
  }

  private func line(_ expression: String, number: Int) -> String {
    let parameters = (manifest.objects.map { "\($0.type) *\($0.name)" } + ["int i"])
    let words = Closure.words(Array(expression.utf8)[...])
    // Only what the expression names: a type that this tree lacks spoils no other probe.
    let externs =
      manifest.inputs.filter { words.contains("in_\($0.name)") }
      .map { "extern unsigned long long in_\($0.name)[];" }
      + manifest.state.filter { words.contains($0.name) }
      .map { "extern \($0.type) \($0.name)[];" }
    return "static __attribute__((unused)) void \(Self.prefix)\(number)"
      + "(\(parameters.joined(separator: ", "))) "
      + "{ \(externs.joined(separator: " ")) (void)(\(expression)); }"
  }

  /// Asks what a name is: headers that were compiled before are not looked through.
  ///
  /// - Parameter orMacro: a macro of that name counts; one with arguments hides no function.
  private mutating func add(name: String, orMacro: Bool = false) {
    guard names[name] == nil else { return }
    let number = lines.count
    names[name] = number
    if orMacro { macros.insert(name) }
    let asked = "(void)&(\(name));"
    lines.append(
      orMacro ? "#ifdef \(name)\n;\n#else\n#line \(number + 1)\n\(asked)\n#endif" : asked)
  }

  /// What a name stands for in a tree.
  enum Named {
    case declaration(ClangCursor)
    case macro
  }

  /// The names of the manifest that the tree has.
  ///
  /// - Parameters:
  ///   - naming: the function that asks, as parsed.
  ///   - failed: numbers of lines (from 1) with an error.
  func named(_ naming: ClangCursor?, failed: Set<Int>) -> [String: Named] {
    let asked = Dictionary(uniqueKeysWithValues: names.map { ($0.value + 1, $0.key) })
    var named: [String: Named] = [:]
    let body = naming?.children.last { $0.kind == .compound }
    body?.visit { statement in
      let line = statement.place.line
      guard let name = asked[line], !failed.contains(line) else { return false }
      var isEmpty = true
      statement.visit { child in
        isEmpty = false
        if let declaration = child.referenced, declaration.name == name {
          named[name] = .declaration(declaration)
        }
        return true
      }
      if isEmpty { named[name] = .macro }
      return false
    }
    return named
  }

  /// The line of the probe that uses a variable before it may be set: the first, before any error.
  let canary = 1

  /// The number of the probe that holds in every whole file, which is the last: where it fails, the
  /// file ends inside something.
  var sentinel: Int { lines.count }

  /// What to append to the file.
  var text: String {
    func line(_ number: Int, _ text: String) -> String {
      "#line \(number + 1) \"\(Self.fileName)\"\n\(text)\n"
    }
    let asking = Set(names.values)
    return "\n"
      + lines.indices.filter { !asking.contains($0) }.map { line($0, lines[$0]) }.joined()
      + line(sentinel + 1, "static __attribute__((unused)) void \(Self.naming)(void)\n{")
      + asking.sorted().map { line($0, lines[$0]) }.joined() + "}\n"
      + line(sentinel, self.line("0", number: sentinel))
  }

  struct Answers {
    var slots: [(slot: Manifest.Slot, resolved: Extractor.Resolved)] = []
    var objects: [(object: Manifest.Object, expression: String?)] = []
    var bindings: [(to: String, value: String)] = []
    var callbacks: [(name: String, resolved: Extractor.Resolved, rule: Manifest.Rule)] = []
    /// The probe functions that hold, for what they refer to.
    var used: [ClangCursor] = []
  }

  /// - Parameters:
  ///   - cursors: the probe functions as parsed, by number.
  ///   - failed: numbers of lines (from 1) with an error.
  ///   - manifest: what asks.
  ///   - unclear: what a patch takes out of structs.
  ///   - has: whether the tree has a function.
  ///   - mentions: whether the tree's own text mentions something.
  func resolve(
    _ cursors: [Int: ClangCursor], failed: Set<Int>, for manifest: Manifest, asked: String,
    unclear: [Members.Move] = [],
    has: (String) -> Bool, mentions: (Manifest.Mention) -> Bool
  ) throws -> Answers {
    var answers = Answers()
    func first(_ spellings: [String]) -> Extractor.Resolved? {
      for spelling in spellings {
        guard let number = numbers[spelling], !failed.contains(number + 1),
          let cursor = cursors[number], let expression = Self.expression(cursor)
        else { continue }
        answers.used.append(cursor)
        return Extractor.Resolved(
          expression: spelling, type: expression.valueType, prototype: expression.prototype,
          isBitField: Self.isBitField(expression))
      }
      return nil
    }
    func need(
      _ what: String, _ spellings: [String], optional: Bool, line: Int
    ) throws -> Extractor.Resolved? {
      if let resolved = first(spellings) { return resolved }
      let words = Closure.words(Array(spellings.joined(separator: " ").utf8)[...])
      let gone = unclear.filter { words.contains($0.member) }
      // What is simply not there any more need not be there.
      if optional, gone.allSatisfy(\.isRemoved) { return nil }
      throw Failure(
        .build, asked: asked,
        cause: "this kernel has none of the manifest's spellings of \(what): "
          + spellings.joined(separator: ", "), place: "\(manifest.path):\(line)",
        evidence: gone.map(\.sentence),
        remedy: "add this kernel's spelling to \(what) in the manifest")
    }
    for object in manifest.objects {
      if object.spellings.isEmpty {
        answers.objects.append((object, nil))
      } else if let found = try need(
        "object '\(object.name)'", object.spellings, optional: object.isOptional,
        line: object.line)
      {
        answers.objects.append((object, found.expression))
      }
    }
    for slot in manifest.slots
    where (slot.with.map(has) ?? true) && (slot.mentioned.map(mentions) ?? true) {
      if let found = try need(
        "slot '\(slot.name)'", slot.spellings, optional: slot.isOptional, line: slot.line)
      {
        answers.slots.append((slot, found))
      }
    }
    for binding in manifest.bindings {
      let found = try need(
        "a binding", binding.spellings, optional: binding.isOptional, line: binding.line)
      if let found { answers.bindings.append((found.expression, binding.value)) }
    }
    for callback in manifest.callbacks {
      // A kernel without the pointer never calls through it.
      if let found = first(callback.spellings) {
        answers.callbacks.append((callback.name, found, callback.rule))
      }
    }
    return answers
  }

  private static func isBitField(_ expression: ClangCursor) -> Bool {
    var cursor = expression
    while cursor.referenced == nil, let inner = cursor.children.last { cursor = inner }
    return cursor.referenced?.isBitField ?? false
  }

  /// The parenthesis inside `(void)(…)`.
  private static func expression(_ probe: ClangCursor) -> ClangCursor? {
    guard let body = probe.children.last(where: { $0.kind == .compound }),
      let cast = body.children.last, let parenthesis = cast.children.last
    else { return nil }
    return parenthesis
  }
}

extension Manifest {
  /// Every list of candidate spellings, with what it is for.
  var asked: [(what: String, spellings: [String])] {
    objects.map { ($0.name, $0.spellings) } + slots.map { ($0.name, $0.spellings) }
      + bindings.map { ("bind", $0.spellings) } + callbacks.map { ($0.name, $0.spellings) }
  }
}
