// SPDX-License-Identifier: GPL-2.0-only
import CClang

/// A type of the C that is read, with its layout.
struct ClangType {
  enum Kind { case void, boolean, number, enumeration, pointer, record, array, function, other }

  let raw: CXType

  init(_ raw: CXType) { self.raw = raw }

  var canonical: ClangType { ClangType(clang_getCanonicalType(raw)) }

  var kind: Kind {
    let kind = clang_getCanonicalType(raw).kind
    return switch kind {
    case CXType_Void: .void
    case CXType_Bool: .boolean
    case CXType_Enum: .enumeration
    case CXType_Pointer: .pointer
    case CXType_Record: .record
    case CXType_ConstantArray, CXType_IncompleteArray: .array
    case CXType_FunctionProto, CXType_FunctionNoProto: .function
    case _
    where (CXType_FirstBuiltin.rawValue...CXType_LastBuiltin.rawValue).contains(kind.rawValue):
      .number
    default: .other
    }
  }

  /// In bytes; nil where it is not complete.
  var size: Int? {
    let size = clang_Type_getSizeOf(raw)
    return size < 0 ? nil : Int(size)
  }
  var spelling: String { clangText(clang_getTypeSpelling(raw)) }
  var canonicalSpelling: String { canonical.spelling }
  /// Without `const` and the like.
  var unqualified: String {
    kind == .other
      ? spelling : clangText(clang_getTypeSpelling(clang_getUnqualifiedType(canonical.raw)))
  }
  var isConst: Bool { clang_isConstQualifiedType(clang_getCanonicalType(raw)) != 0 }
  var isSigned: Bool {
    (CXType_Char_S.rawValue...CXType_Int128.rawValue).contains(canonical.raw.kind.rawValue)
      || kind == .enumeration
  }
  /// As it is spelled, where the pointer itself has no name.
  var pointee: ClangType {
    let spelled = clang_getPointeeType(raw)
    return ClangType(
      spelled.kind == CXType_Invalid ? clang_getPointeeType(canonical.raw) : spelled)
  }
  var element: ClangType { ClangType(clang_getArrayElementType(canonical.raw)) }
  /// Of an array; 0 where it says none.
  var count: Int { Int(max(0, clang_getArraySize(canonical.raw))) }
  /// Of a struct, a union or an enumeration.
  var declaration: ClangCursor? { ClangCursor.nonNull(clang_getTypeDeclaration(canonical.raw)) }
  /// Of a `typedef`, its name.
  var typedefName: String? {
    raw.kind == CXType_Typedef ? clangText(clang_getTypedefName(raw)) : nil
  }

  /// Of a struct or a union.
  var fields: [ClangCursor] {
    final class Box { var list: [ClangCursor] = [] }
    let box = Box()
    withExtendedLifetime(box) {
      _ = clang_Type_visitFields(
        canonical.raw,
        { cursor, data in
          Unmanaged<Box>.fromOpaque(data!).takeUnretainedValue().list.append(
            ClangCursor(raw: cursor))
          return CXVisit_Continue
        }, Unmanaged.passUnretained(box).toOpaque())
    }
    return box.list
  }
}

extension ClangCursor: Hashable {
  static func == (left: ClangCursor, right: ClangCursor) -> Bool {
    clang_equalCursors(
      clang_getCanonicalCursor(left.raw), clang_getCanonicalCursor(right.raw)) != 0
  }

  func hash(into hasher: inout Hasher) {
    hasher.combine(clang_hashCursor(clang_getCanonicalCursor(raw)))
  }
}

extension ClangCursor {
  var type: ClangType { ClangType(clang_getCursorType(raw)) }
  var resultType: ClangType { ClangType(clang_getCursorResultType(raw)) }
  /// Of a field, in bits from the beginning of the struct that it stands in.
  var fieldOffset: Int { Int(clang_Cursor_getOffsetOfField(raw)) }
  var bitWidth: Int { Int(clang_getFieldDeclBitWidth(raw)) }
  var isParameter: Bool { raw.kind == CXCursor_ParmDecl }
  var isCast: Bool { raw.kind == CXCursor_CStyleCastExpr }
  /// A cast that the text does not write, or parentheses.
  var isImplied: Bool {
    raw.kind == CXCursor_UnexposedExpr || raw.kind == CXCursor_ParenExpr
  }
  var isReference: Bool { raw.kind == CXCursor_DeclRefExpr }
  var isUnion: Bool { raw.kind == CXCursor_UnionDecl }

  /// The value of an expression that is a constant.
  var constant: Int64? {
    guard let result = clang_Cursor_Evaluate(raw) else { return nil }
    defer { clang_EvalResult_dispose(result) }
    guard clang_EvalResult_getKind(result) == CXEval_Int else { return nil }
    return clang_EvalResult_isUnsignedInt(result) != 0
      ? Int64(bitPattern: clang_EvalResult_getAsUnsigned(result))
      : clang_EvalResult_getAsLongLong(result)
  }

  /// What is inside of parentheses and casts that the text does not write, `isWritten` of others too.
  func stripped(casts isWritten: Bool = true) -> ClangCursor {
    var cursor = self
    while cursor.isImplied || isWritten && cursor.isCast,
      let inner = cursor.children.last, inner.isExpression
    {
      cursor = inner
    }
    return cursor
  }

  /// What an expression is the value of: `({ …; x; })`, `*&x`.
  var read: ClangCursor {
    var cursor = stripped()
    while true {
      if cursor.raw.kind == CXCursor_StmtExpr, let last = cursor.children.first?.children.last,
        last.isExpression
      {
        cursor = last.stripped()
      } else if cursor.expression == .dereference, let inner = cursor.children.first?.stripped(),
        inner.expression == .addressOf, let named = inner.children.first
      {
        cursor = named.stripped()
      } else {
        return cursor
      }
    }
  }
}

extension ClangType {
  /// Of a function.
  var result: ClangType { ClangType(clang_getResultType(canonical.raw)) }
}
