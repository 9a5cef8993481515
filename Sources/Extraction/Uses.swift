// SPDX-License-Identifier: GPL-2.0-only

/// What a text says of the things that it uses without defining them: which members of structs it looks
/// at and what it compares them with, how it tests what its callees return, and what a pointer points to
/// where the type does not say it.
struct Uses {
  var values: [ClangCursor: Value] = [:]
  var answers: [ClangCursor: Answer] = [:]
  /// By the declaration of a struct: `container_of()`.
  var homes: [ClangCursor: Home] = [:]
  /// By the member or the variable that is the head of a list.
  var elements: [ClangCursor: Home] = [:]
  /// By the declaration of a struct, what stands behind it in the same memory.
  var behind: [ClangCursor: ClangType] = [:]
  /// What is copied from the user's memory.
  var sent: [ClangType] = []
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

  enum Use { case none, value, truth, negated }
  var isOwn = true
  /// Whether only tests of answers are taken down.
  var isElsewhere = false
  var reader: ClangCursor?
  var returner: ClangCursor?
  /// Variables that the function that is read returns.
  var returned: Set<ClangCursor> = []
  var assignments: [(variable: ClangCursor, at: Int, callee: ClangCursor?)] = []
  var tests: [(variable: ClangCursor, at: Int, constant: Int64?, note: (inout Answer) -> Void)] = []
  /// Functions of headers whose answers the text asks for, and what it compares them with.
  private var asked: [ClangCursor: Set<Int64>] = [:]
  /// What a variable or a parameter of the text is given: a member, or another parameter.
  var flows: [(place: ClangCursor, variable: ClangCursor)] = []

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

  mutating func ask(_ callee: ClangCursor, _ constant: Int64?) {
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
}
