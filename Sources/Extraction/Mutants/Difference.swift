// SPDX-License-Identifier: GPL-2.0-only

/// Where a mutant does something else than the original, by values that the original reads there anyway. A run in
/// which it nowhere does so is the original's.
enum Difference: Sendable, Hashable, Codable {
  /// Where what it stands for is not 0, or where it is 0.
  case whereTrue, whereFalse
  /// Where these operands, bytes of the source file, compare one way by the sign and another way by the other.
  case whereOtherwise(left: Range<Int>, sign: String, right: Range<Int>, other: String)
}

extension FunctionText {
  /// Whether an expression only reads: nobody can tell whether it was looked at.
  func onlyReads(_ range: Range<Int>) -> Bool {
    // What a macro makes inside of a macro's argument ends where it begins.
    expressions.filter { range.contains($0.extent.lowerBound) }.allSatisfy { cursor in
      switch cursor.syntax {
      case .call, .compound: false
      case .binary:
        cursor.operatorSpelling.last != "="
          || ["==", "!=", "<=", ">="].contains(cursor.operatorSpelling)
      case .unary: !["++", "--"].contains(cursor.operatorSpelling)
      default: !cursor.isAssembly
      }
    }
  }
}
