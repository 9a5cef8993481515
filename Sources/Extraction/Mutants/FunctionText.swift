// SPDX-License-Identifier: GPL-2.0-only
import KernelSource

/// One function as it stands in the source file: its tokens, statements and expressions, with the
/// places at which they are written. What a macro makes has no place of its own.
struct FunctionText {
  struct Statement {
    var cursor: ClangCursor
    /// With the semicolon.
    var range: Range<Int>
    /// Whether the source has the statement itself, not a macro that makes it.
    var isPlain: Bool
    var isLabelled: Bool
    var syntax: ClangCursor.Syntax
  }

  /// What calling a function does, as the manifest's rules say.
  enum Effect { case frees, locks, unlocks }

  let name: String
  let cursor: ClangCursor
  /// Of the whole source file.
  let source: [UInt8]
  /// Without comments and directives.
  let tokens: [ClangToken]
  /// Statements that follow each other, in the order of the file.
  private(set) var blocks: [[Statement]] = []
  /// Every cursor below the function.
  private(set) var expressions: [ClangCursor] = []
  private let effects: (String) -> Set<Effect>
  private var starts: [Int: Int] = [:]
  private var ends: [Int: Int] = [:]

  init(
    _ cursor: ClangCursor, in unit: ClangUnit, source: [UInt8],
    effects: @escaping (String) -> Set<Effect>
  ) {
    name = cursor.name
    self.cursor = cursor
    self.source = source
    self.effects = effects
    tokens = unit.tokens(in: cursor.extent).filter {
      $0.kind != .comment && !Self.isDirective($0.range.lowerBound, in: source)
    }
    for (index, token) in tokens.enumerated() {
      starts[token.range.lowerBound] = index
      ends[token.range.upperBound] = index
    }
    var below: [ClangCursor] = []
    var body: ClangCursor?
    cursor.visit { child in
      if body == nil, child.syntax == .compound { body = child }
      below.append(child)
      return true
    }
    expressions = below
    if let body, isWritten(body, as: "{") { add(body.children) }
  }

  private static func isDirective(_ offset: Int, in source: [UInt8]) -> Bool {
    let line = directiveRange(at: offset, in: source)
    let first = source[line].first { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") }
    return first == UInt8(ascii: "#")
  }

  // MARK: Places

  func text(_ range: Range<Int>) -> String { String(bytes: source[range]) }

  /// The tokens that a stretch consists of; nil where it begins or ends inside of one, or where a
  /// bracket has no partner in it.
  func tokenRange(_ range: Range<Int>) -> Range<Int>? {
    guard let first = starts[range.lowerBound], let last = ends[range.upperBound], first <= last
    else { return nil }
    var depth = 0
    for token in tokens[first...last] where token.kind == .punctuation {
      if ["(", "[", "{"].contains(token.text) { depth += 1 }
      if [")", "]", "}"].contains(token.text) { depth -= 1 }
      if depth < 0 { return nil }
    }
    return depth == 0 ? first..<last + 1 : nil
  }

  /// Where an expression or statement is written. In a macro's argument libclang leaves out the
  /// name of another macro that an expression ends with.
  func written(_ cursor: ClangCursor) -> Range<Int>? {
    var range = cursor.extent
    if let end = ends[range.upperBound], tokens[end].kind == .punctuation,
      ![")", "]", "}", ";", "++", "--"].contains(tokens[end].text)
    {
      guard end + 1 < tokens.count, tokens[end + 1].kind == .identifier else { return nil }
      range = range.lowerBound..<tokens[end + 1].range.upperBound
    }
    return tokenRange(range) == nil ? nil : range
  }

  func token(before offset: Int) -> ClangToken? {
    guard let index = starts[offset], index > 0 else { return nil }
    return tokens[index - 1]
  }

  func token(after offset: Int) -> ClangToken? {
    guard let index = ends[offset], index + 1 < tokens.count else { return nil }
    return tokens[index + 1]
  }

  private func isWritten(_ cursor: ClangCursor, as word: String) -> Bool {
    starts[cursor.extent.lowerBound].map { tokens[$0].text == word } ?? false
  }

  /// Both operands and the operator between them, where all of it is written in the source.
  func binary(_ cursor: ClangCursor) -> (left: Range<Int>, sign: Range<Int>, right: Range<Int>)? {
    let operands = cursor.children
    guard cursor.syntax == .binary, operands.count == 2, let left = written(operands[0]),
      let right = written(operands[1]), let sign = token(after: left.upperBound),
      sign.text == cursor.operatorSpelling,
      token(after: sign.range.upperBound)?.range.lowerBound == right.lowerBound
    else { return nil }
    return (left, sign.range, right)
  }

  /// The sign before an operand.
  func prefix(_ cursor: ClangCursor) -> (sign: Range<Int>, operand: Range<Int>)? {
    guard cursor.syntax == .unary, let inner = cursor.children.last, let operand = written(inner),
      let sign = token(before: operand.lowerBound), sign.text == cursor.operatorSpelling,
      sign.range.lowerBound == cursor.extent.lowerBound
    else { return nil }
    return (sign.range, operand)
  }

  /// Those whose value is whether the first argument is not 0: what `shims/include/asm/bug.h` defines.
  static let plainWarnings: Set = [
    "WARN", "WARN_ON", "WARN_ON_ONCE", "WARN_ON_SMP", "WARN_ONCE", "WARN_TAINT", "WARN_TAINT_ONCE",
  ]

  /// The first argument of each WARN of the function: the whole use, the condition, and whether that is its
  /// value.
  var warnings: [(use: Range<Int>, condition: Range<Int>, isPlain: Bool)] {
    tokens.indices.compactMap { index in
      guard tokens[index].kind == .identifier, tokens[index].text.hasPrefix("WARN"),
        index + 1 < tokens.count, tokens[index + 1].text == "("
      else { return nil }
      var depth = 0
      var comma: Int?
      for end in tokens.indices.dropFirst(index + 1) {
        switch tokens[end].text {
        case "(": depth += 1
        case ")": depth -= 1
        case "," where depth == 1: comma = comma ?? end
        default: break
        }
        guard depth == 0 else { continue }
        let last = (comma ?? end) - 1
        guard last > index + 1 else { return nil }
        return (
          tokens[index].range.lowerBound..<tokens[end].range.upperBound,
          tokens[index + 2].range.lowerBound..<tokens[last].range.upperBound,
          Self.plainWarnings.contains(tokens[index].text)
        )
      }
      return nil
    }
  }

  /// The conditions of `if`, loops and `?:`, each with whether it is a loop's.
  var conditions: [(range: Range<Int>, isLoop: Bool)] {
    expressions.compactMap { cursor in
      let parts = cursor.children
      func inParentheses(_ part: ClangCursor?, of word: String) -> Range<Int>? {
        guard let part, let range = written(part),
          let open = token(before: range.lowerBound), open.text == "(",
          token(before: open.range.lowerBound)?.text == word,
          token(after: range.upperBound)?.text == ")"
        else { return nil }
        return range
      }
      switch cursor.syntax {
      case .ifStatement: return inParentheses(parts.first, of: "if").map { ($0, false) }
      case .whileLoop: return inParentheses(parts.first, of: "while").map { ($0, true) }
      case .doLoop: return inParentheses(parts.last, of: "while").map { ($0, true) }
      case .forLoop:
        guard parts.count == 4, let range = written(parts[1]),
          token(before: range.lowerBound)?.text == ";", token(after: range.upperBound)?.text == ";"
        else { return nil }
        return (range, true)
      case .conditional:
        guard let first = parts.first, let range = written(first),
          token(after: range.upperBound)?.text == "?"
        else { return nil }
        return (range, false)
      default: return nil
      }
    }
  }

  /// In the order of the file.
  var statements: [Statement] {
    blocks.flatMap { $0 }.sorted { $0.range.lowerBound < $1.range.lowerBound }
  }

  func effects(of statement: Statement) -> Set<Effect> {
    guard statement.cursor.isExpression || !statement.isPlain else { return [] }
    var found: Set<Effect> = []
    statement.cursor.visit { child in
      if child.syntax == .call, let callee = child.referenced {
        found.formUnion(effects(callee.name))
      }
      return true
    }
    if statement.cursor.syntax == .call, let callee = statement.cursor.referenced {
      found.formUnion(effects(callee.name))
    }
    return found
  }

  // MARK: Statements

  private mutating func add(_ statements: [ClangCursor]) {
    let block = statements.compactMap { statement($0, isLabelled: false) }
    if !block.isEmpty { blocks.append(block) }
  }

  private mutating func add(body: ClangCursor?) {
    guard let body else { return }
    add(isWritten(body, as: "{") && body.syntax == .compound ? body.children : [body])
  }

  /// A statement; those inside of it become blocks of their own.
  private mutating func statement(_ cursor: ClangCursor, isLabelled: Bool) -> Statement? {
    let parts = cursor.children
    var isPlain = true
    switch cursor.syntax {
    case .label, .caseLabel:
      return parts.last.flatMap { statement($0, isLabelled: true) }
    case .compound where isWritten(cursor, as: "{"): add(parts)
    case .ifStatement where isWritten(cursor, as: "if"):
      for part in parts.dropFirst() { add(body: part) }
    case .whileLoop where isWritten(cursor, as: "while"),
      .forLoop where isWritten(cursor, as: "for"),
      .switchStatement where isWritten(cursor, as: "switch"):
      add(body: parts.last)
    case .doLoop where isWritten(cursor, as: "do"): add(body: parts.first)
    case .jump, .gotoStatement, .returnStatement, .declarations: break
    default: isPlain = cursor.isExpression
    }
    let extent = cursor.extent
    guard let end = ends[extent.upperBound], starts[extent.lowerBound] != nil else { return nil }
    var range = extent
    if end + 1 < tokens.count, tokens[end + 1].text == ";", tokens[end].text != ";" {
      range = extent.lowerBound..<tokens[end + 1].range.upperBound
    } else if ![";", "}"].contains(tokens[end].text) {
      return nil
    }
    guard tokenRange(range) != nil else { return nil }
    return Statement(
      cursor: cursor, range: range, isPlain: isPlain, isLabelled: isLabelled,
      syntax: isPlain ? cursor.syntax : .other)
  }
}
