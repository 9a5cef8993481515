// SPDX-License-Identifier: GPL-2.0-only

/// How a callee is answered: by its name, its types and how others test it.
extension Harnessing {
  /// Whose skb it is afterwards: what sends it consumes it, done or not.
  static func consumes(_ name: String, _ prototype: ClangCursor.Prototype) -> Int? {
    guard !name.hasPrefix("skb_"), !name.hasPrefix("__skb_"),
      name.split(separator: "_").contains(where: {
        ["send", "xmit", "unicast", "multicast"].contains($0)
      })
    else { return nil }
    return prototype.arguments.firstIndex {
      $0.shape == .pointer && $0.pointee == "struct sk_buff"
    }
  }

  func callee(
    _ name: String, _ cursor: ClangCursor, _ prototype: ClangCursor.Prototype,
    home: Extractor.Callee.Home, position: Int, _ types: inout TypeTable
  ) -> Extractor.Callee {
    var answer = uses.answers[cursor] ?? Uses.Answer()
    if uses.isErrno(cursor, targets) { answer.isErrno = true }
    if uses.isTaken(cursor) { answer.isUsed = true }
    let type = cursor.kind == .function ? cursor.resultType : Self.result(of: cursor)
    var rule = Manifest.Rule(action: .returns(["0"]))
    var makes: Int?
    switch type.kind {
    case .pointer where type.pointee.kind != .function:
      let pointee = type.pointee.kind == .void ? answer.pointee ?? type.pointee : type.pointee
      makes =
        (answer.isIndexed ? types.number(ofSeveral: pointee) : nil)
        ?? types.number(pointedTo: pointee)
      rule.action = .makes(types.entries[makes!].name)
      // What other functions test that look something up this one may know to be there.
      var own = ownAnswers[cursor] ?? Uses.Answer()
      if Self.makes(name), !own.isTested, !own.isErrorTested { own = answer }
      if own.isTested || !own.isErrorTested && mayBeNull(name) { rule.answers.append("0") }
      if own.isErrorTested { rule.answers.append("\(TypeTable.eio)") }
      rule.answers += asOthersTest(name, own, home)
    case .boolean:
      // Of what makes something, or does, true says that it is done.
      let isDone = answer.isNegated || Self.makes(name) || Self.acts(name)
      rule.action = .returns(isDone ? ["1", "0"] : ["0", "1"])
    case .number, .enumeration:
      rule.action = .returns(
        type.kind == .number && type.isSigned && Self.acts(name)
          ? Self.errnos(type, answer) : Self.numbers(type, answer))
    default: break
    }
    if let own = manifest.ownRules[name] {
      rule = own
      makes = nil
      if case .makes = own.action {
        let pointee = type.pointee.kind == .void ? answer.pointee ?? type.pointee : type.pointee
        makes = types.number(pointedTo: pointee)
      }
    }
    let fills = cursor.kind == .function ? cursor.arguments.map(\.type) : []
    let out = fills.enumerated().compactMap { number, argument -> (Int, Int)? in
      guard argument.kind == .pointer, !argument.pointee.isConst else { return nil }
      switch argument.pointee.kind {
      case .function, .void, .other: return nil
      case .record where argument.pointee.size == nil: return nil
      default: return (number, types.number(single: argument.pointee))
      }
    }
    let isOfLoop =
      answer.isOfLoop || answer.headers.contains { uses.answers[$0]?.isOfLoop ?? false }
    if makes != nil, isOfLoop, !rule.answers.contains("0") { rule.answers.append("0") }
    return Extractor.Callee(
      name: name, rule: rule, prototype: prototype, home: home, position: position, fills: out,
      isInitialiser: Self.initialises(name), makes: makes,
      isSame: Self.looksUp(name) && !prototype.arguments.isEmpty, isOfLoop: isOfLoop,
      frees: Self.consumes(name, prototype))
  }

  /// Pairs of which the file has no word, where most other files that take something give it back.
  func asOthersGiveBack(
    _ takers: [Extractor.Callee], seen: Set<String>
  ) -> [Generated.Pair] {
    takers.flatMap { taker -> [Generated.Pair] in
      guard taker.home == .external, Self.acts(taker.name) else { return [] }
      let givers = callers.most(
        of: Pairs.opposites(of: taker.name).filter { !seen.contains($0) }, with: taker.name)
      let isMade = taker.prototype.result.shape == .pointer
      let first = taker.prototype.arguments.firstIndex { $0.shape == .pointer }
      return givers.map {
        .init(
          acquires: taker.name, releases: $0, taken: isMade ? -1 : first, given: isMade ? 0 : first)
      }
    }
  }

  /// What a pointer can be besides, where the text does not ask for it and next to all other callers do.
  func asOthersTest(
    _ name: String, _ answer: Uses.Answer, _ home: Extractor.Callee.Home
  ) -> [String] {
    guard home == .external, !(answer.isTested && answer.isErrorTested), !answer.isOfLoop else {
      return []
    }
    let tests = callers.tests(of: name)
    if !answer.isErrorTested, tests.isMostly(tests.error) { return ["\(TypeTable.eio)"] }
    if !answer.isTested, tests.isMostly(tests.null), !mayBeNull(name) { return ["0"] }
    return []
  }

  /// Whether a callee makes something whole of what it is handed, by its name.
  static func initialises(_ name: String) -> Bool {
    name.split(separator: "_").contains {
      ["init", "initialize", "initialise", "setup", "alloc", "create", "register"].contains($0)
    }
  }

  /// Whether a callee finds the same where it is asked for the same, by its name.
  static func looksUp(_ name: String) -> Bool {
    let words = name.split(separator: "_")
    func has(_ some: Set<Substring>) -> Bool { words.contains { some.contains($0) } }
    return has(["find", "lookup", "search", "get", "to", "from", "of", "by"]) && !makes(name)
      && !has(["next", "free", "unused", "pop", "dequeue", "iter", "page", "pages", "buf", "skb"])
  }

  /// Whether such a callee only finds: what is got may be made.
  static func finds(_ name: String) -> Bool {
    name.split(separator: "_").contains {
      ["find", "lookup", "search", "to", "from", "by"].contains($0)
    }
  }

  /// The counts of references that a callee lowers, by its name and its types.
  static func drops(_ name: String, _ cursor: ClangCursor) -> [(argument: Int, within: Int)] {
    guard cursor.kind == .function, name.split(separator: "_").contains("put") else { return [] }
    for (number, argument) in cursor.arguments.enumerated() where argument.type.kind == .pointer {
      if let within = count(in: argument.type.pointee) { return [(number, within)] }
    }
    return []
  }

  /// Where in an object the count of its references is.
  static func count(in type: ClangType, depth: Int = 0) -> Int? {
    guard type.kind == .record, depth < 4, let declaration = type.declaration else { return nil }
    if declaration.name == "kref" || declaration.name == "refcount_struct" { return 0 }
    for member in type.fields where !member.isBitField && member.type.kind == .record {
      let bits = member.fieldOffset
      if bits >= 0, let within = count(in: member.type, depth: depth + 1) {
        return bits / 8 + within
      }
    }
    return nil
  }

  /// Whether a service keeps what it gets, and cannot where it fails.
  static func stores(_ callee: Extractor.Callee) -> Bool {
    guard callee.rule.isService, case .custom = callee.rule.action else { return false }
    return callee.prototype.result.shape != .void
      && callee.name.split(separator: "_").contains { ["store", "insert"].contains($0) }
  }

  static func makes(_ name: String) -> Bool {
    name.split(separator: "_").contains { word in
      ["alloc", "create", "new", "dup", "open", "build", "make", "init", "register"].contains {
        word.contains($0)
      }
    }
  }

  /// Whether a callee is to do something, by its name: 0 says that it is done.
  static func acts(_ name: String) -> Bool {
    name.split(separator: "_").contains {
      [
        "add", "register", "create", "init", "setup", "attach", "enable", "request", "start",
        "submit", "prepare", "resume", "connect", "configure",
      ].contains($0)
    }
  }

  /// Whether a file beside the subject's defines a function so that what it allocates itself may be
  /// missing in what it returns.
  func mayBeNull(_ name: String) -> Bool {
    guard name.split(separator: "_").contains(where: { ["alloc", "create", "new"].contains($0) })
    else { return false }
    for text in beside {
      guard let start = Self.body(of: name, in: text) else { continue }
      guard let allocation = start.firstMatch(of: /\b(\w+)\s*=\s*k[mzc]alloc\w*\(/) else {
        return false
      }
      let variable = String(allocation.1)
      return start.contains("if (!\(variable))\n\t\treturn NULL;")
        || start.contains("if (!\(variable))\n\t\treturn \(variable);")
    }
    return false
  }

  /// From a function's name at its definition to the brace that ends it.
  static func body(of name: String, in text: String) -> Substring? {
    var rest = text[...]
    while let found = rest.firstRange(of: "\(name)(") {
      let line =
        rest[..<found.lowerBound].lastIndex(of: "\n").map { rest.index(after: $0) }
        ?? rest.startIndex
      let before = rest[line..<found.lowerBound]
      let behind = rest[found.upperBound...]
      if before.first.map({ !$0.isWhitespace && $0 != "#" && $0 != "*" }) ?? true,
        !before.contains("="), !before.contains("("),
        let brace = behind.firstRange(of: "\n{\n"),
        !behind[..<brace.lowerBound].contains(";"),
        let end = behind[brace.upperBound...].firstRange(of: "\n}\n")
      {
        return behind[brace.upperBound..<end.lowerBound]
      }
      rest = behind
    }
    return nil
  }

  static func result(of pointer: ClangCursor) -> ClangType { pointer.type.pointee.result }

  /// Of what acts, `!answer` is a test for success.
  static func errnos(_ type: ClangType, _ answer: Uses.Answer) -> [String] {
    var answer = answer
    if answer.isNegated, type.size ?? 0 >= 4 {
      answer.isNegated = false
      answer.isErrno = true
    }
    return numbers(type, answer)
  }

  static func numbers(_ type: ClangType, _ answer: Uses.Answer) -> [String] {
    if answer.isNegated, !answer.isPositive { return ["1", "0"] }
    guard type.kind == .number, type.isSigned, type.size ?? 0 >= 4 else { return ["0", "1"] }
    // A number that is only looked at for being 0, or is only reckoned with, may be anything else.
    guard answer.isErrno || !answer.isTested && !answer.isUsed else { return ["0", "1"] }
    return ["0", "\(TypeTable.eio)"] + (answer.isPositive ? ["1"] : [])
  }
}
