// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import KernelSource

/// What the harness of a function has besides its manifest.
struct Generated {
  var types: TypeTable
  /// Of each target.
  var arguments: [[TypeTable.Field]]
  var callees: [Extractor.Callee]
  /// What function pointers are answered by, in the order of the types' functions.
  var functions: [Extractor.Callee]
  var variables: [(name: String, type: String, value: String)]
  /// Variables of other files whose type is not known here.
  var opaque: [String]
  /// Variables that hold what others wrote.
  var regions: [(name: String, type: Int)]
  var pairs: [Pair]

  /// Whose calls take what another's give back.
  struct Pair {
    /// Which argument of both says how many.
    var count: Int?
    var acquires: String
    var releases: String
    /// Which argument says what is taken, -1 for the result, -2 and below for what the first, second, …
    /// argument is given, and which what is given back; nil: there
    /// is but one.
    var taken: Int?
    var given: Int?
    /// Whether only what nothing names in the end was not given back.
    var isLoose = false
    /// Whether the file itself gives back what the callee gave out.
    var isLearned = false
    /// Whether what is taken is part of an object, which is lost with it.
    var isPart = false
    /// Whether it gives back as many as another array has.
    var isMiscounted = false
  }
  /// What others ask: whether always and of the same file, and whether always and some of them.
  struct Neglected {
    var name: String
    var isHere: Bool
    var isLost: Bool
  }
  /// Callees that nobody asks whether they fail.
  var unused: [String] = []
  /// Of those the ones that others ask.
  var neglected: [Neglected] = []
  /// Of those the ones that lose what they were to keep.
  var stores: [String] = []
  /// What only functions call that cannot say that it failed.
  var mute: [String] = []
  /// What gives back only in functions that the targets call.
  var within: [String] = []
  /// What is copied from the user's memory, by its size.
  var sent: [(size: Int, type: Int)] = []
  /// Counts of references that callees lower, by name: where in what an argument points to.
  var drops: [String: [(argument: Int, within: Int)]] = [:]
}

/// Makes what a manifest would have said of any function: objects from types, answers for callees by
/// what they return and how they are tested, pairs by the kernel's names.
struct Harnessing {
  /// Functions of the file that come along; others are answered.
  static let mostFunctions = 40
  private static let fewTakers = 3

  private let manifest: Manifest
  private let functions: [String: ClangCursor]
  private var uses = Uses()
  private var targets: Set<ClangCursor> = []
  /// As the text itself takes them.
  private var ownAnswers: [ClangCursor: Uses.Answer] = [:]
  /// The texts of the files beside the subject's.
  private let beside: [String]
  private let callers: Callers

  init(_ manifest: Manifest, _ functions: [String: ClangCursor], _ neighbours: Neighbours) {
    (beside, callers) = (neighbours.beside, neighbours.callers)
    self.manifest = manifest
    self.functions = functions
  }

  /// Functions of the file that do not come along: those farthest from the targets, and what is not
  /// called but named.
  func cut(_ targets: [String]) -> Set<String> {
    let own = Set(manifest.ownRules.keys)
    let answered = manifest.answered.subtracting(own)
    var taken = Set(targets)
    var waiting = targets
    while !waiting.isEmpty {
      var next: [String] = []
      for name in waiting {
        var called: [String] = []
        functions[name]?.visit { child in
          if child.syntax == .call, let target = child.referenced, target.kind == .function {
            called.append(target.name)
            // An inline function of a header calls what it is handed.
            if let definition = target.definition, !definition.isInMainFile {
              called += child.callArguments.compactMap {
                guard let handed = $0.stripped().referenced, handed.kind == .function else {
                  return nil
                }
                return handed.name
              }
            }
          }
          // What ends the life of a variable is called too.
          if child.kind == .variable, let cleanup = child.cleanup { called.append(cleanup) }
          return true
        }
        for callee in called
        where taken.count < Self.mostFunctions && !taken.contains(callee)
          && !answered.contains(callee) && !own.contains(callee)
        {
          guard let function = functions[callee], function.isInMainFile else { continue }
          taken.insert(callee)
          next.append(callee)
        }
      }
      waiting = next
    }
    // One use of a macro may make several, which come together.
    let places = Dictionary(
      grouping: functions.values.filter(\.isInMainFile), by: \.extent.lowerBound)
    return Set(places.values.filter { $0.count == 1 }.map { $0[0].name }).subtracting(taken)
  }

  mutating func generate(
    targets: [ClangCursor], text: [ClangCursor], callees: [String: ClangCursor],
    answered: [Extractor.Callee], variables: [String: ClangCursor], needed: [ClangCursor],
    unknown: Set<String>
  ) -> Generated {
    self.targets = Set(targets)
    for function in text { uses.read(function) }
    for function in text {
      uses.readHeaders(of: function) { !$0.place.file.contains("/include/") }
    }
    ownAnswers = uses.answers
    // Others of the file show how an answer is tested.
    let inText = Set(text.map(\.name))
    let untested = Set(
      callees.keys.filter { name in
        !(callees[name].flatMap { uses.answers[$0] }?.isTested ?? false)
      })
    for (name, function) in functions
    where function.isInMainFile && !inText.contains(name) {
      var calls = false
      function.visit { child in
        if !calls, let target = child.referenced, target.kind == .function,
          untested.contains(target.name)
        {
          calls = true
        }
        return !calls
      }
      if calls { uses.readAnswers(of: function) } else { uses.noteFrees(in: function) }
    }
    uses.open()
    uses.follow()
    var types = TypeTable(uses)
    let sent = uses.sent.compactMap { type in type.size.map { ($0, types.number(single: type)) } }
    let arguments = targets.map { target in
      target.arguments.map { types.argument($0) }
    }
    let known = Set(answered.map(\.name))
    var made: [Extractor.Callee] = []
    for (name, cursor) in callees.sorted(by: { $0.key < $1.key })
    where !known.contains(name) {
      let cursor = functions[name] ?? cursor
      guard let prototype = cursor.prototype else { continue }
      let home: Extractor.Callee.Home =
        cursor.isStatic || cursor.definition.map { $0.isStatic } ?? false ? .sourceFile : .external
      made.append(
        callee(
          name, cursor, prototype, home: home,
          position: cursor.isInMainFile ? cursor.extent.lowerBound : 0, &types))
    }
    var outside: [(name: String, type: String, value: String)] = []
    var regions: [(name: String, type: Int)] = []
    // What assembly defines.
    var opaque = unknown.filter { name in !answered.contains { $0.name == name } }.sorted()
    let named =
      variables.values.sorted { $0.name < $1.name }
      + needed.filter { variables[$0.name] == nil && $0.definition?.isInMainFile != true }
    for variable in named {
      if variable.type.kind == .array, variable.type.count <= 0, !variable.type.element.isConst,
        let table = types.number(ofEnded: variable.type.element)
      {
        outside.append((variable.name, variable.valueType.canonical, ""))
        regions.append((variable.name, table))
        continue
      }
      guard variable.type.size != nil || variable.type.kind == .array else {
        opaque.append(variable.name)
        continue
      }
      let declared = variable.definition ?? variable
      let type = declared.valueType
      outside.append(
        (variable.name, type.spelling.hasPrefix("typeof") ? type.canonical : type.spelling, ""))
      // What the services say of a variable nobody asks for.
      guard !manifest.variables.contains(where: { $0.name == variable.name }) else { continue }
      if !variable.type.isConst, variable.type.kind != .array || variable.type.count > 0 {
        regions.append((variable.name, types.number(single: variable.type)))
      }
    }
    // The file's own without a first value may hold anything by now, but at the very first.
    let isFirst = targets.contains(where: \.isInitial)
    let setMembers = isFirst ? [] : setMembers
    for variable in uses.values.keys
    where variable.kind == .variable && variable.isAtFileScope && variables[variable.name] == nil {
      // What has no first value is only tentatively a definition.
      let definition = variable.definition ?? variable
      if !isFirst, definition.isInMainFile, definition.initialiser != nil, definition.isStatic,
        !definition.type.isConst, definition.type.kind == .record,
        let type = types.number(ofInitialised: definition, setMembers)
      {
        regions.append((variable.name, type))
        continue
      }
      guard !isFirst, definition.isInMainFile, definition.isStatic || variable.definition != nil,
        definition.initialiser == nil, !definition.type.isConst,
        definition.type.size != nil || definition.type.kind == .array
      else { continue }
      regions.append(
        (variable.name, types.number(of: definition, asked: uses.values[variable] ?? Uses.Value())))
    }
    // Whose step it is.
    if let member = uses.values.keys.first(where: { $0.isField && $0.parent?.name == "task_struct" }
    ),
      let task = member.parent
    {
      regions.append(("kshim_task", types.number(single: task.type)))
    }
    // A function that answers a pointer may make more types, and with them more functions.
    var pointers: [Extractor.Callee] = []
    while pointers.count < types.functions.count {
      let function = types.functions[pointers.count]
      pointers.append(
        callee(
          function.name, function.declaration, function.prototype, home: .sourceFile, position: 0,
          &types))
    }
    types.give(manifest.fields)
    let given = arguments.map { list in
      list.map { argument in
        var argument = argument
        if let name = argument.name, let own = manifest.fields[name] { argument.take(own) }
        return argument
      }
    }
    let operations = Self.operations(pointers, functions)
    let pairs = pairs(
      of: (made + answered.filter(Self.mayPair))
        .map {
          Pairs.Callee(
            name: $0.name, prototype: $0.prototype,
            names: (callees[$0.name] ?? functions[$0.name])?.arguments.map(\.name) ?? [])
        },
      givenBack: elsewhere(than: known.union(made.map(\.name))), made, operations, text)
    // A number that is given back is not 0, which may be anything.
    for pair in pairs
    where pair.taken == -1 && !pair.isLoose && manifest.ownRules[pair.acquires] == nil {
      guard let taker = made.firstIndex(where: { $0.name == pair.acquires }),
        made[taker].prototype.result.shape == .number,
        case .returns(let answers) = made[taker].rule.action, answers.first == "0"
      else { continue }
      made[taker].rule.action = .returns(["3"] + answers.dropFirst())
    }
    // Where one is missing there is nothing to give back.
    let kept = operations.filter { one in
      pairs.contains { $0.acquires == one.acquires && $0.releases == one.releases }
    }
    types.require(Set(kept.map(\.releases)))
    var drops: [String: [(argument: Int, within: Int)]] = [:]
    for function in text {
      function.visit { child in
        if child.syntax == .call, let callee = child.referenced, drops[callee.name] == nil {
          drops[callee.name] = Self.drops(callee.name, callee)
        }
        return true
      }
    }
    for pair in pairs
    where pair.taken == -1 && !pair.isLoose && Pairs.isFreeing(pair.acquires, pair.releases) {
      guard let given = pair.given,
        let taker = made.firstIndex(where: { $0.name == pair.acquires }),
        let giver = made.firstIndex(where: { $0.name == pair.releases })
      else { continue }
      made[taker].isFreed = true
      made[giver].frees = given
    }
    let unused = unused((answered + made + pointers).map(\.name))
    let direct = called(by: targets)
    let within = Set(pairs.map(\.releases)).subtracting(direct).intersection(called(by: text))
    let all = calledThroughHeaders(by: text)
    let mute = all.subtracting(told(to: targets, text)).union(all.filter(Trait.waits.isOf))
    let neglected = neglected(unused, made + answered, callees)
    let stores = answered.filter { unused.contains($0.name) && Self.stores($0) }.map(\.name)
    return Generated(
      types: types, arguments: given, callees: made, functions: pointers, variables: outside,
      opaque: opaque, regions: regions.sorted { $0.name < $1.name }, pairs: pairs,
      unused: unused.filter { !stores.contains($0) },
      neglected: neglected.filter { !stores.contains($0.name) }, stores: stores,
      mute: mute.sorted(),
      within: within.sorted(), sent: sent, drops: drops)
  }

  /// Pairs by names and by what the file does; of these the ones that the manifest names, where it names
  /// any, and those that it names besides.
  private func pairs(
    of callees: [Pairs.Callee], givenBack others: [Pairs.Callee], _ made: [Extractor.Callee],
    _ operations: [Generated.Pair], _ text: [ClangCursor]
  ) -> [Generated.Pair] {
    let seen = called(by: text)
    var pairs = Pairs.all(of: callees, givenBack: others, seen: seen)
    let out = GivenOut(functions.values)
    func count(_ pairs: inout [Generated.Pair]) {
      for index in pairs.indices where pairs[index].count != nil {
        pairs[index].isMiscounted = Self.isMiscounted(pairs[index], text)
      }
    }
    count(&pairs)
    pairs += asOthersGiveBack(
      made.filter { callee in !pairs.contains { $0.acquires == callee.name } }, seen: seen)
    pairs += out.parts(made, paired: Set(pairs.map(\.acquires))) { name in
      beside.lazy.compactMap { Self.body(of: name, in: $0) }.first
    }
    pairs += out.pairs(made, paired: Set(pairs.map(\.acquires)))
    pairs += operations
    let wanted = manifest.pairs
    guard !wanted.isEmpty else { return pairs }
    func isOne(_ pair: Generated.Pair, _ one: (acquires: String, releases: String)) -> Bool {
      pair.acquires == one.acquires && pair.releases == one.releases
    }
    let further = wanted.filter { one in !pairs.contains { isOne($0, one) } }
    pairs.removeAll { pair in !wanted.contains { isOne(pair, $0) } }
    guard !further.isEmpty else { return pairs }
    var added = Pairs.all(of: callees, givenBack: others, seen: seen, chosen: further)
    count(&added)
    return pairs + added
  }

  /// Whose skb it is afterwards: what sends it consumes it, done or not.
  private static func consumes(_ name: String, _ prototype: ClangCursor.Prototype) -> Int? {
    guard !name.hasPrefix("skb_"), !name.hasPrefix("__skb_"),
      name.split(separator: "_").contains(where: {
        ["send", "xmit", "unicast", "multicast"].contains($0)
      })
    else { return nil }
    return prototype.arguments.firstIndex {
      $0.shape == .pointer && $0.pointee == "struct sk_buff"
    }
  }

  private func callee(
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
  private func asOthersGiveBack(
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
  private func asOthersTest(
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
  private static func initialises(_ name: String) -> Bool {
    name.split(separator: "_").contains {
      ["init", "initialize", "initialise", "setup", "alloc", "create", "register"].contains($0)
    }
  }

  /// Whether a callee finds the same where it is asked for the same, by its name.
  private static func looksUp(_ name: String) -> Bool {
    let words = name.split(separator: "_")
    func has(_ some: Set<Substring>) -> Bool { words.contains { some.contains($0) } }
    return has(["find", "lookup", "search", "get", "to", "from", "of", "by"]) && !makes(name)
      && !has(["next", "free", "unused", "pop", "dequeue", "iter", "page", "pages", "buf", "skb"])
  }

  /// The counts of references that a callee lowers, by its name and its types.
  private static func drops(_ name: String, _ cursor: ClangCursor) -> [(argument: Int, within: Int)]
  {
    guard cursor.kind == .function, name.split(separator: "_").contains("put") else { return [] }
    for (number, argument) in cursor.arguments.enumerated() where argument.type.kind == .pointer {
      if let within = count(in: argument.type.pointee) { return [(number, within)] }
    }
    return []
  }

  /// Where in an object the count of its references is.
  private static func count(in type: ClangType, depth: Int = 0) -> Int? {
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
  private static func stores(_ callee: Extractor.Callee) -> Bool {
    guard callee.rule.isService, case .custom = callee.rule.action else { return false }
    return callee.prototype.result.shape != .void
      && callee.name.split(separator: "_").contains { ["store", "insert"].contains($0) }
  }

  private static func makes(_ name: String) -> Bool {
    name.split(separator: "_").contains { word in
      ["alloc", "create", "new", "dup", "open", "build", "make", "init", "register"].contains {
        word.contains($0)
      }
    }
  }

  /// Whether a callee is to do something, by its name: 0 says that it is done.
  private static func acts(_ name: String) -> Bool {
    name.split(separator: "_").contains {
      [
        "add", "register", "create", "init", "setup", "attach", "enable", "request", "start",
        "submit", "prepare", "resume", "connect", "configure",
      ].contains($0)
    }
  }

  /// Whether a file beside the subject's defines a function so that what it allocates itself may be
  /// missing in what it returns.
  private func mayBeNull(_ name: String) -> Bool {
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
  private static func body(of name: String, in text: String) -> Substring? {
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

  /// Members that some function of the file sets.
  private var setMembers: Set<String> {
    var names: Set<String> = []
    for function in functions.values where function.isInMainFile {
      function.visit { child in
        if child.syntax == .binary, child.operatorSpelling == "=",
          let place = child.children.first?.stripped(), place.isMemberReference
        {
          names.insert(place.name)
        }
        // By who is handed its address.
        if child.expression == .addressOf, let place = child.children.first?.stripped(),
          place.isMemberReference
        {
          names.insert(place.name)
        }
        return true
      }
    }
    return names
  }

  /// Names of all functions that a text calls.
  private func called(by text: [ClangCursor]) -> Set<String> {
    var names: Set<String> = []
    for function in text {
      function.visit { child in
        guard let target = child.referenced else { return true }
        if target.kind == .function { names.insert(target.name) }
        if child.syntax == .call, target.isField, let owner = target.parent {
          names.insert("\(owner.name).\(target.name)")
        }
        return true
      }
    }
    return names
  }

  /// Names of all functions that a text calls, and those that functions of headers call for it.
  private func calledThroughHeaders(by text: [ClangCursor]) -> Set<String> {
    var (waiting, seen, names) = (text, Set(text), Set<String>())
    while let next = waiting.popLast() {
      next.visit { child in
        guard let target = child.referenced, target.kind == .function else { return true }
        names.insert(target.name)
        if let definition = target.definition, !definition.isInMainFile,
          seen.insert(definition).inserted
        {
          waiting.append(definition)
        }
        return true
      }
    }
    return names
  }

  /// Names of what is called by functions that can say to the targets that it failed.
  private func told(to targets: [ClangCursor], _ text: [ClangCursor]) -> Set<String> {
    var (waiting, seen, names) = (targets, Set(targets), Set<String>())
    while let next = waiting.popLast() {
      let called = calledThroughHeaders(by: [next])
      names.formUnion(called)
      for function in text
      where called.contains(function.name) && function.resultType.kind != .void
        && uses.isTaken(function) && seen.insert(function).inserted
      {
        waiting.append(function)
      }
    }
    return names
  }

  /// Callees of the file's other functions.
  private func elsewhere(than known: Set<String>) -> [Pairs.Callee] {
    var found: [String: ClangCursor] = [:]
    for function in functions.values where function.isInMainFile {
      function.visit { child in
        if let target = child.referenced, target.kind == .function, !known.contains(target.name) {
          found[target.name] = target
        }
        return true
      }
    }
    return found.sorted { $0.key < $1.key }.compactMap { name, cursor in
      cursor.prototype.map { Pairs.Callee(name: name, prototype: $0) }
    }
  }

  /// Whether an array is taken with its own length, and given back with another's.
  private static func isMiscounted(_ pair: Generated.Pair, _ text: [ClangCursor]) -> Bool {
    var lengths: [String: [(array: ClangCursor, of: Set<ClangCursor>)]] = [:]
    for function in text {
      function.visit { child in
        guard child.syntax == .call, let callee = child.referenced,
          callee.name == pair.acquires || callee.name == pair.releases
        else { return true }
        let arguments = child.callArguments
        guard arguments.count == 2, let array = arguments[0].stripped().referenced,
          array.isAtFileScope
        else { return true }
        var others: Set<ClangCursor> = []
        arguments[1].visit { part in
          if part.isReference, let named = part.referenced, named.kind == .variable {
            others.insert(named)
          }
          return true
        }
        lengths[callee.name, default: []].append((array, others))
        return true
      }
    }
    return (lengths[pair.releases] ?? []).contains { given in
      !given.of.isEmpty && !given.of.contains(given.array)
        && (lengths[pair.acquires] ?? []).contains {
          $0.array == given.array && $0.of == [given.array]
        }
    }
  }

  /// Pairs among the function pointers of one struct: `ops->alloc` and `ops->free`.
  private static func operations(
    _ pointers: [Extractor.Callee], _ functions: [String: ClangCursor]
  ) -> [Generated.Pair] {
    var others: [String: Pairs.Callee] = [:]
    var names: [String: String] = [:]
    func plain(_ name: String) -> String {
      let plain = name.replacing(".", with: "_")
      names[plain] = name
      return plain
    }
    let own = pointers.map { Pairs.Callee(name: plain($0.name), prototype: $0.prototype) }
    guard !own.isEmpty else { return [] }
    for function in functions.values where function.isInMainFile {
      function.visit { child in
        if child.syntax == .call, let target = child.referenced, target.isField,
          let owner = target.parent?.name, let prototype = target.prototype
        {
          let name = plain("\(owner).\(target.name)")
          if !own.contains(where: { $0.name == name }) {
            others[name] = Pairs.Callee(name: name, prototype: prototype)
          }
        }
        return true
      }
    }
    return Pairs.all(
      of: own, givenBack: others.sorted { $0.key < $1.key }.map(\.value), seen: []
    ).map {
      var pair = $0
      pair.acquires = names[pair.acquires] ?? pair.acquires
      pair.releases = names[pair.releases] ?? pair.releases
      return pair
    }
  }

  /// Memory is judged as such.
  private static func mayPair(_ callee: Extractor.Callee) -> Bool {
    let result = callee.prototype.result
    if result.shape == .pointer, result.pointee == "void" { return false }
    return switch callee.rule.action {
    case .returns, .custom: true
    default: false
    }
  }

  private func unused(_ names: [String]) -> [String] {
    let used = Set(uses.answers.keys.filter(uses.isTaken).map(\.name))
    return names.filter { !used.contains($0) }
  }

  /// Callees of which others ask whether they failed: of those that can say so, and do something.
  private func neglected(
    _ unused: [String], _ callees: [Extractor.Callee], _ cursors: [String: ClangCursor]
  ) -> [Generated.Neglected] {
    let unused = Set(unused)
    return callees.compactMap { callee in
      guard unused.contains(callee.name), callee.prototype.result.canonical == "int",
        case .returns(let answers) = callee.rule.action, answers.contains("\(TypeTable.eio)"),
        !Trait.gives.isOf(callee.name), !Trait.silent.isOf(callee.name),
        !Trait.tolerates.isOf(callee.name), !Trait.waits.isOf(callee.name)
      else { return nil }
      let answer = (cursors[callee.name] ?? functions[callee.name]).flatMap { uses.answers[$0] }
      let (here, dropped) = (answer?.takenElsewhere ?? 0, answer?.droppedElsewhere ?? 0)
      let others = callers.count(of: callee.name)
      guard here + others.taken > 0, here + others.taken >= dropped + others.dropped else {
        return nil
      }
      let isAlways = dropped + others.dropped == 0 && Self.acts(callee.name)
      return Generated.Neglected(
        name: callee.name, isHere: isAlways && here > 0,
        isLost: isAlways && here + others.taken >= Self.fewTakers)
    }
  }

  private static func result(of pointer: ClangCursor) -> ClangType { pointer.type.pointee.result }

  /// Of what acts, `!answer` is a test for success.
  private static func errnos(_ type: ClangType, _ answer: Uses.Answer) -> [String] {
    var answer = answer
    if answer.isNegated, type.size ?? 0 >= 4 {
      answer.isNegated = false
      answer.isErrno = true
    }
    return numbers(type, answer)
  }

  private static func numbers(_ type: ClangType, _ answer: Uses.Answer) -> [String] {
    if answer.isNegated, !answer.isPositive { return ["1", "0"] }
    guard type.kind == .number, type.isSigned, type.size ?? 0 >= 4 else { return ["0", "1"] }
    // A number that is only looked at for being 0, or is only reckoned with, may be anything else.
    guard answer.isErrno || !answer.isTested && !answer.isUsed else { return ["0", "1"] }
    return ["0", "\(TypeTable.eio)"] + (answer.isPositive ? ["1"] : [])
  }
}
