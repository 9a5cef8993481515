// SPDX-License-Identifier: GPL-2.0-only

/// What of an object is asked for: its members and their values.
extension TypeTable {
  static func name(_ type: ClangType) -> String {
    let name = type.declaration?.name ?? ""
    return name.isEmpty || name.contains(" ") ? type.typedefName ?? "struct" : name
  }

  /// - Returns: also how much comes behind its end, for an array without a length.
  mutating func members(
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

  mutating func fields(
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
  static func absent(_ field: Field) -> Field {
    guard field.kind == .pointer, field.values.contains(0) else { return field }
    var field = field
    field.values = [0]
    field.name = nil
    return field
  }

  /// What a pointer to the head of a list points to, where the text says what its elements are.
  mutating func head(of type: ClangType, _ element: Uses.Home) -> Int? {
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

  mutating func list(
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

  func bitField(
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
  mutating func field(
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

  static func fits(_ value: Int64, _ size: Int, isSigned: Bool) -> Bool {
    guard size < 8 else { return isSigned || value >= 0 }
    let bits = size * 8
    return isSigned
      ? (-(Int64(1) << (bits - 1))..<Int64(1) << (bits - 1)).contains(value)
      : (0..<Int64(1) << bits).contains(value)
  }

  /// Whether a number says how far something is, by its name.
  static func beginsAtZero(_ name: String?) -> Bool {
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
    for one in value.masks.sorted()
      + value.constants.sorted(by: { ($0.magnitude, $0) < ($1.magnitude, $1) })
    where !values.contains(one) && values.count < mostValues {
      values.append(one)
    }
    // Twice through a loop.
    if value.masks.isEmpty, !values.contains(2), values.count < mostValues { values.append(2) }
    return values
  }
}
