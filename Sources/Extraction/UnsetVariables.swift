// SPDX-License-Identifier: GPL-2.0-only

/// A local variable, and where the text behind its declaration begins: there the harness is told of
/// the ones that get no first value.
struct LocalVariable {
  var name: String
  /// Behind the semicolon of its declaration, a byte offset in the source file.
  var end: Int
  /// The first value, without the sign; nil where there is none.
  var initialiser: Range<Int>?
}

extension Extractor {
  /// The local variables of a function that lie on the stack, in the order of their declarations.
  static func localVariables(of function: ClangCursor, in text: [UInt8]) -> [LocalVariable] {
    var found: [LocalVariable] = []
    collect(function, in: text, &found)
    return found.sorted { $0.end < $1.end }
  }

  private static func collect(
    _ cursor: ClangCursor, in text: [UInt8], _ found: inout [LocalVariable]
  ) {
    for child in cursor.children {
      // What a loop declares in its parentheses has no place behind it.
      if child.syntax == .declarations, cursor.syntax != .forLoop {
        let end = child.extent.upperBound
        // A declaration inside of a macro ends where the macro's use does.
        if end > 0, end <= text.count, text[end - 1] == UInt8(ascii: ";") {
          found += child.children.filter { $0.syntax == .variable && $0.isAutomatic }.map {
            LocalVariable(name: $0.name, end: end, initialiser: $0.initialiser?.extent)
          }
        }
      }
      collect(child, in: text, &found)
    }
  }
}

extension UnitWriter {
  /// A stretch of the source file, each variable without a first value made known behind its
  /// declaration.
  ///
  /// - Parameter isDropped: whether an edit takes a variable's first value away.
  static func text(
    _ range: Range<Int>, of extracted: Extractor.Result,
    where isDropped: (LocalVariable) -> Bool = { _ in false }
  ) -> String {
    var result = ""
    var position = range.lowerBound
    for variable in extracted.locals
    where range.lowerBound < variable.end && variable.end <= range.upperBound
      && (variable.initialiser == nil || isDropped(variable))
    {
      result += String(decoding: extracted.text[position..<variable.end], as: UTF8.self)
      result += " kshim_unset((void *)&(\(variable.name)), sizeof(\(variable.name)));"
      position = variable.end
    }
    return result + String(decoding: extracted.text[position..<range.upperBound], as: UTF8.self)
  }
}
