// SPDX-License-Identifier: GPL-2.0-only

/// Makes what a manifest would have said of any function: objects from types, answers for callees by
/// what they return and how they are tested, pairs by the kernel's names.
struct Harnessing {
  /// Functions of the file that come along; others are answered.
  static let mostFunctions = 40
  static let fewTakers = 3

  let manifest: Manifest
  let functions: [String: ClangCursor]
  /// Those of the source file, in its order.
  let ofFile: [ClangCursor]
  var uses = Uses()
  var targets: Set<ClangCursor> = []
  /// As the text itself takes them.
  var ownAnswers: [ClangCursor: Uses.Answer] = [:]
  /// The texts of the files beside the subject's.
  let beside: [String]
  let callers: Callers

  init(_ manifest: Manifest, _ functions: [String: ClangCursor], _ neighbours: Neighbours) {
    (beside, callers) = (neighbours.beside, neighbours.callers)
    self.manifest = manifest
    self.functions = functions
    ofFile = functions.values.filter(\.isInMainFile)
      .sorted { ($0.extent.lowerBound, $0.name) < ($1.extent.lowerBound, $1.name) }
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
    let places = Dictionary(grouping: ofFile, by: \.extent.lowerBound)
    return Set(places.values.filter { $0.count == 1 }.map { $0[0].name }).subtracting(taken)
  }

  mutating func generate(
    targets: [ClangCursor], text: [ClangCursor], callees: [String: ClangCursor],
    answered: [Extractor.Callee], variables: [String: ClangCursor], own: Set<String>,
    tentative: [String: ClangCursor], needed: [ClangCursor], unknown: Set<String>
  ) -> Generated {
    self.targets = Set(targets)
    read(text, callees)
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
    let memory = memory(
      targets, variables, own, tentative, needed,
      unknown: unknown.filter { name in
        !answered.contains { $0.name == name }
      }, &types)
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
    let operations = operations(pointers)
    let pairs = pairs(
      of: (made + answered.filter(Self.mayPair))
        .map {
          Pairs.Callee(
            name: $0.name, prototype: $0.prototype,
            names: (callees[$0.name] ?? functions[$0.name])?.arguments.map(\.name) ?? [])
        },
      givenBack: elsewhere(than: known.union(made.map(\.name))), made, operations, text)
    pair(&made, by: pairs)
    // Where one is missing there is nothing to give back.
    let kept = operations.filter { one in
      pairs.contains { $0.acquires == one.acquires && $0.releases == one.releases }
    }
    types.require(Set(kept.map(\.releases)))
    let unused = unused((answered + made + pointers).map(\.name))
    let direct = called(by: targets)
    let within = Set(pairs.map(\.releases)).subtracting(direct).intersection(called(by: text))
    let all = calledThroughHeaders(by: text)
    let mute = all.subtracting(told(to: targets, text)).union(all.filter(Trait.waits.isOf))
    let neglected = neglected(unused, made + answered, callees)
    let stores = answered.filter { unused.contains($0.name) && Self.stores($0) }.map(\.name)
    return Generated(
      types: types, arguments: given, callees: made, functions: pointers, variables: memory.outside,
      opaque: memory.opaque, regions: memory.regions.sorted { $0.name < $1.name }, pairs: pairs,
      unused: unused.filter { !stores.contains($0) },
      neglected: neglected.filter { !stores.contains($0.name) }, stores: stores,
      mute: mute.sorted(),
      within: within.sorted(), sent: sent, drops: Self.drops(in: text))
  }

  /// Reads what the text asks of what it uses, and what the rest of the file does.
  private mutating func read(_ text: [ClangCursor], _ callees: [String: ClangCursor]) {
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
    for function in ofFile where !inText.contains(function.name) {
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
  }

  /// The variables that the text needs: of other files, what of them is not known here, and what holds what
  /// others wrote.
  ///
  /// - Parameters:
  ///   - own: the file's that come along.
  ///   - tentative: those without a first value that the text knows by a header.
  ///   - unknown: what neither the file nor a service defines.
  private func memory(
    _ targets: [ClangCursor], _ variables: [String: ClangCursor], _ own: Set<String>,
    _ tentative: [String: ClangCursor], _ needed: [ClangCursor], unknown: Set<String>,
    _ types: inout TypeTable
  ) -> (
    outside: [(name: String, type: String, value: String)], opaque: [String],
    regions: [(name: String, type: Int)]
  ) {
    var outside: [(name: String, type: String, value: String)] = []
    var regions: [(name: String, type: Int)] = []
    // What assembly defines.
    var opaque = unknown.sorted()
    let named =
      variables.values
      + needed.filter { variables[$0.name] == nil && $0.definition?.isInMainFile != true }
    for variable in named.sorted(by: isAhead) {
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
    let values = uses.values.keys.filter { $0.kind == .variable && $0.isAtFileScope }
    for variable in values.sorted(by: isAhead)
    where variables[variable.name] == nil && own.contains(variable.name)
      && !regions.contains(where: { $0.name == variable.name })
    {
      // What has no first value is only tentatively a definition.
      let definition = variable.definition ?? tentative[variable.name] ?? variable
      if !isFirst, definition.isInMainFile, definition.initialiser != nil, definition.isStatic,
        !definition.type.isConst, definition.type.kind == .record,
        let type = types.number(ofInitialised: definition, setMembers)
      {
        regions.append((variable.name, type))
        continue
      }
      guard !isFirst, definition.isInMainFile,
        definition.isStatic || variable.definition != nil || tentative[variable.name] != nil,
        definition.initialiser == nil, !definition.type.isConst,
        definition.type.size != nil || definition.type.kind == .array
      else { continue }
      regions.append(
        (variable.name, types.number(of: definition, asked: uses.values[variable] ?? Uses.Value())))
    }
    // What only a header's function reads.
    for (name, variable) in tentative.sorted(by: { $0.key < $1.key })
    where !isFirst && !variable.type.isConst && variable.type.kind != .array
      && !regions.contains(where: { $0.name == name })
    {
      regions.append((name, types.number(single: variable.type)))
    }
    // Whose step it is.
    if let member = uses.values.keys.first(where: { $0.isField && $0.parent?.name == "task_struct" }
    ),
      let task = member.parent
    {
      regions.append(("kshim_task", types.number(single: task.type)))
    }
    return (outside, opaque, regions)
  }

  /// The order of their declarations: what is laid out in memory may stand in that order too.
  private func isAhead(_ one: ClangCursor, _ other: ClangCursor) -> Bool {
    (one.place.file, one.extent.lowerBound, one.name)
      < (other.place.file, other.extent.lowerBound, other.name)
  }

  /// Says of callees what their pairs tell.
  private func pair(_ made: inout [Extractor.Callee], by pairs: [Generated.Pair]) {
    // A number that is given back is not 0, which may be anything.
    for pair in pairs
    where pair.taken == -1 && !pair.isLoose && manifest.ownRules[pair.acquires] == nil {
      guard let taker = made.firstIndex(where: { $0.name == pair.acquires }),
        made[taker].prototype.result.shape == .number,
        case .returns(let answers) = made[taker].rule.action, answers.first == "0"
      else { continue }
      made[taker].rule.action = .returns(["3"] + answers.dropFirst())
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
  }

  /// The counts of references that a text's callees lower.
  private static func drops(in text: [ClangCursor]) -> [String: [(argument: Int, within: Int)]] {
    var drops: [String: [(argument: Int, within: Int)]] = [:]
    for function in text {
      function.visit { child in
        if child.syntax == .call, let callee = child.referenced, drops[callee.name] == nil {
          drops[callee.name] = Self.drops(callee.name, callee)
        }
        return true
      }
    }
    return drops
  }

  /// Members that some function of the file sets.
  private var setMembers: Set<String> {
    var names: Set<String> = []
    for function in ofFile {
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
}
