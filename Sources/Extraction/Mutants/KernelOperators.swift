// SPDX-License-Identifier: GPL-2.0-only

// Mistakes as they are made in kernel code: error paths, locks, allocation flags, levels.

enum DropFree: EditFinder {
  static let id = "drop-free"
  static let sentence = "a call that frees is left out"
  static func edits(in function: FunctionText) -> [Edit] {
    function.statements(that: .frees).map(function.delete)
  }
}

enum DropLock: EditFinder {
  static let id = "drop-lock"
  static let sentence = "a lock is not taken"
  static func edits(in function: FunctionText) -> [Edit] {
    function.statements(that: .locks).map(function.delete)
  }
}

enum DropUnlock: EditFinder {
  static let id = "drop-unlock"
  static let sentence = "a lock is not released"
  static func edits(in function: FunctionText) -> [Edit] {
    function.statements(that: .unlocks).map(function.delete)
  }
}

enum MoveLock: EditFinder {
  static let id = "move-lock"
  static let sentence = "a lock is taken one statement earlier or later"
  static func edits(in function: FunctionText) -> [Edit] { function.move(.locks) }
}

enum MoveUnlock: EditFinder {
  static let id = "move-unlock"
  static let sentence = "a lock is released one statement earlier or later"
  static func edits(in function: FunctionText) -> [Edit] { function.move(.unlocks) }
}

enum SwapLabel: EditFinder {
  static let id = "swap-label"
  static let sentence = "a goto leads to another label of the function"
  static func edits(in function: FunctionText) -> [Edit] {
    let labels = function.expressions.filter { $0.syntax == .label }.map(\.name)
    return function.statements.filter { $0.syntax == .gotoStatement }.flatMap { statement in
      let word = function.tokenRange(statement.range).map { function.tokens[$0.lowerBound + 1] }
      return labels.filter { $0 != word?.text }.compactMap { label in
        word.map { Edit(range: $0.range, replacement: label) }
      }
    }
  }
}

enum DropInitialiser: EditFinder {
  static let id = "drop-initialiser"
  static let sentence = "a local variable is declared without its first value"
  static func edits(in function: FunctionText) -> [Edit] {
    function.expressions.compactMap { cursor in
      guard cursor.syntax == .variable, !cursor.isStatic, let value = cursor.children.last,
        let range = function.written(value),
        let sign = function.token(before: range.lowerBound), sign.text == "=",
        let name = function.token(before: sign.range.lowerBound)
      else { return nil }
      return Edit(range: name.range.upperBound..<range.upperBound, replacement: "")
    }
  }
}

enum SwapGFP: EditFinder {
  static let id = "swap-gfp"
  static let sentence = "an allocation is made with other GFP flags"
  private static let others = [
    "GFP_KERNEL_ACCOUNT": ["GFP_KERNEL", "(GFP_ATOMIC | __GFP_ACCOUNT)"],
    "GFP_KERNEL": ["GFP_KERNEL_ACCOUNT", "GFP_ATOMIC"],
    "GFP_ATOMIC": ["GFP_KERNEL"],
    "GFP_NOWAIT": ["GFP_KERNEL"],
  ]
  static func edits(in function: FunctionText) -> [Edit] {
    function.constants.filter { FunctionText.isGFP($0.text) }.flatMap { token in
      (others[token.text] ?? ["((gfp_t)0)"]).map { Edit(range: token.range, replacement: $0) }
    }
  }
}

enum WeakenWarning: EditFinder {
  static let id = "weaken-warn"
  static let sentence = "a WARN becomes its condition, without the warning"
  static func edits(in function: FunctionText) -> [Edit] {
    function.warnings.map {
      Edit(
        range: $0.use, replacement: "(!!(\(function.text($0.condition))))",
        difference: $0.isPlain ? .whereTrue : nil)
    }
  }
}

enum DropWarning: EditFinder {
  static let id = "drop-warn"
  static let sentence = "a WARN becomes 0: neither the warning nor the check"
  static func edits(in function: FunctionText) -> [Edit] {
    function.warnings.map {
      Edit(
        range: $0.use, replacement: "0",
        difference: $0.isPlain && function.onlyReads($0.condition) ? .whereTrue : nil)
    }
  }
}

enum ErrorValue: EditFinder {
  static let id = "error-value"
  static let sentence = "0 stands for an error, an error for 0, or one error for another"
  static func edits(in function: FunctionText) -> [Edit] {
    let named = function.errors.flatMap { error in
      [
        Edit(range: error.range, replacement: "0"),
        Edit(range: error.range, replacement: error.name == "EINVAL" ? "-EIO" : "-EINVAL"),
      ]
    }
    guard let result = function.cursor.prototype?.result, result.shape != .void else {
      return named
    }
    let returned = function.expressions.compactMap { cursor -> Edit? in
      guard cursor.syntax == .returnStatement, let value = cursor.children.first,
        let range = function.written(value), !function.errors.contains(where: { $0.range == range })
      else { return nil }
      let text = function.text(range)
      switch result.shape {
      case .pointer: return text == "NULL" ? nil : Edit(range: range, replacement: "NULL")
      case .record, .void: return nil
      case .number:
        if result.spelling == "bool" {
          return Edit(range: range, replacement: "!(\(text))")
        }
        return Edit(range: range, replacement: text == "0" ? "-EINVAL" : "0")
      }
    }
    return named + returned
  }
}

enum OffByOneLevel: EditFinder {
  static let id = "level"
  static let sentence = "a constant named after a level is one higher or lower"
  static func edits(in function: FunctionText) -> [Edit] {
    function.constants.filter { $0.text.contains("LEVEL") }.flatMap { token in
      ["+", "-"].map { Edit(range: token.range, replacement: "(\(token.text) \($0) 1)") }
    }
  }
}

enum SwapArguments: EditFinder {
  static let id = "swap-arguments"
  static let sentence = "two arguments of one kind change places"
  static func edits(in function: FunctionText) -> [Edit] {
    function.expressions.flatMap { cursor -> [Edit] in
      guard cursor.syntax == .call, let call = function.written(cursor) else { return [] }
      let written = cursor.callArguments.map { argument -> (range: Range<Int>, type: String)? in
        guard let range = function.written(argument), call.lowerBound < range.lowerBound,
          range.upperBound < call.upperBound,
          ["(", ","].contains(function.token(before: range.lowerBound)?.text ?? ""),
          [")", ","].contains(function.token(after: range.upperBound)?.text ?? "")
        else { return nil }
        // C converts any number to any other, so numbers are of one kind.
        let isNumber = argument.valueType.shape == .number
        return (range, isNumber ? "number" : argument.canonicalType)
      }
      return written.indices.flatMap { left in
        written.indices.dropFirst(left + 1).compactMap { right -> Edit? in
          guard let first = written[left], let second = written[right], first.type == second.type,
            first.range.upperBound < second.range.lowerBound,
            function.text(first.range) != function.text(second.range)
          else { return nil }
          let between = first.range.upperBound..<second.range.lowerBound
          return Edit(
            range: first.range.lowerBound..<second.range.upperBound,
            replacement: function.text(second.range) + function.text(between)
              + function.text(first.range))
        }
      }
    }
  }
}
