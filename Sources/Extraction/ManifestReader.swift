// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation
import Yams

/// Reads manifests strictly: an unknown key, a missing one or a value of the wrong shape is a
/// ``Failure`` with file, line and key.
struct ManifestReader {
  let path: String

  /// A mapping whose keys are taken one by one; what is left at the end is unknown.
  struct Keys {
    let reader: ManifestReader
    let what: String
    let line: Int
    var entries: [(key: String, line: Int, value: Node)]

    mutating func take(_ key: String) -> Node? {
      guard let index = entries.firstIndex(where: { $0.key == key }) else { return nil }
      return entries.remove(at: index).value
    }

    mutating func need(_ key: String) throws -> Node {
      if let node = take(key) { return node }
      // Most often it is there under a misspelt name.
      if let stray = entries.first(where: { !ManifestReader.everyKey.contains($0.key) }) {
        throw reader.wrong(
          stray.line, "unknown key '\(stray.key)' in \(what), which has no '\(key)'",
          "write '\(key)' if that is meant")
      }
      throw reader.wrong(line, "\(what) has no key '\(key)'", "add '\(key):' there")
    }

    func close(allowed: [String]) throws {
      guard let extra = entries.first else { return }
      if allowed.contains(extra.key) {
        throw reader.wrong(
          extra.line, "key '\(extra.key)' has no meaning beside the others of \(what)",
          "remove it")
      }
      throw reader.wrong(
        extra.line, "unknown key '\(extra.key)' in \(what)",
        Nearest.remedy(
          for: extra.key, in: allowed, otherwise: "use one of: \(allowed.joined(separator: ", "))"))
    }
  }

  /// Every key of every kind of entry.
  static let everyKey = Set(
    ruleKeys + topKeys + [
      "type", "value", "at", "optional", "is", "count", "to", "input", "values",
    ])

  func wrong(_ line: Int?, _ cause: String, _ remedy: String) -> Failure {
    Failure(
      .request, asked: "read the manifest", cause: cause,
      place: line.map { "\(path):\($0)" } ?? path, remedy: remedy)
  }

  func keys(_ node: Node, _ what: String) throws -> Keys {
    guard let mapping = node.mapping else {
      throw wrong(node.mark?.line, "\(what) must be a mapping", "write 'key: value' lines")
    }
    let entries = mapping.map {
      (key: $0.key.string ?? "", line: $0.key.mark?.line ?? 0, value: $0.value)
    }
    var seen: Set<String> = []
    for entry in entries where !seen.insert(entry.key).inserted {
      throw wrong(entry.line, "key '\(entry.key)' stands twice in \(what)", "remove one of them")
    }
    return Keys(reader: self, what: what, line: node.mark?.line ?? 0, entries: entries)
  }

  func string(_ node: Node, _ what: String) throws -> String {
    guard let scalar = node.scalar else {
      throw wrong(node.mark?.line, "\(what) must be text", "write one value")
    }
    return scalar.string
  }

  func strings(_ node: Node?, _ what: String) throws -> [String] {
    guard let node else { return [] }
    guard let sequence = node.sequence else {
      throw wrong(node.mark?.line, "\(what) must be a list", "write [value, …]")
    }
    return try sequence.map { try string($0, what) }
  }

  /// `{FUNCTION: [NAME, …]}`
  private func mention(_ node: Node, _ what: String) throws -> Manifest.Mention {
    let entries = try keys(node, what).entries
    guard entries.count == 1 else {
      throw wrong(node.mark?.line, "\(what) must name one function", "write {FUNCTION: [NAME, …]}")
    }
    return Manifest.Mention(
      function: entries[0].key, names: try strings(entries[0].value, what))
  }

  private func number(_ node: Node?, _ what: String, from least: Int = 0) throws -> Int? {
    guard let node else { return nil }
    guard let value = node.int, value >= least else {
      throw wrong(node.mark?.line, "\(what) must be a number", "write a number from \(least) up")
    }
    return value
  }

  private func flag(_ node: Node?, _ what: String) throws -> Bool {
    guard let node else { return false }
    guard let value = node.bool else {
      throw wrong(node.mark?.line, "\(what) must be true or false", "write true or false")
    }
    return value
  }

  private func word<Word: RawRepresentable & CaseIterable>(
    _ node: Node, _ what: String, as type: Word.Type
  ) throws -> Word where Word.RawValue == String {
    let text = try string(node, what)
    guard let value = Word(rawValue: text) else {
      let allowed = Word.allCases.map(\.rawValue).joined(separator: ", ")
      throw wrong(node.mark?.line, "\(what) cannot be '\(text)'", "use one of: \(allowed)")
    }
    return value
  }

  private func spellings(_ keys: inout Keys, _ key: String) throws -> [String] {
    let list = try strings(keys.need(key), "\(key) of \(keys.what)")
    guard list.isEmpty else { return list }
    throw wrong(keys.line, "\(key) of \(keys.what) is empty", "write at least one C expression")
  }

  private static let topKeys = [
    "subject", "title", "source", "since", "include", "targets", "optional-targets", "extract",
    "objects", "inputs", "threads", "state", "bind", "locks", "slots", "glue", "prepares",
    "callbacks", "boundary", "variables", "drivers", "arguments", "from-types", "bound", "fields",
    "pairs",
  ]

  private static let ruleKeys = [
    "allocates", "zeroed", "frees", "locks", "unlocks", "returns", "custom", "translates",
    "ends", "ignored", "order", "size", "sleeps", "holds", "records", "downgrades", "enters",
    "leaves", "warns", "makes", "copies", "replaces", "argument", "context", "tries", "allowing",
    "by", "of",
  ]

  private func rule(
    _ keys: inout Keys, locks: [String], also: [String] = []
  ) throws -> Manifest.Rule {
    typealias Rule = Manifest.Rule
    let what = keys.what
    var actions: [Rule.Action] = []
    if let node = keys.take("allocates") {
      let zeroed =
        try keys.take("zeroed").map {
          $0.bool == true ? Rule.When.always : try word($0, "zeroed", as: Rule.When.self)
        } ?? .never
      actions.append(.allocates(try word(node, "allocates", as: Rule.Memory.self), zeroed: zeroed))
    }
    if let node = keys.take("frees") {
      actions.append(.frees(try word(node, "frees", as: Rule.Memory.self)))
    }
    if let node = keys.take("locks") {
      actions.append(.locks(try word(node, "locks", as: Rule.Mode.self)))
    }
    if let node = keys.take("unlocks") {
      actions.append(.unlocks(try word(node, "unlocks", as: Rule.Mode.self)))
    }
    if let node = keys.take("enters") {
      actions.append(.enters(try word(node, "enters", as: Rule.Context.self)))
    }
    if let node = keys.take("leaves") {
      actions.append(.leaves(try word(node, "leaves", as: Rule.Context.self)))
    }
    if try flag(keys.take("downgrades"), "downgrades") { actions.append(.downgrades) }
    if try flag(keys.take("warns"), "warns") { actions.append(.warns) }
    var answers: [String] = []
    if let node = keys.take("makes") {
      actions.append(.makes(try string(node, "makes of \(what)")))
    }
    if let node = keys.take("returns") {
      let values = try strings(node, "returns of \(what)")
      if values.isEmpty {
        throw wrong(keys.line, "\(what) returns nothing", "write returns: [value, …]")
      }
      // What takes a lock or enters a section may also say that it did not.
      switch actions.first {
      case .locks, .enters, .makes: answers = values
      default: actions.append(.returns(values))
      }
    }
    if let node = keys.take("custom") {
      actions.append(.custom(try string(node, "custom of \(what)")))
    }
    if let node = keys.take("translates") {
      guard node.string == "physical" else {
        throw wrong(node.mark?.line, "translates can only be 'physical'", "write 'physical'")
      }
      actions.append(.translatesPhysical)
    }
    if let node = keys.take("ends") {
      actions.append(.ends(try word(node, "ends", as: Rule.End.self)))
    }
    if try flag(keys.take("ignored"), "ignored") { actions.append(.ignored) }
    guard actions.count == 1, let action = actions.first else {
      throw wrong(
        keys.line, "\(what) says \(actions.isEmpty ? "nothing" : "more than one thing") to do",
        "give it one of: allocates, frees, locks, unlocks, downgrades, enters, leaves, returns, warns,"
          + " custom, translates, ends, ignored"
      )
    }
    var rule = Rule(action: action)
    rule.answers = answers
    rule.tries = try flag(keys.take("tries"), "tries")
    rule.argument = try number(keys.take("argument"), "argument of \(what)") ?? 0
    rule.beside = try keys.take("context").map { try word($0, "context", as: Rule.Beside.self) }
    rule.copies = try keys.take("copies").map { try string($0, "copies of \(what)") }
    rule.replaces = try keys.take("replaces").map { try string($0, "replaces of \(what)") }
    rule.allowing = try keys.take("allowing").map { try string($0, "allowing of \(what)") }
    if let node = keys.take("by") { rule.by = try word(node, "by", as: Rule.Allocator.self) }
    rule.of = try keys.take("of").map { try string($0, "of of \(what)") }
    rule.order = try number(keys.take("order"), "order of \(what)")
    if let node = keys.take("sleeps") { rule.sleeps = try word(node, "sleeps", as: Rule.When.self) }
    if let node = keys.take("holds") {
      let lock = try string(node, "holds of \(what)")
      guard locks.contains(lock) else {
        throw wrong(
          node.mark?.line, "\(what) holds '\(lock)', which is not under 'locks:'",
          "add '\(lock): EXPRESSION' under 'locks:'")
      }
      rule.holds = lock
    }
    if let node = keys.take("records") { rule.records = try strings(node, "records of \(what)") }
    rule.size = try keys.take("size").map { try string($0, "size of \(what)") }
    let isObject =
      switch action {
      case .allocates(.object, _): true
      default: false
      }
    if isObject != (rule.size != nil) {
      throw wrong(
        keys.line, "\(what) \(isObject ? "allocates an object without its size" : "has a size")",
        "say the size in bytes where an object is allocated, as 'size: p0', and nowhere else")
    }
    try check(rule, isObject: isObject, keys)
    try keys.close(allowed: Self.ruleKeys + also)
    return rule
  }

  /// Keys that mean something only beside others.
  private func check(_ rule: Manifest.Rule, isObject: Bool, _ keys: Keys) throws {
    let (isLock, isPlace) =
      switch rule.action {
      case .locks, .unlocks: (true, true)
      case .frees, .downgrades: (false, true)
      default: (false, false)
      }
    let isDomain = [.enters(.srcu), .leaves(.srcu)].contains(rule.action)
    let isOwned = isObject || rule.action == .frees(.object)
    let misplaced = [
      ("context", rule.beside != nil && !isLock, "locks' or 'unlocks"),
      ("tries", rule.tries && rule.answers.count < 2, "locks' and two values of 'returns"),
      ("argument", rule.argument != 0 && !isPlace, "frees', 'locks' or 'unlocks"),
      ("copies", rule.copies != nil && !isObject, "allocates: object"),
      ("replaces", rule.replaces != nil && !isObject, "allocates: object"),
      ("allowing", rule.allowing != nil && rule.sleeps == .never, "sleeps"),
      ("by", rule.by != nil && !isOwned, "allocates: object' or 'frees: object"),
      (
        "of", rule.of != nil && !isOwned && !isDomain,
        "allocates: object', 'frees: object', 'enters: srcu' or 'leaves: srcu"
      ),
    ]
    guard let (key, _, beside) = misplaced.first(where: \.1) else { return }
    throw wrong(
      keys.line, "'\(key)' of \(keys.what) has no meaning there",
      "write it beside '\(beside)', or remove it")
  }

  private func boundary(
    _ node: Node?, locks: [String] = []
  ) throws -> [(name: String, rule: Manifest.Rule)] {
    guard let node else { return [] }
    return try keys(node, "boundary").entries.map { entry in
      var inner = try keys(entry.value, "boundary '\(entry.key)'")
      return (entry.key, try rule(&inner, locks: locks))
    }
  }

  private func pairs(_ node: Node?, _ what: String) throws -> [(String, String)] {
    guard let node else { return [] }
    return try keys(node, what).entries.map {
      ($0.key, try string($0.value, "\(what) '\($0.key)'"))
    }
  }

  private func variables(_ node: Node?) throws -> [Manifest.Variable] {
    guard let node else { return [] }
    return try keys(node, "variables").entries.map { entry in
      if let value = entry.value.scalar?.string {
        return Manifest.Variable(name: entry.key, type: nil, value: value)
      }
      var inner = try keys(entry.value, "variable '\(entry.key)'")
      let variable = Manifest.Variable(
        name: entry.key, type: try string(inner.need("type"), "type"),
        value: try string(inner.need("value"), "value"))
      try inner.close(allowed: ["type", "value"])
      return variable
    }
  }

  private func fields(_ node: Node?) throws -> [String: Manifest.Input] {
    guard let node else { return [:] }
    return Dictionary(
      uniqueKeysWithValues: try keys(node, "fields").entries.map { entry in
        let texts = try strings(entry.value, "fields '\(entry.key)'")
        let numbers = try texts.prefix { !$0.hasPrefix("&") }.map { text in
          guard let value = Int64(text) else {
            throw wrong(
              entry.line, "'\(text)' of fields '\(entry.key)' is no number",
              "write numbers; of a pointer 1 is an object and 0 is NULL")
          }
          return value
        }
        let symbols = texts.dropFirst(numbers.count)
        guard !numbers.isEmpty, texts.count < 256 else {
          throw wrong(
            entry.line, "fields '\(entry.key)' needs 1 to 255 values, a number first",
            "write [value, …]")
        }
        if let text = symbols.first(where: { !$0.hasPrefix("&") }) {
          throw wrong(
            entry.line, "'\(text)' of fields '\(entry.key)' stands behind an address",
            "write addresses behind all numbers")
        }
        return (entry.key, .init(numbers: numbers, symbols: symbols.map { String($0.dropFirst()) }))
      })
  }

  private func files(_ node: Node?) throws -> [String: [String]] {
    guard let node else { return [:] }
    return Dictionary(
      uniqueKeysWithValues: try keys(node, "files").entries.map {
        ($0.key, try strings($0.value, "files '\($0.key)'"))
      })
  }

  /// The services that every subject may call.
  func services() throws -> Manifest.Services {
    var top = try keys(try document(), "the services")
    let rules = try boundary(top.take("boundary"))
    let result = Manifest.Services(
      boundary: rules.filter { !$0.name.hasSuffix("*") },
      variables: try variables(top.take("variables")),
      patterns: rules.filter { $0.name.hasSuffix("*") }.map {
        (String($0.name.dropLast()), $0.rule)
      },
      types: Dictionary(uniqueKeysWithValues: try pairs(top.take("types"), "types")),
      files: try files(top.take("files")))
    try top.close(allowed: ["boundary", "variables", "types", "files"])
    return result
  }

  private func functions(
    _ node: Node?, _ what: String, besides: [String] = []
  ) throws -> [String] {
    var seen = Set(besides)
    for entry in node?.sequence.map(Array.init) ?? [] {
      let name = try string(entry, what)
      guard seen.insert(name).inserted else {
        throw wrong(entry.mark?.line, "function '\(name)' is listed twice", "remove one of them")
      }
    }
    return try strings(node, what)
  }

  /// A subject is found by its file's name.
  private func name(_ node: Node) throws -> String {
    let name = try string(node, "subject")
    let file = ((path as NSString).lastPathComponent as NSString).deletingPathExtension
    guard name == file else {
      throw wrong(
        node.mark?.line, "subject '\(name)' stands in a file of another name",
        "call one as the other")
    }
    return name
  }

  /// Threads run in pairs: a race is between two.
  private func threads(
    _ node: Node?, inputs: [String]
  ) throws -> (input: String, count: Int)? {
    guard let node else { return nil }
    var inner = try keys(node, "threads")
    let named = try inner.need("input")
    let input = try string(named, "input of threads")
    guard inputs.contains(input) else {
      throw wrong(
        named.mark?.line, "threads are numbered by '\(input)', which is not under 'inputs:'",
        "add '\(input): 1' under 'inputs:'")
    }
    let count = try inner.need("count")
    guard count.int == 2 else {
      throw wrong(count.mark?.line, "count of threads can only be 2", "write 2")
    }
    try inner.close(allowed: ["input", "count"])
    return (input, 2)
  }

  func manifest() throws -> Manifest {
    var top = try keys(try document(), "the manifest")
    func entries(_ key: String) throws -> [(key: String, line: Int, value: Node)] {
      try top.take(key).map { try keys($0, key).entries } ?? []
    }
    let locks = try pairs(top.take("locks"), "locks").map { (name: $0.0, expression: $0.1) }
    let objects = try entries("objects").map { entry in
      var inner = try keys(entry.value, "object '\(entry.key)'")
      let object = Manifest.Object(
        name: entry.key, type: try string(inner.need("type"), "type"),
        spellings: try strings(inner.take("at"), "at"),
        isOptional: try flag(inner.take("optional"), "optional"), line: entry.line)
      try inner.close(allowed: ["type", "at", "optional"])
      return object
    }
    let slots = try entries("slots").map { entry in
      var inner = try keys(entry.value, "slot '\(entry.key)'")
      var slot = Manifest.Slot(
        name: entry.key, spellings: try spellings(&inner, "is"),
        count: try number(inner.take("count"), "count", from: 1) ?? 1,
        with: try inner.take("with").map { try string($0, "with") },
        isOptional: try flag(inner.take("optional"), "optional"), line: entry.line)
      if let node = inner.take("mentioned") {
        slot.mentioned = try mention(node, "mentioned of slot '\(entry.key)'")
      }
      slot.values = try values(inner.take("values"), of: "slot '\(entry.key)'")
      if !slot.values.isEmpty, slot.count > 1 {
        throw wrong(
          entry.line, "slot '\(entry.key)' has values for many elements", "name each as a slot")
      }
      try inner.close(allowed: ["is", "count", "with", "mentioned", "optional", "values"])
      return slot
    }
    let callbacks = try entries("callbacks").map { entry in
      var inner = try keys(entry.value, "callback '\(entry.key)'")
      let spellings = try spellings(&inner, "is")
      return (
        name: entry.key, spellings: spellings,
        rule: try rule(&inner, locks: locks.map(\.name), also: ["is"])
      )
    }
    let inputs = try entries("inputs").map { entry in
      (name: entry.key, count: try number(entry.value, "input '\(entry.key)'", from: 1) ?? 1)
    }
    let threads = try threads(top.take("threads"), inputs: inputs.map(\.name))
    let state = try entries("state").map { entry in
      var inner = try keys(entry.value, "state '\(entry.key)'")
      let state = Manifest.State(
        name: entry.key, type: try string(inner.need("type"), "type"),
        count: try number(inner.take("count"), "count", from: 1) ?? 1)
      try inner.close(allowed: ["type", "count"])
      return state
    }
    let bind = top.take("bind")
    guard bind == nil || bind?.sequence != nil else {
      throw wrong(bind?.mark?.line, "bind must be a list", "write '- {to: […], value: …}' lines")
    }
    let bindings = try (bind?.sequence.map(Array.init) ?? []).map { node in
      var inner = try keys(node, "bind")
      let binding = Manifest.Binding(
        spellings: try spellings(&inner, "to"),
        value: try string(inner.need("value"), "value"),
        isOptional: try flag(inner.take("optional"), "optional"), line: inner.line)
      try inner.close(allowed: ["to", "value", "optional"])
      return binding
    }
    let subject = try top.need("subject")
    let targetList = try top.need("targets")
    let targets = try functions(targetList, "targets")
    guard !targets.isEmpty else {
      throw wrong(targetList.mark?.line, "targets is empty", "name the functions to call")
    }
    let sourcePath = try top.need("source")
    let source = try string(sourcePath, "source")
    guard !source.hasPrefix("/"), !source.split(separator: "/").contains("..") else {
      throw wrong(
        sourcePath.mark?.line, "'\(source)' is no path from the kernel's top",
        "name it as drivers/base/dd.c")
    }
    let optional = try functions(top.take("optional-targets"), "optional-targets", besides: targets)
    let glue = top.take("glue")
    var manifest = Manifest(
      subject: try name(subject),
      title: try string(top.need("title"), "title"),
      source: source,
      since: try top.take("since").map { try string($0, "since") },
      include: try strings(top.take("include"), "include"),
      targets: targets, optionalTargets: optional,
      extract: try functions(top.take("extract"), "extract", besides: targets + optional),
      objects: objects, inputs: inputs, threads: threads, state: state, bindings: bindings,
      locks: locks,
      slots: slots,
      glue: try glue.map { try string($0, "glue") },
      prepares: try strings(top.take("prepares"), "prepares"),
      callbacks: callbacks,
      boundary: try boundary(top.take("boundary"), locks: locks.map(\.name)),
      variables: try variables(top.take("variables")),
      path: path)
    manifest.isFromTypes = try flag(top.take("from-types"), "from-types")
    manifest.bound =
      try number(top.take("bound"), "bound", from: 1)
      ?? (manifest.isFromTypes ? Manifest.bound : nil)
    manifest.fields = try fields(top.take("fields"))
    manifest.pairs =
      try top.take("pairs").map {
        try keys($0, "pairs").entries.flatMap { entry in
          try strings(entry.value, "pairs '\(entry.key)'").map { (entry.key, $0) }
        }
      } ?? []
    if !manifest.isFromTypes, !manifest.fields.isEmpty || !manifest.pairs.isEmpty {
      throw wrong(
        nil, "'fields' and 'pairs' say what types do not", "add 'from-types: true', or remove them")
    }
    manifest.glueLine = glue?.mark?.line ?? 1
    manifest.drivers = try drivers(top.take("drivers"), targets: targets + optional)
    manifest.arguments = try arguments(top.take("arguments"), targets: targets + optional)
    try top.close(allowed: Self.topKeys)
    return manifest
  }
}
