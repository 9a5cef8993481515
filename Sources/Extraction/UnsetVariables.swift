// SPDX-License-Identifier: GPL-2.0-only
import KernelSource

/// A local variable, and where the text behind its declaration begins: there the harness is told of
/// the ones that get no first value.
struct LocalVariable {
  var name: String
  /// Behind the semicolon of its declaration, a byte offset in the source file.
  var end: Int
  /// The first value, without the sign; nil where there is none.
  var initialiser: Range<Int>?
  /// Whether every way to a use of it sets it before: nothing is to be watched.
  var isAlwaysSet: Bool
}

/// What clang knows of the variables that may be used before they are set. It follows every way
/// through a function, for numbers and pointers; of one whose address is taken it takes for granted
/// that it is set there.
struct Definedness {
  /// All that say so: where a use is sure to be wrong, where one way to it is, where one may be.
  static let options = ["uninitialized", "sometimes-uninitialized", "conditional-uninitialized"]
    .map { "-W\($0)" }

  /// The body of a function in which a variable may be used before it is set. Behind an error clang
  /// no longer looks, and does not say so.
  static let canary = "{ int x; if (i) x = 1; if (i) return x; return 0; }"

  private let warnings: [ClangUnit.Diagnostic]
  private let isKnown: Bool

  /// - Parameter canary: the canary's line among the probes.
  init(_ diagnostics: [ClangUnit.Diagnostic], canary: Int) {
    warnings = diagnostics.filter(Self.isOne)
    isKnown = warnings.contains { $0.file == Probes.fileName && $0.line == canary }
  }

  static func isOne(_ diagnostic: ClangUnit.Diagnostic) -> Bool {
    options.contains(diagnostic.option)
  }

  fileprivate func isAlwaysSet(_ variable: ClangCursor, in function: Range<Int>) -> Bool {
    let quoted = "'\(variable.name)'"
    return isKnown && variable.isScalar
      && !warnings.contains { function.contains($0.offset) && $0.message.contains(quoted) }
  }
}

extension Extractor {
  /// The local variables of a function that lie on the stack, in the order of their declarations.
  static func localVariables(
    of function: ClangCursor, in text: [UInt8], _ definedness: Definedness
  ) -> [LocalVariable] {
    var found: [(cursor: ClangCursor, end: Int)] = []
    var handedOut: Set<String> = []
    collect(function, in: text, &found, &handedOut)
    let extent = function.extent
    let isClosed = !hasOpenSwitch(function)
    return found.map { cursor, end in
      LocalVariable(
        name: cursor.name, end: end, initialiser: cursor.initialiser?.extent,
        isAlwaysSet: isClosed && !handedOut.contains(cursor.name)
          && definedness.isAlwaysSet(cursor, in: extent))
    }.sorted { $0.end < $1.end }
  }

  /// Whether a switch has no default. Where it has a case for each constant of an enumeration, clang
  /// takes for granted that no other value comes; memory may hold any.
  private static func hasOpenSwitch(_ cursor: ClangCursor) -> Bool {
    if cursor.syntax == .switchStatement {
      var hasDefault = false
      cursor.visit {
        hasDefault = hasDefault || $0.isDefaultLabel
        return !hasDefault && $0.syntax != .switchStatement
      }
      if !hasDefault { return true }
    }
    return cursor.children.contains(where: hasOpenSwitch)
  }

  /// - Parameter handedOut: names of the variables that something else than a plain use may set or
  ///   read: by their address, or in assembly.
  private static func collect(
    _ cursor: ClangCursor, in text: [UInt8], _ found: inout [(cursor: ClangCursor, end: Int)],
    _ handedOut: inout Set<String>
  ) {
    if cursor.isAssembly {
      cursor.visit {
        if let variable = $0.referenced { handedOut.insert(variable.name) }
        return true
      }
    } else if cursor.expression == .addressOf {
      var operand = cursor.children.first
      while let inner = operand, inner.expression == .wrapper { operand = inner.children.first }
      if let variable = operand?.referenced { handedOut.insert(variable.name) }
    }
    for child in cursor.children {
      // What a loop declares in its parentheses has no place behind it.
      if child.syntax == .declarations, cursor.syntax != .forLoop {
        let end = child.extent.upperBound
        // A declaration inside of a macro ends where the macro's use does.
        if end > 0, end <= text.count, text[end - 1] == UInt8(ascii: ";") {
          found += child.children.filter { $0.syntax == .variable && $0.isAutomatic }
            .map { ($0, end) }
        }
      }
      collect(child, in: text, &found, &handedOut)
    }
  }
}

extension UnitWriter {
  /// A stretch of the source file, each variable that may be used before it is set made known behind
  /// its declaration.
  ///
  /// - Parameter isDropped: whether an edit takes a variable's first value away; nil where there is
  ///   none. Behind an edit nothing is known of a variable without one.
  static func text(
    _ range: Range<Int>, of extracted: Extractor.Result,
    where isDropped: ((LocalVariable) -> Bool)? = nil
  ) -> String {
    var result = ""
    var position = range.lowerBound
    for variable in extracted.locals
    where range.lowerBound < variable.end && variable.end <= range.upperBound
      && (variable.initialiser == nil
        ? isDropped != nil || !variable.isAlwaysSet : isDropped?(variable) ?? false)
    {
      result += String(bytes: extracted.text[position..<variable.end])
      result += " kshim_unset((void *)&(\(variable.name)), sizeof(\(variable.name)));"
      position = variable.end
    }
    return result + String(bytes: extracted.text[position..<range.upperBound])
  }
}
