// SPDX-License-Identifier: GPL-2.0-only

/// How objects of the kernel's types are made: what of them the text looks at, and what that can be.
/// `shims/runtime/objects.c` reads it as tables.
struct TypeTable {
  enum Kind: Int {
    case number = 1
    case pointer, function, list
  }

  /// A member, or each element of an array.
  struct Field {
    var kind: Kind
    var offset: Int
    var size: Int
    var count = 1
    var stride = 0
    var bit = 0
    var width = 0
    /// `device.parent`; nil where it has one value.
    var name: String?
    /// The ordinary one first; of a pointer, 1 is a fresh object and 2 the argument of its type.
    var values: [Int64] = []
    /// Behind these, addresses of variables.
    var symbols: [String] = []
    /// How many values there are.
    var countValues: Int { values.count + symbols.count }
    /// A type, or a function.
    var target = 0
    var within = 0
    /// Whether another function of the file frees what it points to.
    var isGivenBack = false

    /// The same, whatever a manifest takes of them.
    var compared: [String] = []

    mutating func take(_ input: Manifest.Input) {
      values = input.numbers
      compared = symbols
      symbols = symbols.filter(input.symbols.contains)
    }
  }

  struct Entry {
    var name: String
    var size: Int
    /// What stands behind one that was made for itself, all 0: a header has its data there.
    var room = 0
    var home: (type: Int, within: Int)?
    var fields: [Field] = []
    /// Whether it stands for pages.
    var isPage = false
  }

  /// What a function pointer is answered by.
  struct Function {
    var name: String
    var declaration: ClangCursor
    var prototype: ClangCursor.Prototype
  }

  static let eio: Int64 = -5
  static let nodes: Set = [
    "rb_root", "rb_root_cached", "rb_node", "hlist_node", "hlist_nulls_node", "llist_head",
    "llist_node", "timerqueue_head", "xarray", "idr", "radix_tree_root", "maple_tree",
  ]
  /// Elements of what a pointer to numbers or to pointers points to.
  static let attributes = 128
  static let elements = 16
  static let heads = 8
  /// Structs that a pointer points to where the text counts through them, unless they are large.
  static let several = 4
  private static let mostSize = 4096
  private static let room = 64
  /// Of what no type says.
  static let opaque = 4096
  /// The most that a number can be in one run or another.
  static let mostValues = 6
  /// Of an array of structs, those with members to be asked for.
  static let mostElements = 64
  static let many = 32
  static let present = 8

  /// What every kernel that runs keeps in some members.
  static let known: [String: [Int64]] = [
    "super_block.s_blocksize": [4096], "super_block.s_blocksize_bits": [12],
    "inode.i_blkbits": [12], "inode.i_size": [8192, 0], "buffer_head.b_size": [4096],
    // Counts in one place, not for each processor.
    "percpu_ref.percpu_count_ptr": [1],
    "nlattr.nla_len": [260],
  ]
  /// How much stands behind a header without saying so.
  static let behind = ["nlattr": 256, "nlmsghdr": 1024]

  static func isBigEndian(_ type: ClangType) -> Bool {
    ["__be16", "__be32", "__be64"].contains { type.spelling.hasSuffix($0) }
  }

  let uses: Uses
  var entries: [Entry] = []
  var functions: [Function] = []
  var numbers: [String: Int] = [:]
  /// Types whose members are being read as what stands at the end of another.
  var ends: Set<String> = []

  init(_ uses: Uses) { self.uses = uses }

  /// The number of a type by its name in a rule; nil where nothing has it.
  func number(named name: String) -> Int? { numbers[name] }

  /// The number of what a pointer to a type points to.
  mutating func number(pointedTo type: ClangType) -> Int {
    switch type.kind {
    case .record: return number(of: type)
    case .void, .function, .other: return bytes("void", Self.opaque)
    case .array: return number(of: type)
    default:
      guard let size = type.size else { return bytes("void", Self.opaque) }
      if size == 1 { return bytes("char", Self.opaque) }
      // A table of attributes has a place for each, and any may be missing.
      if type.kind == .pointer, type.pointee.declaration?.name == "nlattr" {
        let number = array(of: type, size, count: Self.attributes)
        for field in entries[number].fields.indices {
          entries[number].fields[field].values = [1, 0]
        }
        return number
      }
      return array(of: type, size, count: Self.elements)
    }
  }

  /// The number of one variable's type.
  mutating func number(single type: ClangType) -> Int {
    guard type.kind != .record, type.kind != .array, let size = type.size else {
      return number(of: type)
    }
    return array(of: type, size, count: 1)
  }

  /// The number of what a variable of the file holds, by what the text asks of it.
  mutating func number(of variable: ClangCursor, asked value: Uses.Value) -> Int {
    let type = variable.type
    guard type.kind != .record, type.kind != .array, let size = type.size,
      value.isTested || value.isErrorTested || !value.constants.isEmpty || !value.masks.isEmpty
    else { return number(single: type) }
    var value = value
    value.isOwn = true
    let number = add(Entry(name: "variable \(variable.name)", size: size))
    if let field = field(type, value, name: variable.name, owner: nil, declaration: variable) {
      entries[number].fields = [field]
    }
    return number
  }

  /// The number of what a variable with a first value holds: of its members those that the file sets.
  mutating func number(ofInitialised variable: ClangCursor, _ members: Set<String>) -> Int? {
    guard variable.type.kind == .record, let size = variable.type.size else { return nil }
    let whole = number(single: variable.type)
    let fields = entries[whole].fields.filter {
      guard $0.kind == .number, let name = $0.name, let last = name.split(separator: ".").last
      else { return false }
      return members.contains(String(last))
    }
    guard !fields.isEmpty else { return nil }
    let number = add(Entry(name: "variable \(variable.name)", size: size))
    entries[number].fields = fields
    return number
  }

  mutating func array(
    of type: ClangType, _ size: Int, count: Int, canMiss: Bool = false
  ) -> Int {
    var count = count
    // Attributes have the numbers of a protocol.
    if count > 1, type.kind == .pointer, type.pointee.declaration?.name == "nlattr" {
      count = Self.attributes
    }
    let name =
      "\(Self.isBigEndian(type) ? "__be\(size * 8)" : type.unqualified)[\(count)]\(canMiss ? "?" : "")"
    if let known = numbers[name] { return known }
    // What ends with a 0 ends.
    let number = add(Entry(name: name, size: size * count, room: count > 1 ? Self.room : 0))
    numbers[name] = number
    if var field = field(
      type, Uses.Value(isOwn: true, isTested: canMiss), name: type.unqualified, owner: nil,
      declaration: nil)
    {
      field.count = count
      field.stride = size
      entries[number].fields = [field]
    }
    return number
  }

  /// The number of a table of another file's that loops walk through to its end: it has nothing but that.
  mutating func number(ofEnded element: ClangType) -> Int? {
    guard element.kind == .record, let size = element.size, size > 0 else { return nil }
    let fields = element.fields.compactMap { member -> Field? in
      guard let end = uses.values[member]?.end, let width = member.type.size, !member.isBitField
      else { return nil }
      return Field(
        kind: .number, offset: member.fieldOffset / 8, size: width, count: Self.mostElements,
        stride: size, values: [end])
    }
    guard !fields.isEmpty else { return nil }
    let name = "\(element.unqualified)[\(Self.mostElements)] with an end"
    if let known = numbers[name] { return known }
    let number = add(Entry(name: name, size: size * Self.mostElements))
    entries[number].fields = fields
    numbers[name] = number
    return number
  }

  /// The number of what a pointer to structs points to where the text counts through them; nil where one
  /// stands alone.
  mutating func number(ofSeveral element: ClangType) -> Int? {
    guard element.kind == .record, let size = element.size, size > 0, size <= Self.mostSize,
      let declaration = element.declaration, uses.homes[declaration] == nil,
      !["page", "folio"].contains(declaration.name)
    else { return nil }
    let name = "\(element.unqualified)[\(Self.several)]"
    if let known = numbers[name] { return known }
    let number = add(Entry(name: name, size: size * Self.several, room: Self.room))
    numbers[name] = number
    entries[number].fields = fields(
      of: element, count: Self.several, size, offset: 0, Uses.Value(isOwn: true),
      name: Self.name(element), owner: element.unqualified, declaration: nil)
    return number
  }

  private mutating func bytes(_ name: String, _ size: Int) -> Int {
    if let known = numbers[name] { return known }
    var entry = Entry(name: name, size: size)
    if name == "char" {
      // A short word.
      entry.fields = [Field(kind: .number, offset: 0, size: 8, values: [0x6d69_6873_6b])]
    }
    numbers[name] = add(entry)
    return entries.count - 1
  }

  mutating func add(_ entry: Entry) -> Int {
    entries.append(entry)
    return entries.count - 1
  }

  mutating func number(of type: ClangType) -> Int {
    let name = type.unqualified
    if let known = numbers[name] { return known }
    guard let size = type.size else { return bytes("void", Self.opaque) }
    let number = add(Entry(name: name, size: max(1, size)))
    entries[number].isPage = ["page", "folio"].contains(type.declaration?.name)
    numbers[name] = number
    if type.kind == .array {
      let element = type.element
      if let elementSize = element.size, elementSize > 0 {
        entries[number].fields = fields(
          of: element, count: type.count, elementSize, offset: 0, Uses.Value(isOwn: true),
          name: name, owner: nil, declaration: nil)
      }
      return number
    }
    guard let declaration = type.declaration, !Self.nodes.contains(declaration.name) else {
      if type.declaration?.name == "hlist_node", let home = uses.homes[type.declaration!] {
        entries[number].home = (self.number(of: home.type), home.within)
      }
      return number
    }
    if declaration.name == "list_head" {
      // One, or the first of several.
      entries[number].fields = [
        Field(kind: .list, offset: 0, size: 16, count: Self.heads, stride: 16, values: [0])
      ]
      entries[number].room = (Self.heads - 1) * size
      return number
    }
    if let home = uses.homes[declaration], home.type.unqualified != name {
      let outer = self.number(of: home.type)
      // None can be part of itself, by way of others neither.
      var next: Int? = outer
      while let part = next, part != number { next = entries[part].home?.type }
      if next == nil { entries[number].home = (outer, home.within) }
    }
    let (fields, tail) = members(of: type, at: 0, name: Self.name(type), owner: name)
    entries[number].fields = fields
    entries[number].size += max(tail, Self.behind[declaration.name] ?? 0)
    if let part = uses.behind[declaration], let more = part.size {
      entries[number].fields +=
        members(of: part, at: size, name: Self.name(part), owner: part.unqualified).fields
      entries[number].size = max(entries[number].size, size + more)
    }
    entries[number].room = Self.room
    return number
  }

  /// What an argument of that type points to.
  static let argument: Int64 = 2

  /// Operations that every object has.
  mutating func require(_ names: Set<String>) {
    for entry in entries.indices {
      for field in entries[entry].fields.indices
      where entries[entry].fields[field].kind == .function
        && names.contains(functions[entries[entry].fields[field].target].name)
      {
        entries[entry].fields[field].values = [1]
      }
    }
  }

  /// Takes what a manifest says of fields.
  mutating func give(_ inputs: [String: Manifest.Input]) {
    for entry in entries.indices {
      for field in entries[entry].fields.indices {
        if let name = entries[entry].fields[field].name, let own = inputs[name] {
          entries[entry].fields[field].take(own)
        }
      }
    }
  }

  /// An argument, or what a callee gives back.
  mutating func argument(_ cursor: ClangCursor) -> Field {
    // The text that is read names it, whatever it does with it.
    var value = uses.values[cursor] ?? Uses.Value()
    value.isOwn = true
    let type = cursor.type
    if type.kind == .array {
      return Field(
        kind: .pointer, offset: 0, size: 8, name: cursor.name, values: [1],
        target: number(pointedTo: type.count > Self.elements ? type : type.element))
    }
    let field = field(type, value, name: cursor.name, owner: nil, declaration: cursor)
    return field ?? Field(kind: .number, offset: 0, size: 8, values: [0])
  }
}
