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
  private static let nodes: Set = [
    "rb_root", "rb_root_cached", "rb_node", "hlist_node", "hlist_nulls_node", "llist_head",
    "llist_node", "timerqueue_head", "xarray", "idr", "radix_tree_root", "maple_tree",
  ]
  /// Elements of what a pointer to numbers or to pointers points to.
  private static let attributes = 128
  private static let elements = 16
  private static let heads = 8
  /// Structs that a pointer points to where the text counts through them, unless they are large.
  private static let several = 4
  private static let mostSize = 4096
  private static let room = 64
  /// Of what no type says.
  private static let opaque = 4096
  /// The most that a number can be in one run or another.
  private static let mostValues = 6
  /// Of an array of structs, those with members to be asked for.
  private static let mostElements = 64
  private static let many = 32
  private static let present = 8

  /// What every kernel that runs keeps in some members.
  private static let known: [String: [Int64]] = [
    "super_block.s_blocksize": [4096], "super_block.s_blocksize_bits": [12],
    "inode.i_blkbits": [12], "inode.i_size": [8192, 0], "buffer_head.b_size": [4096],
    // Counts in one place, not for each processor.
    "percpu_ref.percpu_count_ptr": [1],
    "nlattr.nla_len": [260],
  ]
  /// How much stands behind a header without saying so.
  private static let behind = ["nlattr": 256, "nlmsghdr": 1024]

  private static func isBigEndian(_ type: ClangType) -> Bool {
    ["__be16", "__be32", "__be64"].contains { type.spelling.hasSuffix($0) }
  }

  let uses: Uses
  private(set) var entries: [Entry] = []
  private(set) var functions: [Function] = []
  private var numbers: [String: Int] = [:]
  /// Types whose members are being read as what stands at the end of another.
  private var ends: Set<String> = []

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

  private mutating func array(
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

  private mutating func add(_ entry: Entry) -> Int {
    entries.append(entry)
    return entries.count - 1
  }

  private mutating func number(of type: ClangType) -> Int {
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

  private static func name(_ type: ClangType) -> String {
    let name = type.declaration?.name ?? ""
    return name.isEmpty || name.contains(" ") ? type.typedefName ?? "struct" : name
  }

  /// - Returns: also how much comes behind its end, for an array without a length.
  private mutating func members(
    of type: ClangType, at base: Int, name: String, owner: String
  ) -> (fields: [Field], tail: Int) {
    var result: [Field] = []
    var tail = 0
    for member in type.fields {
      let bits = member.fieldOffset
      guard bits >= 0 else { continue }
      let memberType = member.type
      let isAnonymous =
        member.name.isEmpty || memberType.declaration?.isAnonymousRecord ?? false
      guard isAnonymous || uses.values[member] != nil else { continue }
      let value = uses.values[member] ?? Uses.Value()
      let path = isAnonymous ? name : "\(name).\(member.name)"
      let offset = base + bits / 8
      if let known = Self.known["\(member.parent?.name ?? "").\(member.name)"],
        let size = memberType.size
      {
        result.append(
          Field(kind: .number, offset: offset, size: size, name: path, values: known))
        continue
      }
      if member.isBitField {
        if value.isOwn, let field = bitField(member, base * 8 + bits, value, name: path) {
          result.append(field)
        }
        continue
      }
      if memberType.kind == .array, let size = memberType.element.size, size > 0 {
        var count = memberType.count
        if count == 0, memberType.element.kind != .pointer, let part = value.pointee,
          let partSize = part.size
        {
          // An object of another type stands at the end. One that ends in its own kind ends there.
          tail = max(tail, partSize)
          guard ends.insert(part.unqualified).inserted else { continue }
          result +=
            members(of: part, at: offset, name: Self.name(part), owner: part.unqualified)
            .fields
          ends.remove(part.unqualified)
          continue
        }
        if count == 0 {
          count = 8
          tail = max(tail, count * size)
        }
        result += fields(
          of: memberType.element, count: count, size, offset: offset, value, name: path,
          owner: owner, declaration: member)
      } else {
        result += fields(
          of: memberType, count: 1, memberType.size ?? 0, offset: offset, value, name: path,
          owner: owner, declaration: member)
      }
    }
    // What is part of a union may lie in the same place: pointers first.
    return (result.sorted { ($0.kind == .number ? 1 : 0) < ($1.kind == .number ? 1 : 0) }, tail)
  }

  private mutating func fields(
    of type: ClangType, count: Int, _ size: Int, offset: Int, _ value: Uses.Value, name: String,
    owner: String?, declaration: ClangCursor?
  ) -> [Field] {
    // What holds an array without a length alone has no size.
    guard count > 0, size > 0 || type.kind == .record else { return [] }
    if type.kind == .record {
      let record = type.declaration?.name ?? ""
      if record == "hlist_head" || record == "hlist_nulls_head" {
        guard let declaration, let element = uses.elements[declaration] else { return [] }
        return [
          Field(
            kind: .pointer, offset: offset, size: 8, count: count, stride: size, name: name,
            values: [1, 0], target: number(of: element.type), within: element.within)
        ]
      }
      // Trees are empty, and nodes stand in none.
      if Self.nodes.contains(record) { return [] }
      if record == "list_head" {
        return [list(declaration, offset, count, size, name: name)]
      }
      if record == "kref" || record == "refcount_struct" {
        return [
          Field(
            kind: .number, offset: offset, size: 4, count: count, stride: size,
            name: value.isTested ? name : nil, values: value.isTested ? [1, 0] : [1])
        ]
      }
      if type.size == 4 || type.size == 8, type.unqualified.contains("atomic") {
        return [
          Field(
            kind: .number, offset: offset, size: size, count: count, stride: size,
            name: value.isOwn ? name : nil, values: value.isOwn ? [1, 0] : [1],
            isGivenBack: value.isGivenBack)
        ]
      }
      var inner = members(of: type, at: 0, name: name, owner: owner ?? "").fields
      if record == "percpu_ref" {
        // It counts in one place.
        for member in type.fields where member.name == "percpu_count_ptr" {
          let offset = member.fieldOffset / 8
          inner.removeAll { $0.offset == offset }
          inner.append(Field(kind: .number, offset: offset, size: 8, values: [1]))
        }
      }
      if count == 1 {
        return inner.map {
          var field = $0
          field.offset += offset
          return field
        }
      }
      return (0..<(inner.isEmpty ? 0 : min(count, Self.mostElements))).flatMap { number in
        inner.map {
          var field = $0
          field.offset += offset + number * size
          if count >= Self.many, number >= Self.present { field = Self.absent(field) }
          return field
        }
      }
    }
    guard
      var field = field(
        type, value, name: name, owner: owner, declaration: declaration,
        isElement: declaration?.type.kind == .array)
    else { return [] }
    field.offset = offset
    field.count = count
    field.stride = size
    guard count >= Self.many, field.kind == .pointer, field.values.contains(0) else {
      return [field]
    }
    var rest = Self.absent(field)
    rest.offset += Self.present * size
    rest.count -= Self.present
    field.count = Self.present
    return [field, rest]
  }

  /// Of a table with room for many only the first can be there.
  private static func absent(_ field: Field) -> Field {
    guard field.kind == .pointer, field.values.contains(0) else { return field }
    var field = field
    field.values = [0]
    field.name = nil
    return field
  }

  /// What a pointer to the head of a list points to, where the text says what its elements are.
  private mutating func head(of type: ClangType, _ element: Uses.Home) -> Int? {
    guard let record = type.declaration?.name, let size = type.size,
      ["list_head", "hlist_head", "hlist_nulls_head"].contains(record)
    else { return nil }
    let name = "\(record) of \(element.type.unqualified)+\(element.within)"
    if let known = numbers[name] { return known }
    let number = add(Entry(name: name, size: size))
    numbers[name] = number
    let target = self.number(of: element.type)
    entries[number].fields = [
      Field(
        kind: record == "list_head" ? .list : .pointer, offset: 0, size: size, name: name,
        values: [1, 0], target: target, within: element.within)
    ]
    return number
  }

  private mutating func list(
    _ head: ClangCursor?, _ offset: Int, _ count: Int, _ size: Int, name: String
  ) -> Field {
    var field = Field(
      kind: .list, offset: offset, size: 16, count: count, stride: size, values: [0])
    if let head, let element = uses.elements[head] {
      field.name = name
      field.values = [1, 0]
      field.target = number(of: element.type)
      field.within = element.within
    }
    return field
  }

  private func bitField(
    _ member: ClangCursor, _ bits: Int, _ value: Uses.Value, name: String
  ) -> Field? {
    guard let unit = member.type.size, unit <= 8 else { return nil }
    // Where it does not fit into one unit it is at a byte.
    var offset = bits / (unit * 8) * unit
    var bit = bits - offset * 8
    if bit + member.bitWidth > unit * 8 {
      offset = bits / 8
      bit = bits % 8
    }
    let most = member.bitWidth < 63 ? (Int64(1) << member.bitWidth) - 1 : Int64.max
    let all = Self.numbers(value, isBoolean: member.bitWidth == 1).filter { $0 <= most && $0 >= 0 }
    return Field(
      kind: .number, offset: offset, size: unit, bit: bit, width: member.bitWidth, name: name,
      values: all)
  }

  /// A number or a pointer; nil where it is simply zero.
  private mutating func field(
    _ type: ClangType, _ value: Uses.Value, name: String, owner: String?, declaration: ClangCursor?,
    isElement: Bool = false
  ) -> Field? {
    guard let size = type.size, size <= 8, size > 0 else { return nil }
    guard type.kind == .pointer else {
      // A number that is turned into a pointer.
      if size == 8, let pointee = value.pointee {
        var field = Field(kind: .pointer, offset: 0, size: 8, name: name, values: [1])
        if value.isTested { field.values.append(0) }
        field.target = number(pointedTo: pointee)
        return field
      }
      guard value.isOwn else { return nil }
      var values = Self.numbers(value, isBoolean: type.kind == .boolean, name: name).filter {
        Self.fits($0, size, isSigned: type.isSigned)
      }
      if Self.isBigEndian(type) {
        values = values.map {
          switch size {
          case 2: Int64(UInt16(truncatingIfNeeded: $0).byteSwapped)
          case 4: Int64(UInt32(truncatingIfNeeded: $0).byteSwapped)
          default: $0.byteSwapped
          }
        }
      }
      return Field(
        kind: .number, offset: 0, size: size, name: name, values: values,
        isGivenBack: value.isGivenBack)
    }
    var field = Field(kind: .pointer, offset: 0, size: 8, name: name, values: [1])
    field.isGivenBack = value.isGivenBack
    if value.isTested || value.isElementTested && isElement { field.values.append(0) }
    if value.isErrorTested { field.values.append(Self.eio) }
    field.symbols = value.symbols.sorted()
    if value.isArgument {
      field.values.insert(Self.argument, at: value.isArgumentNeeded ? 0 : field.values.count)
    }
    let pointee = type.pointee
    if pointee.kind == .function {
      guard let declaration, let prototype = declaration.prototype else { return nil }
      field.kind = .function
      if let known = functions.firstIndex(where: { $0.declaration == declaration }) {
        field.target = known
      } else {
        field.target = functions.count
        functions.append(Function(name: name, declaration: declaration, prototype: prototype))
      }
      return field
    }
    let target = pointee.kind == .void ? value.pointee ?? pointee : pointee
    if let declaration, let element = uses.elements[declaration],
      let head = head(of: target, element)
    {
      field.target = head
      return field
    }
    if value.isElementTested, target.kind == .pointer, target.pointee.kind != .function,
      let size = target.size, target.pointee.declaration?.name != "nlattr"
    {
      field.target = array(of: target, size, count: Self.elements, canMiss: true)
    } else if value.isIndexed, let several = number(ofSeveral: target) {
      field.target = several
    } else {
      field.target = number(pointedTo: target)
    }
    // A chain ends.
    if let owner, target.unqualified == owner {
      field.values = [0, 1]
    }
    return field
  }

  private static func fits(_ value: Int64, _ size: Int, isSigned: Bool) -> Bool {
    guard size < 8 else { return isSigned || value >= 0 }
    let bits = size * 8
    return isSigned
      ? (-(Int64(1) << (bits - 1))..<Int64(1) << (bits - 1)).contains(value)
      : (0..<Int64(1) << bits).contains(value)
  }

  /// Whether a number says how far something is, by its name.
  private static func beginsAtZero(_ name: String?) -> Bool {
    let last = name?.split(separator: ".").last ?? ""
    return last.split(separator: "_").contains {
      ["idx", "index", "done", "offset", "pos", "processed", "consumed"].contains($0)
    }
  }

  /// What a number can be, the ordinary value first: on each side of what the text compares it with.
  static func numbers(_ value: Uses.Value, isBoolean: Bool, name: String? = nil) -> [Int64] {
    if let base = value.bases.min() {
      return [base, base + 1]
        + value.constants.sorted().prefix(mostValues - 2).filter {
          $0 != base && $0 != base + 1
        }
    }
    if isBoolean || value.isTested && value.constants.isEmpty && value.masks.isEmpty {
      return value.isNeeded ? [1, 0] : [0, 1]
    }
    var values: [Int64] = value.masks.isEmpty ? (beginsAtZero(name) ? [0, 1] : [1, 0]) : [0]
    for one in value.masks.sorted() + value.constants.sorted(by: { $0.magnitude < $1.magnitude })
    where !values.contains(one) && values.count < mostValues {
      values.append(one)
    }
    // Twice through a loop.
    if value.masks.isEmpty, !values.contains(2), values.count < mostValues { values.append(2) }
    return values
  }

  /// What an argument of that type points to.
  private static let argument: Int64 = 2

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
