// SPDX-License-Identifier: GPL-2.0-only
import CClang

// MARK: Statements, expressions and tokens, as mutants need them

/// A token of the main file as people wrote it, macros not expanded.
struct ClangToken {
  enum Kind { case punctuation, keyword, identifier, literal, comment }
  var kind: Kind
  var text: String
  /// Byte offsets in the file.
  var range: Range<Int>
}

extension ClangUnit {
  /// The tokens of a stretch of the main file.
  func tokens(in range: Range<Int>) -> [ClangToken] {
    let name = clang_getTranslationUnitSpelling(unit)
    defer { clang_disposeString(name) }
    let file = clang_getFile(unit, clang_getCString(name))
    let stretch = clang_getRange(
      clang_getLocationForOffset(unit, file, UInt32(range.lowerBound)),
      clang_getLocationForOffset(unit, file, UInt32(range.upperBound)))
    var list: UnsafeMutablePointer<CXToken>?
    var count: UInt32 = 0
    clang_tokenize(unit, stretch, &list, &count)
    defer { clang_disposeTokens(unit, list, count) }
    return (0..<Int(count)).compactMap { number in
      guard let token = list?[number] else { return nil }
      var offset: UInt32 = 0
      clang_getFileLocation(clang_getTokenLocation(unit, token), nil, nil, nil, &offset)
      guard range.contains(Int(offset)) else { return nil }
      let kind: ClangToken.Kind =
        switch clang_getTokenKind(token) {
        case CXToken_Keyword: .keyword
        case CXToken_Identifier: .identifier
        case CXToken_Literal: .literal
        case CXToken_Comment: .comment
        default: .punctuation
        }
      let spelling = clangText(clang_getTokenSpelling(unit, token))
      return ClangToken(
        kind: kind, text: spelling, range: Int(offset)..<Int(offset) + spelling.bytes.count)
    }
  }
}

extension ClangCursor {
  enum Syntax {
    case compound, ifStatement, whileLoop, doLoop, forLoop, switchStatement, caseLabel, label
    case jump, gotoStatement, returnStatement, declarations, variable
    case binary, unary, conditional, call, other
  }

  var syntax: Syntax {
    switch raw.kind {
    case CXCursor_CompoundStmt: .compound
    case CXCursor_IfStmt: .ifStatement
    case CXCursor_WhileStmt: .whileLoop
    case CXCursor_DoStmt: .doLoop
    case CXCursor_ForStmt: .forLoop
    case CXCursor_SwitchStmt: .switchStatement
    case CXCursor_CaseStmt, CXCursor_DefaultStmt: .caseLabel
    case CXCursor_LabelStmt: .label
    case CXCursor_BreakStmt, CXCursor_ContinueStmt: .jump
    case CXCursor_GotoStmt: .gotoStatement
    case CXCursor_ReturnStmt: .returnStatement
    case CXCursor_DeclStmt: .declarations
    case CXCursor_VarDecl: .variable
    case CXCursor_BinaryOperator, CXCursor_CompoundAssignOperator: .binary
    case CXCursor_UnaryOperator: .unary
    case CXCursor_ConditionalOperator: .conditional
    case CXCursor_CallExpr: .call
    default: .other
    }
  }

  var isExpression: Bool { clang_isExpression(raw.kind) != 0 }

  /// Whether it is the label of all that no case takes.
  var isDefaultLabel: Bool { raw.kind == CXCursor_DefaultStmt }

  /// Whether it is assembly with operands.
  var isAssembly: Bool { raw.kind == CXCursor_GCCAsmStmt }

  /// Whether a variable is one number or pointer that the compiler may keep in a register.
  var isScalar: Bool {
    let type = clang_getCanonicalType(clang_getCursorType(raw))
    guard clang_isVolatileQualifiedType(type) == 0 else { return false }
    return type.kind == CXType_Pointer || type.kind == CXType_Enum
      || (CXType_FirstBuiltin.rawValue...CXType_LastBuiltin.rawValue).contains(type.kind.rawValue)
  }

  /// Whether a variable lies on the stack.
  var isAutomatic: Bool {
    let storage = clang_Cursor_getStorageClass(raw)
    return storage == CX_SC_None || storage == CX_SC_Auto
  }

  /// What a variable's declaration gives it.
  var initialiser: ClangCursor? {
    ClangCursor.nonNull(clang_Cursor_getVarDeclInitializer(raw))
  }

  /// `+`, `&&`, `!`; empty where the cursor is no operator.
  var operatorSpelling: String {
    switch syntax {
    case .binary:
      clangText(clang_getBinaryOperatorKindSpelling(clang_getCursorBinaryOperatorKind(raw)))
    case .unary:
      clangText(clang_getUnaryOperatorKindSpelling(clang_getCursorUnaryOperatorKind(raw)))
    default: ""
    }
  }

  /// The arguments of a call, converted to the types of their parameters.
  var callArguments: [ClangCursor] {
    (0..<max(0, clang_Cursor_getNumArguments(raw))).map {
      ClangCursor(raw: clang_Cursor_getArgument(raw, UInt32($0)))
    }
  }

  /// The type without typedefs.
  var canonicalType: String {
    clangText(clang_getTypeSpelling(clang_getCanonicalType(clang_getCursorType(raw))))
  }
}
