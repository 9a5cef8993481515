// SPDX-License-Identifier: GPL-2.0-only
import KernelSource

/// What the extracted functions say at their lines, read off the compiler's syntax tree: enough to
/// name what is called, stored, freed and reached there.
public struct Statements: Sendable {
  public struct Call: Sendable, Equatable {
    /// The function that is called in the end.
    public var callee: String
    /// What the source calls: the callee, or the macro that calls it.
    public var written: String
    /// The arguments, without casts, as the source has them; empty for what only a macro has.
    public var arguments: [String]
    /// The variable or field that the result is stored in; no variable of a macro.
    public var into: String?
    /// From 1, in the source file.
    public var lines: ClosedRange<Int>
  }

  /// Memory that is reached through a pointer.
  public struct Access: Sendable, Equatable {
    /// The pointer, as the source has it.
    public var pointer: String
    public var isWrite: Bool
    public var lines: ClosedRange<Int>
  }

  /// A variable or field that is assigned to.
  public struct Store: Sendable, Equatable {
    /// What is assigned to, as the source has it.
    public var target: String
    public var lines: ClosedRange<Int>
  }

  public struct Return: Sendable, Equatable {
    /// What is returned, as the source has it; empty for nothing.
    public var value: String
    public var line: Int
  }

  public private(set) var calls: [Call] = []
  public private(set) var accesses: [Access] = []
  public private(set) var stores: [Store] = []
  /// By line, ascending.
  public private(set) var returns: [Return] = []

  private let text: [UInt8]
  private let source: SourceText

  /// - Parameter source: the text that they are from.
  init(of functions: [ClangCursor], in source: SourceText) {
    self.source = source
    text = source.bytes
    for function in functions {
      for child in function.children { read(child, into: nil, isWrite: false) }
    }
    returns.sort { $0.line < $1.line }
  }

  /// The call on a line that a boundary callee was reached by: the one with its name, else the only
  /// one there.
  public func call(of callee: String?, on line: Int) -> Call? {
    let here = on(line, calls, \.lines)
    return here.first { $0.callee == callee } ?? (here.count == 1 ? here[0] : nil)
  }

  /// The variable or field that gets the result of what is called on a line.
  public func target(of callee: String?, on line: Int) -> String? {
    let here = on(line, calls, \.lines)
    if let call = here.first(where: { $0.callee == callee }) { return call.into }
    let targets = Set(here.compactMap(\.into))
    return targets.count == 1 ? targets.first : nil
  }

  /// What a line assigns to, where it is only one thing.
  public func stored(on line: Int) -> String? {
    let targets = Set(on(line, stores, \.lines).map(\.target))
    return targets.count == 1 ? targets.first : nil
  }

  /// The pointer through which a line reads or writes, where it can be only one.
  public func pointer(writing isWrite: Bool, on line: Int) -> String? {
    let pointers = Set(on(line, accesses, \.lines).filter { $0.isWrite == isWrite }.map(\.pointer))
    return pointers.count == 1 ? pointers.first : nil
  }

  /// What begins on a line, else what goes over it.
  private func on<Element>(
    _ line: Int, _ list: [Element], _ lines: (Element) -> ClosedRange<Int>
  ) -> [Element] {
    let first = list.filter { lines($0).lowerBound == line }
    return first.isEmpty ? list.filter { lines($0).contains(line) } : first
  }

  // MARK: Reading

  /// - Parameters:
  ///   - into: what the value of this expression is stored in.
  ///   - isWrite: whether this expression is what is stored to.
  ///   - isInside: whether it is part of an expression that reaches memory by what it says here.
  private mutating func read(
    _ cursor: ClangCursor, into: String?, isWrite: Bool, isInside: Bool = false
  ) {
    let children = cursor.children
    switch cursor.expression {
    case .call:
      if let callee = cursor.referenced?.name ?? children.first?.name, !callee.isEmpty {
        calls.append(
          Call(
            callee: callee, written: word(at: cursor.extent.lowerBound) ?? callee,
            arguments: cursor.arguments.map { isOwn($0) ? written($0) : "" }, into: into,
            lines: lines(of: cursor)))
      }
      for child in children { read(child, into: nil, isWrite: false) }
    case .assignment where children.count == 2:
      let target = isOwn(children[0]) ? written(children[0]) : nil
      if let target { stores.append(Store(target: target, lines: lines(of: children[0]))) }
      read(children[0], into: nil, isWrite: true)
      // What a macro keeps on the way is of no interest.
      read(children[1], into: into ?? target, isWrite: false)
    case .variable:
      let target = has(cursor.name, in: cursor) ? cursor.name : nil
      for child in children { read(child, into: into ?? target, isWrite: false) }
    case .subscript where children.count == 2:
      reach(cursor, by: children[0], isWrite, isInside)
      read(children[1], into: nil, isWrite: false)
    case .arrow, .dereference:
      if let pointer = children.first { reach(cursor, by: pointer, isWrite, isInside) }
    case .returns:
      returns.append(
        Return(value: children.first.map(written) ?? "", line: lines(of: cursor).lowerBound))
      for child in children { read(child, into: nil, isWrite: false) }
    case .wrapper, .member:
      for child in children { read(child, into: into, isWrite: isWrite, isInside: isInside) }
    default:
      for child in children { read(child, into: into, isWrite: false) }
    }
  }

  private mutating func reach(
    _ cursor: ClangCursor, by pointer: ClangCursor, _ isWrite: Bool, _ isInside: Bool
  ) {
    if !isInside, isOwn(pointer) {
      accesses.append(
        Access(pointer: written(pointer), isWrite: isWrite, lines: lines(of: cursor)))
    }
    read(pointer, into: nil, isWrite: false, isInside: true)
  }

  /// An expression as the source has it, without casts and parentheses around it.
  private func written(_ cursor: ClangCursor) -> String {
    var cursor = cursor
    while [.wrapper, .addressOf].contains(cursor.expression), let inner = cursor.children.last {
      cursor = inner
    }
    let range = cursor.extent.clamped(to: 0..<text.count)
    return String(bytes: text[range])
      .split(whereSeparator: \.isWhitespace).joined(separator: " ")
  }

  /// Whether what an expression begins with stands in the source: a variable that only a macro knows
  /// does not, and tells a reader nothing.
  private func isOwn(_ cursor: ClangCursor) -> Bool {
    var first = cursor
    while first.name.isEmpty, let inner = first.children.first { first = inner }
    return first.name.isEmpty || has(first.name, in: cursor)
  }

  /// Whether an identifier stands in the source of a cursor.
  private func has(_ name: String, in cursor: ClangCursor) -> Bool {
    let range = cursor.extent.clamped(to: 0..<text.count)
    return text[range].split { !Self.isPart($0) }.contains { $0.elementsEqual(name.utf8) }
  }

  private static func isPart(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "_") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
      || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
  }

  /// The identifier at an offset.
  private func word(at offset: Int) -> String? {
    guard offset < text.count else { return nil }
    let word = text[offset...].prefix(while: Self.isPart)
    return word.isEmpty ? nil : String(bytes: word)
  }

  private func lines(of cursor: ClangCursor) -> ClosedRange<Int> {
    let range = cursor.extent
    let first = line(of: range.lowerBound)
    return first...max(first, line(of: max(range.lowerBound, range.upperBound - 1)))
  }

  private func line(of offset: Int) -> Int { source.place(of: offset).line }
}
