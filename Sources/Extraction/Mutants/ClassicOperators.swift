// SPDX-License-Identifier: GPL-2.0-only

// Mistakes of any C program: conditions, operators, constants, statements left out.

enum Negate: EditFinder {
  static let id = "negate"
  static let sentence = "a condition is negated"
  static func edits(in function: FunctionText) -> [Edit] {
    let conditions = function.conditions.map(\.range) + function.warnings.map(\.condition)
    let whole = conditions.map {
      Edit(range: $0, replacement: "!(\(function.text($0)))")
    }
    let signs = function.expressions.compactMap { cursor -> Edit? in
      guard cursor.operatorSpelling == "!", let parts = function.prefix(cursor) else { return nil }
      return Edit(range: parts.sign, replacement: "")
    }
    // What begins with a sign loses it; the same code need not be written twice.
    let bare = Set(signs.map(\.range.lowerBound))
    let single = Set(
      function.expressions.filter { $0.operatorSpelling == "!" }
        .compactMap { function.written($0) })
    return whole.filter { !(bare.contains($0.range.lowerBound) && single.contains($0.range)) }
      + signs
  }
}

enum FixCondition: EditFinder {
  static let id = "fix-condition"
  static let sentence = "a condition that is no loop's is always true or never"
  static func edits(in function: FunctionText) -> [Edit] {
    function.conditions.filter { !$0.isLoop }.flatMap { condition in
      // What is fixed is not looked at any more.
      let isTold = function.onlyReads(condition.range)
      return [("1", Difference.whereFalse), ("0", .whereTrue)].map { value, difference in
        Edit(
          range: condition.range, replacement: value, difference: isTold ? difference : nil)
      }
    }
  }
}

enum DeleteStatement: EditFinder {
  static let id = "delete-statement"
  static let sentence = "a statement is left out"
  static func edits(in function: FunctionText) -> [Edit] {
    function.statements.filter { statement in
      switch statement.syntax {
      case .jump, .gotoStatement, .returnStatement: true
      case .compound, .ifStatement, .whileLoop, .doLoop, .forLoop, .switchStatement,
        .declarations, .label, .caseLabel, .variable:
        false
      default:
        function.effects(of: statement).isEmpty
          && !function.warnings.contains { $0.use.lowerBound == statement.range.lowerBound }
      }
    }.map(function.delete)
  }
}

enum Logical: EditFinder {
  static let id = "logical"
  static let sentence = "&& becomes ||, || becomes &&, or one of the operands is left out"
  static func edits(in function: FunctionText) -> [Edit] {
    function.binaries { sign, left, _, right in
      guard let other = ["&&": "||", "||": "&&"][sign] else { return [] }
      return [
        function.combine(left, other, right),
        Edit(range: left.lowerBound..<right.lowerBound, replacement: ""),
        Edit(range: left.upperBound..<right.upperBound, replacement: ""),
      ]
    }
  }
}

enum Relational: EditFinder {
  static let id = "relational"
  static let sentence = "a comparison becomes a neighbouring one"
  // Those that no other replacement implies; the opposite is a negation.
  private static let others = [
    "<": ["<=", "!=", ">"], "<=": ["<", "==", ">="], ">": [">=", "!=", "<"],
    ">=": [">", "==", "<="], "==": ["<=", ">=", "!="], "!=": ["<", ">", "=="],
  ]
  static func edits(in function: FunctionText) -> [Edit] {
    function.binaries { sign, left, _, right in
      (others[sign] ?? []).map { other in
        function.combine(
          left, other, right, .whereOtherwise(left: left, sign: sign, right: right, other: other))
      }
    }
  }
}

enum Bitwise: EditFinder {
  static let id = "bitwise"
  static let sentence = "a bitwise operator becomes another, or one of its operands is left out"
  private static let others = ["&": "|", "|": "&", "^": "&"]
  private static let assigning = ["|=": ["&=", "="], "&=": ["|=", "="], "^=": ["|=", "="]]
  static func edits(in function: FunctionText) -> [Edit] {
    let binaries = function.binaries { sign, left, place, right in
      if let other = others[sign] {
        return [
          function.combine(left, other, right),
          Edit(range: left.lowerBound..<right.lowerBound, replacement: ""),
          Edit(range: left.upperBound..<right.upperBound, replacement: ""),
        ]
      }
      return (assigning[sign] ?? []).map { Edit(range: place, replacement: $0) }
    }
    let complements = function.expressions.compactMap { cursor -> Edit? in
      guard cursor.operatorSpelling == "~", let parts = function.prefix(cursor) else { return nil }
      return Edit(range: parts.sign, replacement: "")
    }
    return binaries + complements
  }
}

enum Arithmetic: EditFinder {
  static let id = "arithmetic"
  static let sentence = "an arithmetic or shift operator becomes its opposite, or a minus is lost"
  private static let others = [
    "+": "-", "-": "+", "*": "/", "/": "*", "%": "/", "<<": ">>", ">>": "<<",
  ]
  static func edits(in function: FunctionText) -> [Edit] {
    let binaries = function.binaries { sign, left, place, right in
      if let other = others[sign] { return [function.combine(left, other, right)] }
      guard sign.last == "=", let other = others[String(sign.dropLast())] else { return [] }
      return [Edit(range: place, replacement: other + "=")]
    }
    let signs = function.expressions.compactMap { cursor -> Edit? in
      guard cursor.operatorSpelling == "-", let parts = function.prefix(cursor) else { return nil }
      return Edit(range: parts.sign, replacement: "")
    }
    return binaries + signs
  }
}

enum Increment: EditFinder {
  static let id = "increment"
  static let sentence = "++ becomes --, -- becomes ++"
  static func edits(in function: FunctionText) -> [Edit] {
    function.tokens.compactMap { token in
      ["++": "--", "--": "++"][token.text].map { Edit(range: token.range, replacement: $0) }
    }
  }
}

enum Constant: EditFinder {
  static let id = "constant"
  static let sentence = "a number is one more, one less or 0, a named constant is 0"
  static func edits(in function: FunctionText) -> [Edit] {
    let numbers = function.tokens.filter { $0.kind == .literal }.flatMap { token -> [Edit] in
      let digits = token.text.prefix { !"uUlL".contains($0) }
      let suffix = token.text.dropFirst(digits.count)
      let isHexadecimal = digits.lowercased().hasPrefix("0x")
      guard
        let value = isHexadecimal ? UInt64(digits.dropFirst(2), radix: 16) : UInt64(digits),
        value < .max
      else { return [] }
      let others = value > 1 ? [value + 1, value - 1, 0] : value == 1 ? [2, 0] : [1]
      return others.map { Edit(range: token.range, replacement: "\($0)\(suffix)") }
    }
    let errors = Set(function.errors.map(\.range.upperBound))
    let names = function.constants.filter {
      !FunctionText.isGFP($0.text) && !$0.text.contains("LEVEL") && $0.text != "NULL"
        && !errors.contains($0.range.upperBound)
    }
    return numbers + names.map { Edit(range: $0.range, replacement: "0") }
  }
}
