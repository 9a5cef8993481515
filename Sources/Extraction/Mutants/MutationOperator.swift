// SPDX-License-Identifier: GPL-2.0-only

/// One kind of small wrong change, and where a function has room for it.
public protocol MutationOperator: Sendable {
  /// Stable: keys, reports and `--operator` use it.
  static var id: String { get }
  /// What it does, in one sentence without a full stop.
  static var sentence: String { get }
}

/// What an operator changes.
struct Edit: Hashable {
  /// Bytes of the source file.
  var range: Range<Int>
  var replacement: String
  /// nil: wherever control comes to it.
  var difference: Difference?
}

/// What finds the places; apart from the public half because libclang does not leave this room.
protocol EditFinder: MutationOperator {
  static func edits(in function: FunctionText) -> [Edit]
}

/// Every operator. Where two make the same edit the first has it.
public enum MutationOperators {
  static let finders: [any EditFinder.Type] = [
    DropFree.self, DropLock.self, DropUnlock.self, MoveLock.self, MoveUnlock.self,
    SwapLabel.self, DropInitialiser.self, SwapGFP.self, WeakenWarning.self, DropWarning.self,
    ErrorValue.self, OffByOneLevel.self, Negate.self, FixCondition.self, SwapArguments.self,
    DeleteStatement.self, Logical.self, Relational.self, Bitwise.self, Arithmetic.self,
    Increment.self, Constant.self,
  ]

  public static var all: [any MutationOperator.Type] { finders }
}

extension FunctionText {
  /// A statement replaced by an empty one.
  func delete(_ statement: Statement) -> Edit { Edit(range: statement.range, replacement: ";") }

  /// Expression statements with an effect.
  func statements(that effect: Effect) -> [Statement] {
    statements.filter { effects(of: $0).contains(effect) && $0.syntax != .declarations }
  }

  /// A statement and its neighbour change places, where control goes from one to the other.
  func move(_ effect: Effect) -> [Edit] {
    blocks.flatMap { block in
      zip(block, block.dropFirst()).compactMap { first, second -> Edit? in
        let neighbours = [first, second]
        let moved = neighbours.filter { effects(of: $0).contains(effect) }
        let stops: [ClangCursor.Syntax] = [
          .returnStatement, .gotoStatement, .jump, .declarations,
        ]
        // One use of a macro may make both.
        guard first.range.upperBound <= second.range.lowerBound else { return nil }
        let between = first.range.upperBound..<second.range.lowerBound
        guard moved.count == 1, !neighbours.contains(where: { stops.contains($0.syntax) }),
          !text(between).contains("#")
        else { return nil }
        return Edit(
          range: first.range.lowerBound..<second.range.upperBound,
          replacement: text(second.range) + text(between) + text(first.range))
      }
    }
  }

  /// An operand as it can stand beside any operator.
  func operand(_ range: Range<Int>) -> String {
    guard let all = tokenRange(range), all.count > 1 else { return text(range) }
    var depth = 0
    var isLoose = false
    for token in tokens[all] {
      if ["(", "["].contains(token.text) { depth += 1 }
      if [")", "]"].contains(token.text) { depth -= 1 }
      isLoose =
        isLoose
        || depth == 0 && token.kind == .punctuation
          && !["(", ")", "[", "]", "->", ".", "!", "~"].contains(token.text)
    }
    return isLoose ? "(\(text(range)))" : text(range)
  }

  /// A binary expression with another operator.
  func combine(
    _ left: Range<Int>, _ sign: String, _ right: Range<Int>, _ difference: Difference? = nil
  ) -> Edit {
    let whole = left.lowerBound..<right.upperBound
    let new = "\(operand(left)) \(sign) \(operand(right))"
    let before = token(before: whole.lowerBound)?.text ?? ""
    let after = token(after: whole.upperBound)?.text ?? ""
    let stands =
      ["(", ",", "=", "return", ";"].contains(before) && [")", ",", ";"].contains(after)
    return Edit(range: whole, replacement: stands ? new : "(\(new))", difference: difference)
  }

  /// Edits of each binary expression that is written in the source.
  func binaries(
    _ edits: (String, Range<Int>, Range<Int>, Range<Int>) -> [Edit]
  ) -> [Edit] {
    expressions.flatMap { cursor -> [Edit] in
      guard let parts = binary(cursor) else { return [] }
      return edits(cursor.operatorSpelling, parts.left, parts.sign, parts.right)
    }
  }

  /// Identifiers in capitals that are no macro with arguments: constants, by the kernel's custom.
  var constants: [ClangToken] {
    tokens.indices.compactMap { index in
      let token = tokens[index]
      guard token.kind == .identifier, token.text.contains(where: \.isLetter),
        token.text.allSatisfy({ $0.isUppercase || $0.isNumber || $0 == "_" }),
        index + 1 == tokens.count || tokens[index + 1].text != "("
      else { return nil }
      return token
    }
  }

  /// `-EIO` and its like: the minus and the name together.
  var errors: [(range: Range<Int>, name: String)] {
    constants.compactMap { token in
      guard token.text.count > 2, token.text.hasPrefix("E"), !token.text.contains("_"),
        let minus = self.token(before: token.range.lowerBound), minus.text == "-",
        let before = self.token(before: minus.range.lowerBound),
        before.kind == .keyword || ["(", ",", "=", "==", "!=", "?", ":"].contains(before.text)
      else { return nil }
      return (minus.range.lowerBound..<token.range.upperBound, token.text)
    }
  }

  static func isGFP(_ name: String) -> Bool {
    name.hasPrefix("GFP_") || name.hasPrefix("__GFP_")
  }
}
