// SPDX-License-Identifier: GPL-2.0-only

/// How the expressions of a function are read.
extension Uses {
  mutating func walk(_ cursor: ClangCursor, _ use: Use) {
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
  mutating func converted(_ cursor: ClangCursor, _ use: Use) {
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
  static func isEnd(_ member: ClangType) -> Bool {
    member.kind == .array && member.count == 0 && member.element.kind == .number
  }

  /// `pdu - sizeof(struct request)`: a function of a header finds one object in front of another.
  mutating func neighbour(_ callee: ClangCursor, _ arguments: [ClangCursor]) {
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

  mutating func send(_ type: ClangType) {
    guard isOwn, !isElsewhere, type.kind == .record, let size = type.size, size > 0,
      !sent.contains(where: { $0.size == size })
    else { return }
    sent.append(type)
  }

  /// What a function of a header gives out as a `void *` it mostly reads from a member.
  mutating func note(_ type: ClangType, for function: ClangCursor) {
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
  mutating func widened(_ cursor: ClangCursor) {
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
  mutating func contained(_ cursor: ClangCursor) {
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

  mutating func binary(
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
  mutating func end(_ condition: ClangCursor) {
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
  mutating func loop(_ expression: ClangCursor) {
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

  mutating func compare(_ side: ClangCursor, _ other: ClangCursor, _ sign: String) {
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

  mutating func mask(_ side: ClangCursor, _ other: ClangCursor) {
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
  mutating func based(_ cursor: ClangCursor) {
    guard let index = cursor.children.last?.stripped(), index.syntax == .binary,
      index.operatorSpelling == "-", index.children.count == 2,
      let base = index.children[1].stripped(casts: false).constant, base > 0,
      let variable = index.children[0].stripped().referenced
    else { return }
    values[variable, default: Value()].bases.insert(base)
  }

  /// `p[i]`, of structs.
  mutating func indexed(_ cursor: ClangCursor) {
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
  mutating func multiple(_ side: ClangCursor, of other: ClangCursor) {
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
  mutating func cases(_ cursor: ClangCursor) {
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

  mutating func test(_ cursor: ClangCursor, isNegated: Bool) {
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
  static func place(_ expression: ClangCursor) -> ClangCursor? {
    var target = expression.stripped()
    while target.type.kind == .pointer,
      target.expression == .subscript || target.expression == .dereference,
      let inner = target.children.first
    {
      target = inner.stripped()
    }
    return target.referenced
  }

  mutating func note(
    _ variable: ClangCursor, at place: Int, _ constant: Int64? = nil,
    _ note: @escaping (inout Answer) -> Void
  ) {
    tests.append((variable, place, constant, note))
  }

  mutating func assign(_ value: ClangCursor, to variable: ClangCursor, at place: Int) {
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
  mutating func flow(_ value: ClangCursor, to variable: ClangCursor) {
    let value = value.read
    guard isOwn, !isElsewhere, variable.kind == .variable || variable.isParameter,
      !variable.isAtFileScope, value.syntax != .call,
      value.isMemberReference || value.isReference,
      let place = value.referenced, place.isField || place.isParameter || place.kind == .variable
    else { return }
    flows.append((place, variable))
  }

  /// What variables for errors are called.
  static let errorNames: Set = [
    "ret", "err", "rc", "error", "retval", "ret_val", "rv", "rval", "status", "result", "res",
  ]

  static let errorTests: Set = [
    "IS_ERR", "IS_ERR_OR_NULL", "PTR_ERR", "PTR_ERR_OR_ZERO", "ERR_CAST",
  ]

  mutating func call(_ cursor: ClangCursor, _ use: Use) {
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
