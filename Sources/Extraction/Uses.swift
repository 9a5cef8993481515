// SPDX-License-Identifier: GPL-2.0-only

/// What a text says of the things that it uses without defining them: which members of structs it looks
/// at and what it compares them with, how it tests what its callees return, and what a pointer points to
/// where the type does not say it.
struct Uses {
  /// Of a member, a parameter or a variable.
  struct Value {
    /// Whether the text itself names it, not only a function of a header.
    var isOwn = false
    /// Whether it is tested for NULL, or for 0.
    var isTested = false
    /// Whether its elements are.
    var isElementTested = false
    /// Whether such a test is for what is missing: `if (!x)`.
    var isNeeded = false
    /// Whether it is tested with `IS_ERR()` and its like.
    var isErrorTested = false
    /// What it is compared with.
    var constants: Set<Int64> = []
    /// Whether it is compared with what an argument points to, and whether that is what is asked for.
    var isArgument = false
    var isArgumentNeeded = false
    /// Variables of the file whose addresses it is compared with.
    var symbols: Set<String> = []
    /// What is looked for in it: `x & MASK`.
    var masks: Set<Int64> = []
    /// What is taken off before it counts elements of an array: `a[x - BASE]`.
    var bases: Set<Int64> = []
    /// What ends a loop over a table that has it.
    var end: Int64?
    /// What a `void *` points to.
    var pointee: ClangType?
    /// Whether another function of the file frees what it points to.
    var isGivenBack = false
    /// Whether it points to several: `p[i]`, `p + i`.
    var isIndexed = false

    /// Takes what is asked of a copy.
    ///
    /// - Returns: whether that was new.
    mutating func take(_ copy: Value, isOwn: Bool) -> Bool {
      guard isOwn else {
        let before = bases
        bases.formUnion(copy.bases)
        return bases != before
      }
      let before = (
        isTested, isNeeded, isErrorTested || isIndexed, constants.union(bases), masks,
        pointee == nil
      )
      isTested = isTested || copy.isTested
      isNeeded = isNeeded || copy.isNeeded
      isErrorTested = isErrorTested || copy.isErrorTested
      isIndexed = isIndexed || copy.isIndexed
      constants.formUnion(copy.constants)
      masks.formUnion(copy.masks)
      if pointee == nil { pointee = copy.pointee }
      bases.formUnion(copy.bases)
      return before
        != (
          isTested, isNeeded, isErrorTested || isIndexed, constants.union(bases), masks,
          pointee == nil
        )
    }
  }

  /// How callers take the answer of a callee.
  struct Answer {
    var isUsed = false
    /// How many calls in functions of the file that do not come along take it, and how many do not.
    var takenElsewhere = 0
    var droppedElsewhere = 0
    /// Functions that return it.
    var returners: Set<ClangCursor> = []
    /// Functions of headers that call it, and what they do with the answer.
    var headers: Set<ClangCursor> = []
    var isTested = false
    /// Whether it is tested for being below 0, or is what the caller returns.
    var isErrno = false
    var isNegated = false
    var isErrorTested = false
    /// Whether a loop goes on as long as there is one.
    var isOfLoop = false
    /// Whether a number above 0 means something.
    var isPositive = false
    /// Whether it points to several.
    var isIndexed = false
    /// What a `void *` points to.
    var pointee: ClangType?
  }

  /// A struct that another one is a part of.
  struct Home {
    var type: ClangType
    /// Where, in bytes.
    var within: Int
  }

  private(set) var values: [ClangCursor: Value] = [:]
  private(set) var answers: [ClangCursor: Answer] = [:]
  /// By the declaration of a struct: `container_of()`.
  private(set) var homes: [ClangCursor: Home] = [:]
  /// By the member or the variable that is the head of a list.
  private(set) var elements: [ClangCursor: Home] = [:]
  /// By the declaration of a struct, what stands behind it in the same memory.
  private(set) var behind: [ClangCursor: ClangType] = [:]
  /// What is copied from the user's memory.
  private(set) var sent: [ClangType] = []
  /// Of headers, all that were read.
  private var headers: Set<ClangCursor> = []

  /// What copies from the user's memory to where its first argument says, and what gives a copy out.
  static let copies: Set = [
    "copy_from_user", "_copy_from_user", "_inline_copy_from_user", "__copy_from_user",
    "__copy_from_user_inatomic", "copy_from_sockptr", "copy_struct_from_user",
    "copy_struct_from_sockptr",
  ]
  static let duplicates: Set = [
    "memdup_user", "vmemdup_user", "memdup_user_nul", "memdup_sockptr",
  ]

  private enum Use { case none, value, truth, negated }
  private var isOwn = true
  /// Whether only tests of answers are taken down.
  private var isElsewhere = false
  private var reader: ClangCursor?
  private var returner: ClangCursor?
  /// Variables that the function that is read returns.
  private var returned: Set<ClangCursor> = []
  private var assignments: [(variable: ClangCursor, at: Int, callee: ClangCursor?)] = []
  private var tests:
    [(variable: ClangCursor, at: Int, constant: Int64?, note: (inout Answer) -> Void)] = []
  /// Functions of headers whose answers the text asks for, and what it compares them with.
  private var asked: [ClangCursor: Set<Int64>] = [:]
  /// What a variable or a parameter of the text is given: a member, or another parameter.
  private var flows: [(place: ClangCursor, variable: ClangCursor)] = []

  /// Whether the text takes the answer of a callee, by way of headers' functions too.
  func isTaken(_ callee: ClangCursor) -> Bool {
    var (waiting, seen): ([ClangCursor], Set<ClangCursor>) = ([callee], [])
    while let next = waiting.popLast() {
      guard seen.insert(next).inserted, let answer = answers[next] else { continue }
      if answer.isUsed { return true }
      waiting += answer.headers
    }
    return false
  }

  /// Whether the answer of a callee is an errno, by way of functions that return it too.
  ///
  /// - Parameter targets: whose results are errnos.
  func isErrno(_ callee: ClangCursor, _ targets: Set<ClangCursor>) -> Bool {
    var (waiting, seen): ([ClangCursor], Set<ClangCursor>) = ([callee], [])
    while let next = waiting.popLast() {
      guard seen.insert(next).inserted else { continue }
      if targets.contains(next) { return true }
      guard let answer = answers[next] else {
        // Called under another declaration.
        if next != callee, next.isInMainFile { return true }
        continue
      }
      if answer.isErrno { return true }
      waiting += answer.returners
    }
    return false
  }

  /// Reads a function of the text.
  mutating func read(_ function: ClangCursor) { read(function, isOwn: true) }

  /// Reads a function for how it tests its callees' answers alone.
  mutating func readAnswers(of function: ClangCursor) {
    let (known, homes, elements) = (values, homes, elements)
    isElsewhere = true
    defer { isElsewhere = false }
    read(function, isOwn: true)
    (values, self.homes, self.elements) = (known, homes, elements)
    noteFrees(in: function)
  }

  /// Says of members what the text asks of the variables that it copies them to.
  mutating func follow() {
    for _ in 0..<3 {
      var isNew = false
      for (place, variable) in flows {
        guard let asked = values[variable], place != variable else { continue }
        var value = values[place] ?? Value()
        // What a function of a header tests need not be so here.
        isNew = value.take(asked, isOwn: variable.isInMainFile) || isNew
        values[place] = value
      }
      guard isNew else { break }
    }
  }

  private static func lowers(_ name: String) -> Bool {
    ["atomic_dec", "atomic_dec_return", "atomic_dec_and_test", "atomic_sub", "atomic_sub_return"]
      .contains(name)
  }

  /// Members whose pointers a function gives away for good.
  mutating func noteFrees(in function: ClangCursor) {
    var freed: [ClangCursor] = []
    var lowered: [ClangCursor] = []
    function.visit { child in
      if child.syntax == .call, let callee = child.referenced,
        callee.name.contains("free") || callee.name.contains("put"),
        var member = child.callArguments.first?.stripped()
      {
        // One of an array.
        if member.expression == .subscript, let array = member.children.first?.stripped() {
          member = array
        }
        guard member.isMemberReference, let field = member.referenced else { return true }
        freed.append(field)
      }
      return true
    }
    function.visit { child in
      if child.syntax == .call, let callee = child.referenced, Self.lowers(callee.name),
        let count = child.callArguments.last?.stripped(), count.expression == .addressOf,
        let member = count.children.first?.stripped(), let field = member.referenced, field.isField
      {
        lowered.append(field)
      }
      return true
    }
    function.visit { child in
      if child.syntax == .unary, child.operatorSpelling == "--",
        let member = child.children.first?.stripped(), member.isMemberReference,
        let field = member.referenced, field.type.kind == .number, field.type.size == 4
      {
        lowered.append(field)
      }
      return true
    }
    for field in lowered where values[field] != nil { values[field]!.isGivenBack = true }
    for field in freed where values[field] != nil { values[field]!.isGivenBack = true }
  }

  private mutating func read(_ function: ClangCursor, isOwn: Bool) {
    self.isOwn = isOwn
    reader = isOwn ? nil : function
    returner = function
    assignments = []
    tests = []
    returned = []
    for child in function.children where child.kind == .compound { walk(child, .none) }
    for one in assignments {
      guard let callee = one.callee else { continue }
      let end =
        assignments.filter { $0.variable == one.variable && $0.at > one.at }.map(\.at).min()
        ?? Int.max
      if returned.contains(one.variable), let returner {
        answers[callee, default: Answer()].returners.insert(returner)
      }
      if Self.errorNames.contains(one.variable.name) {
        answers[callee, default: Answer()].isErrno = true
      }
      for test in tests
      where test.variable == one.variable && test.at >= one.at && test.at < end {
        test.note(&answers[callee, default: Answer()])
        ask(callee, test.constant)
      }
    }
  }

  /// Reads the functions of headers that a function calls.
  ///
  /// - Parameter isNear: whether a header is the file's own; what it asks the text itself asks.
  mutating func readHeaders(of function: ClangCursor, isNear: (ClangCursor) -> Bool) {
    var waiting = [function]
    while let next = waiting.popLast() {
      if next != function {
        guard headers.insert(next).inserted else { continue }
        read(next, isOwn: isNear(next))
      }
      next.visit { child in
        if let target = child.referenced, target.kind == .function,
          let definition = target.definition, !definition.isInMainFile
        {
          waiting.append(definition)
        }
        return true
      }
    }
  }

  private mutating func ask(_ callee: ClangCursor, _ constant: Int64?) {
    guard isOwn, !isElsewhere, let definition = callee.definition, !definition.isInMainFile else {
      return
    }
    asked[definition, default: []].formUnion(constant.map { [$0] } ?? [])
  }

  /// What the kernel's own helpers look at is no input of a function.
  private static let plainRecords: Set = [
    "list_head", "hlist_head", "hlist_node", "rb_root", "rb_node", "refcount_struct", "kref",
    "task_struct", "page", "folio", "spinlock", "raw_spinlock", "mutex", "thread_info",
    "completion", "nodemask_t", "cpumask",
    "wait_queue_head", "llist_head", "xarray", "bio_vec", "",
  ]

  /// The named struct that a member is in.
  private static func record(of member: ClangCursor) -> String {
    var record = member.parent
    while let current = record, current.isAnonymousRecord { record = current.parent }
    return record?.name ?? ""
  }

  /// Says of the members that functions of headers answer from that the text asks for them.
  mutating func open() {
    var seen: Set<ClangCursor> = []
    func open(_ function: ClangCursor, _ constants: Set<Int64>, _ depth: Int) {
      guard seen.insert(function).inserted else { return }
      function.visit { child in
        if child.isMemberReference, let member = child.referenced, member.isField,
          !Self.plainRecords.contains(Self.record(of: member))
        {
          values[member, default: Value()].isOwn = true
          if member.type.kind == .number { values[member]!.constants.formUnion(constants) }
        }
        if depth < 2, child.syntax == .call, let inner = child.referenced?.definition,
          !inner.isInMainFile
        {
          open(inner, constants, depth + 1)
        }
        return true
      }
    }
    for (function, constants) in asked.sorted(by: { $0.key.name < $1.key.name })
    where Self.isSmall(function) {
      open(function, constants, 0)
    }
  }

  /// Whether a function only looks something up.
  private static func isSmall(_ function: ClangCursor) -> Bool { function.extent.count < 400 }

  // MARK: Expressions

  private mutating func walk(_ cursor: ClangCursor, _ use: Use) {
    switch cursor.syntax {
    case .ifStatement, .whileLoop, .conditional:
      if cursor.syntax == .whileLoop, let condition = cursor.children.first { loop(condition) }
      let rest: Use = cursor.syntax == .conditional ? .value : .none
      for (number, child) in cursor.children.enumerated() {
        walk(child, number == 0 ? .truth : rest)
      }
      return
    case .doLoop:
      for child in cursor.children { walk(child, child.isExpression ? .truth : .none) }
      return
    case .forLoop, .returnStatement:
      if cursor.syntax == .returnStatement, let value = cursor.children.first?.stripped() {
        if value.syntax == .call, let callee = value.referenced {
          ask(callee, nil)
          if let returner { answers[callee, default: Answer()].returners.insert(returner) }
        } else if let variable = value.referenced {
          returned.insert(variable)
        }
      }
      let last = cursor.children.count - 1
      // `x = next(x)`
      if cursor.syntax == .forLoop, last > 0 { loop(cursor.children[last - 1]) }
      // `(x = next()) != NULL`
      if cursor.syntax == .forLoop, last > 1, cursor.children[last - 2].isExpression {
        loop(cursor.children[last - 2])
      }
      if cursor.syntax == .forLoop, isOwn, !isElsewhere {
        for child in cursor.children { end(child) }
      }
      for (number, child) in cursor.children.enumerated() {
        walk(child, cursor.syntax == .forLoop && number == last ? .none : .value)
      }
      return
    case .switchStatement: cases(cursor)
    case .unary where cursor.operatorSpelling == "!":
      for child in cursor.children {
        test(child, isNegated: use != .negated)
        walk(child, use == .negated ? .truth : .negated)
      }
      return
    case .binary:
      let sides = cursor.children
      guard sides.count == 2 else { break }
      return binary(cursor.operatorSpelling, sides[0], sides[1], use)
    case .variable:
      if let value = cursor.initialiser { assign(value, to: cursor, at: cursor.extent.lowerBound) }
      for child in cursor.children { walk(child, .value) }
      return
    case .call: return call(cursor, use)
    default: break
    }
    if cursor.expression == .subscript {
      based(cursor)
      indexed(cursor)
    }
    if cursor.isImplied || cursor.isCast { return converted(cursor, use) }
    if cursor.isMemberReference, let member = cursor.referenced {
      values[member, default: Value()].isOwn = values[member]?.isOwn ?? false || isOwn
    } else if cursor.isReference, let target = cursor.referenced, target.kind == .variable,
      target.isAtFileScope
    {
      values[target, default: Value()].isOwn = values[target]?.isOwn ?? false || isOwn
    }
    if use == .truth { test(cursor, isNegated: false) }
    for child in cursor.children {
      walk(child, child.isExpression && cursor.isExpression ? .value : .none)
    }
  }

  /// Casts, written or not, and parentheses.
  private mutating func converted(_ cursor: ClangCursor, _ use: Use) {
    contained(cursor)
    widened(cursor)
    let type = cursor.type
    if type.kind == .pointer, type.pointee.kind == .record || type.pointee.kind == .pointer,
      let inner = cursor.children.last(where: \.isExpression)?.stripped(casts: false).unmasked,
      inner.type.kind == .pointer && inner.type.pointee.kind == .void
        || inner.type.kind == .number && inner.type.size == 8
          && (inner.isMemberReference || inner.referenced?.isParameter ?? false)
    {
      if inner.isReference, let parameter = inner.referenced, parameter.isParameter {
        if values[parameter]?.pointee == nil {
          values[parameter, default: Value()].pointee = type.pointee
        }
      } else if inner.isMemberReference, let member = inner.referenced {
        if values[member]?.pointee == nil || isOwn {
          values[member, default: Value()].pointee = type.pointee
        }
      } else if inner.syntax == .call, let callee = inner.referenced {
        answers[callee, default: Answer()].pointee = type.pointee
        if Self.duplicates.contains(callee.name) { send(type.pointee) }
        if let definition = callee.definition, !definition.isInMainFile {
          note(type.pointee, for: definition)
        }
      }
    }
    if type.kind == .pointer, type.pointee.kind == .record,
      let end = cursor.children.last(where: \.isExpression)?.stripped(), end.isMemberReference,
      let member = end.referenced, Self.isEnd(member.type), values[member]?.pointee == nil || isOwn
    {
      values[member, default: Value()].pointee = type.pointee
    }
    for child in cursor.children { walk(child, child.isExpression ? use : .none) }
  }

  /// Whether what stands at the end of an object has no type of its own.
  private static func isEnd(_ member: ClangType) -> Bool {
    member.kind == .array && member.count == 0 && member.element.kind == .number
  }

  /// `pdu - sizeof(struct request)`: a function of a header finds one object in front of another.
  private mutating func neighbour(_ callee: ClangCursor, _ arguments: [ClangCursor]) {
    guard arguments.count == 1, let definition = callee.definition, !definition.isInMainFile,
      definition.resultType.kind == .pointer,
      let size = definition.resultType.pointee.size, size > 0,
      let front = definition.resultType.pointee.declaration,
      let value = definition.children.last?.children.last, value.syntax == .returnStatement,
      let taken = value.children.first?.stripped(), taken.syntax == .binary,
      taken.operatorSpelling == "-", taken.children.count == 2,
      taken.children[1].constant == Int64(size),
      taken.children[0].stripped().referenced?.isParameter ?? false
    else { return }
    let type = arguments[0].stripped().type
    guard type.kind == .pointer, type.pointee.kind == .record,
      let record = type.pointee.declaration, homes[record] == nil
    else { return }
    homes[record] = Home(type: definition.resultType.pointee.canonical, within: size)
    behind[front] = type.pointee.canonical
  }

  private mutating func send(_ type: ClangType) {
    guard isOwn, !isElsewhere, type.kind == .record, let size = type.size, size > 0,
      !sent.contains(where: { $0.size == size })
    else { return }
    sent.append(type)
  }

  /// What a function of a header gives out as a `void *` it mostly reads from a member.
  private mutating func note(_ type: ClangType, for function: ClangCursor) {
    var found: [ClangCursor] = []
    // What has no type, or lies at the end of an object.
    func isOpen(_ member: ClangType) -> Bool {
      member.kind == .pointer && member.pointee.kind == .void
        || member.kind == .array && member.count == 0
    }
    function.visit { child in
      if child.isMemberReference, let member = child.referenced, isOpen(member.type) {
        found.append(member)
      }
      if child.syntax == .call, let inner = child.referenced?.definition, !inner.isInMainFile,
        inner != function
      {
        inner.visit { grandchild in
          if grandchild.isMemberReference, let member = grandchild.referenced,
            isOpen(member.type)
          {
            found.append(member)
          }
          return true
        }
      }
      return true
    }
    for member in found { values[member, default: Value()].pointee = type }
  }

  /// `(struct outer *)inner`, of the first member of what the result points to.
  private mutating func widened(_ cursor: ClangCursor) {
    guard cursor.isCast, cursor.type.kind == .pointer, cursor.type.pointee.kind == .record,
      let inner = cursor.children.last(where: \.isExpression)?.stripped(casts: false),
      inner.type.kind == .pointer, inner.type.pointee.kind == .record,
      let record = inner.type.pointee.declaration, homes[record] == nil
    else { return }
    let outer = cursor.type.pointee.canonical
    var part = outer
    for _ in 0..<4 {
      guard let first = part.fields.first, first.type.kind == .record, !first.isBitField else {
        return
      }
      if first.type.declaration == record {
        homes[record] = Home(type: outer, within: 0)
        return
      }
      part = first.type.canonical
    }
  }

  /// `container_of()`: a pointer, less the offset of a member of what the result points to.
  private mutating func contained(_ cursor: ClangCursor) {
    guard cursor.isCast, cursor.type.kind == .pointer, cursor.type.pointee.kind == .record else {
      return
    }
    guard let inner = cursor.children.last(where: \.isExpression)?.stripped(),
      inner.syntax == .binary, inner.operatorSpelling == "-"
    else { return }
    let sides = inner.children
    guard sides.count == 2, let within = sides[1].constant else { return }
    var hasMember = false
    sides[1].visit {
      if $0.referenced?.isField ?? false { hasMember = true }
      return true
    }
    guard hasMember else { return }
    let home = Home(type: cursor.type.pointee.canonical, within: Int(within))
    var pointer = sides[0].stripped()
    for _ in 0..<3 {
      guard pointer.isReference, let variable = pointer.referenced, let value = variable.initialiser
      else { break }
      pointer = value.stripped()
    }
    guard let record = pointer.type.kind == .pointer ? pointer.type.pointee.declaration : nil
    else { return }
    if record.name == "list_head" || record.name == "hlist_node" {
      // `(&x->list)->next`, `(&x->table)->first`
      guard pointer.isMemberReference, let base = pointer.children.first?.stripped() else { return }
      let head = base.expression == .addressOf ? base.children.first?.stripped() ?? base : base
      if let head = head.referenced, elements[head] == nil { elements[head] = home }
      if record.name == "hlist_node", homes[record] == nil { homes[record] = home }
    } else if homes[record] == nil, record.name != "rb_node" {
      homes[record] = home
    }
  }

  private mutating func binary(
    _ sign: String, _ left: ClangCursor, _ right: ClangCursor, _ use: Use
  ) {
    switch sign {
    case "&&", "||":
      walk(left, .truth)
      walk(right, .truth)
      return
    case "=":
      if let variable = Self.place(left) {
        assign(right, to: variable, at: left.extent.lowerBound)
      }
    case "==", "!=", "<", "<=", ">", ">=":
      compare(left, right, sign)
      compare(right, left, sign)
    case "&":
      mask(left, right)
      mask(right, left)
    case "%": multiple(left, of: right)
    default: break
    }
    walk(left, .value)
    walk(right, .value)
  }

  /// `table->number != END`
  private mutating func end(_ condition: ClangCursor) {
    let condition = condition.stripped()
    guard condition.syntax == .binary, condition.children.count == 2 else { return }
    let (left, right) = (condition.children[0], condition.children[1])
    switch condition.operatorSpelling {
    case "&&":
      end(left)
      end(right)
    case "!=", "<":
      let target = left.stripped()
      if target.isMemberReference, let member = target.referenced, member.type.kind != .pointer,
        let constant = right.stripped().constant, constant != 0
      {
        values[member, default: Value()].end = constant
      }
    default: break
    }
  }

  /// What a loop gets anew in each round.
  private mutating func loop(_ expression: ClangCursor) {
    if isOwn, !isElsewhere { end(expression) }
    func take(_ side: ClangCursor) {
      let value = side.stripped()
      if value.syntax == .call, let callee = value.referenced, value.type.kind == .pointer {
        answers[callee, default: Answer()].isOfLoop = true
      }
    }
    take(expression)
    expression.visit { child in
      guard child.syntax == .binary, child.children.count == 2 else { return true }
      switch child.operatorSpelling {
      case "=": take(child.children[1])
      case "&&", "||", "==", "!=": child.children.forEach(take)
      default: break
      }
      return true
    }
  }

  private mutating func compare(_ side: ClangCursor, _ other: ClangCursor, _ sign: String) {
    let target = side.stripped()
    // `NULL` is a cast.
    if target.expression == .subscript, target.type.kind == .pointer,
      other.stripped().constant == 0
    {
      test(side, isNegated: sign == "==")
      return
    }
    if target.type.kind == .pointer, let member = target.referenced, member.isField {
      let address = other.stripped()
      if address.expression == .addressOf,
        let symbol = address.children.first?.stripped().referenced,
        symbol.kind == .variable, symbol.isAtFileScope, symbol.definition?.isInMainFile ?? false
      {
        values[member, default: Value()].symbols.insert(symbol.name)
      }
      if isOwn, let parameter = address.referenced, parameter.isParameter,
        parameter.type.kind == .pointer,
        parameter.type.pointee.declaration == target.type.pointee.declaration
      {
        values[member, default: Value()].isArgument = true
        if sign == "!=" { values[member]!.isArgumentNeeded = true }
      }
    }
    // `(x & MASK) == BITS`
    if target.syntax == .binary, target.operatorSpelling == "&", target.children.count == 2,
      let bits = other.stripped(casts: false).constant, bits != 0,
      let variable = target.children.lazy.map({ $0.stripped() })
        .first(where: { $0.syntax != .call && $0.constant == nil })?.referenced
    {
      values[variable, default: Value()].masks.insert(bits)
    }
    guard target.referenced != nil,
      let constant = other.stripped(casts: target.type.kind == .pointer).constant
    else { return }
    if target.type.kind == .pointer {
      if constant == 0 { test(side, isNegated: sign == "==") }
      return
    }
    if target.syntax == .call, let callee = target.referenced { ask(callee, constant) }
    let isPositive = sign == ">" || constant > 0
    let isErrno = constant < 0 || constant == 0 && (sign == "<" || sign == ">=")
    if target.syntax == .call, let callee = target.referenced {
      answers[callee, default: Answer()].isTested = true
      if isErrno { answers[callee]!.isErrno = true }
      if isPositive { answers[callee]!.isPositive = true }
    } else if let variable = target.referenced {
      note(variable, at: target.extent.lowerBound, constant) {
        $0.isTested = true
        if isErrno { $0.isErrno = true }
        if isPositive { $0.isPositive = true }
      }
      var value = values[variable] ?? Value()
      value.constants.insert(constant)
      if !["==", "!="].contains(sign) {
        value.constants.formUnion([constant &- 1, constant &+ 1])
      }
      values[variable] = value
    }
  }

  private mutating func mask(_ side: ClangCursor, _ other: ClangCursor) {
    let target = side.stripped()
    guard let variable = target.referenced, target.syntax != .call,
      let constant = other.stripped(casts: false).constant
    else { return }
    values[variable, default: Value()].masks.insert(constant)
    // What is rounded to it.
    if constant > 1, constant < 1 << 16, constant & (constant + 1) == 0 {
      values[variable]!.constants.insert(constant + 1)
    }
  }

  /// `a[x - BASE]`
  private mutating func based(_ cursor: ClangCursor) {
    guard let index = cursor.children.last?.stripped(), index.syntax == .binary,
      index.operatorSpelling == "-", index.children.count == 2,
      let base = index.children[1].stripped(casts: false).constant, base > 0,
      let variable = index.children[0].stripped().referenced
    else { return }
    values[variable, default: Value()].bases.insert(base)
  }

  /// `p[i]`, of structs.
  private mutating func indexed(_ cursor: ClangCursor) {
    guard cursor.children.count == 2, cursor.children[1].stripped().constant != 0,
      let array = cursor.children.first?.stripped(), array.type.kind == .pointer,
      array.type.pointee.kind == .record, let place = array.referenced
    else { return }
    if array.syntax == .call {
      answers[place, default: Answer()].isIndexed = true
    } else {
      values[place, default: Value()].isIndexed = true
    }
  }

  /// What a number is to be a multiple of, itself or shifted.
  private mutating func multiple(_ side: ClangCursor, of other: ClangCursor) {
    guard var number = other.stripped(casts: false).constant, number > 1, number < 1 << 32 else {
      return
    }
    var target = side.stripped()
    let sides = target.syntax == .binary ? target.children : []
    if sides.count == 2, let count = sides[1].stripped(casts: false).constant, count > 0 {
      switch target.operatorSpelling {
      case "<<" where count < 32: number >>= count
      case "*": number /= count
      default: return
      }
      target = sides[0].stripped()
    }
    guard number > 1, target.syntax != .call, let variable = target.referenced else { return }
    values[variable, default: Value()].constants.insert(number)
  }

  /// What the cases of a `switch` say of what it looks at.
  private mutating func cases(_ cursor: ClangCursor) {
    guard let looked = cursor.children.first?.stripped(), let variable = looked.referenced else {
      return
    }
    cursor.visit { child in
      if child.syntax == .caseLabel, !child.isDefaultLabel,
        let constant = child.children.first?.stripped(casts: false).constant
      {
        if looked.syntax == .call { ask(variable, constant) }
        values[variable, default: Value()].constants.insert(constant)
      }
      return child.syntax != .switchStatement
    }
  }

  private mutating func test(_ cursor: ClangCursor, isNegated: Bool) {
    let target = cursor.stripped()
    if target.type.kind == .pointer,
      target.expression == .subscript || target.expression == .dereference,
      let array = Self.place(target)
    {
      values[array, default: Value()].isElementTested = true
      note(array, at: target.extent.lowerBound) {
        $0.isTested = true
        if isNegated { $0.isNegated = true }
      }
      return
    }
    guard let declaration = target.referenced else { return }
    if target.syntax == .call {
      ask(declaration, nil)
      answers[declaration, default: Answer()].isTested = true
      if isNegated { answers[declaration]!.isNegated = true }
      return
    }
    values[declaration, default: Value()].isTested = true
    if isNegated { values[declaration]!.isNeeded = true }
    note(declaration, at: target.extent.lowerBound) {
      $0.isTested = true
      if isNegated { $0.isNegated = true }
    }
  }

  /// What an expression names; of an element its array, of what a pointer points to the pointer.
  private static func place(_ expression: ClangCursor) -> ClangCursor? {
    var target = expression.stripped()
    while target.type.kind == .pointer,
      target.expression == .subscript || target.expression == .dereference,
      let inner = target.children.first
    {
      target = inner.stripped()
    }
    return target.referenced
  }

  private mutating func note(
    _ variable: ClangCursor, at place: Int, _ constant: Int64? = nil,
    _ note: @escaping (inout Answer) -> Void
  ) {
    tests.append((variable, place, constant, note))
  }

  private mutating func assign(_ value: ClangCursor, to variable: ClangCursor, at place: Int) {
    let call = value.stripped()
    assignments.append((variable, place, call.syntax == .call ? call.referenced : nil))
    // What a number is later may be something else.
    let isOnly = assignments.count { $0.variable == variable } == 1
    if isOnly || variable.type.kind == .pointer {
      flow(call, to: variable)
    } else {
      flows.removeAll { $0.variable == variable }
    }
  }

  /// A member or a parameter as it is, whose value a variable of the text has from then on.
  private mutating func flow(_ value: ClangCursor, to variable: ClangCursor) {
    let value = value.read
    guard isOwn, !isElsewhere, variable.kind == .variable || variable.isParameter,
      !variable.isAtFileScope, value.syntax != .call,
      value.isMemberReference || value.isReference,
      let place = value.referenced, place.isField || place.isParameter || place.kind == .variable
    else { return }
    flows.append((place, variable))
  }

  /// What variables for errors are called.
  private static let errorNames: Set = [
    "ret", "err", "rc", "error", "retval", "ret_val", "rv", "rval", "status", "result", "res",
  ]

  private static let errorTests: Set = [
    "IS_ERR", "IS_ERR_OR_NULL", "PTR_ERR", "PTR_ERR_OR_ZERO", "ERR_CAST",
  ]

  private mutating func call(_ cursor: ClangCursor, _ use: Use) {
    let arguments = cursor.callArguments
    if let callee = cursor.referenced {
      let name = callee.name
      if name == "__builtin_expect", let first = arguments.first { return walk(first, use) }
      if Self.copies.contains(name), let type = arguments.first?.stripped().type,
        type.kind == .pointer
      {
        send(type.pointee)
      }
      if Self.errorTests.contains(name), let tested = arguments.first?.stripped(),
        let declaration = tested.referenced
      {
        let isNull = name == "IS_ERR_OR_NULL"
        let mark = { (answer: inout Answer) in
          answer.isErrorTested = true
          if isNull { answer.isTested = true }
        }
        if tested.syntax == .call {
          mark(&answers[declaration, default: Answer()])
        } else {
          values[declaration, default: Value()].isErrorTested = true
          note(declaration, at: tested.extent.lowerBound, nil, mark)
        }
      }
      if isElsewhere {
        if use == .none {
          answers[callee, default: Answer()].droppedElsewhere += 1
        } else {
          answers[callee, default: Answer()].takenElsewhere += 1
        }
      } else if use != .none {
        if let reader {
          answers[callee, default: Answer()].headers.insert(reader)
        } else {
          answers[callee, default: Answer()].isUsed = true
        }
      }
      if use == .truth { answers[callee, default: Answer()].isTested = true }
      // What asks whether somebody has it still.
      if ["kref_get_unless_zero", "refcount_inc_not_zero"].contains(name), isOwn, !isElsewhere,
        let count = arguments.first?.stripped(), count.expression == .addressOf,
        let member = count.children.first?.stripped().referenced
      {
        values[member, default: Value()].isTested = true
      }
      neighbour(callee, arguments)
      if let definition = callee.definition {
        for (argument, parameter) in zip(arguments, definition.arguments) {
          flow(argument.stripped(), to: parameter)
        }
      }
      if callee.isField { values[callee, default: Value()].isOwn = true }
    }
    for child in cursor.children { walk(child, .value) }
  }
}

extension ClangCursor {
  /// What is behind a mask: a pointer whose low bits say something.
  fileprivate var unmasked: ClangCursor {
    guard syntax == .binary, operatorSpelling == "&", let left = children.first?.stripped(),
      left.isMemberReference, left.type.kind == .number
    else { return self }
    return left
  }
}
