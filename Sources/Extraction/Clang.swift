// SPDX-License-Identifier: GPL-2.0-only
import CClang
import Foundation
import KernelSource
import Synchronization

/// A parsed C file. The only door to libclang; nothing else in the package sees its types.
final class ClangUnit {
  struct Diagnostic: Sendable {
    let isError: Bool
    let file: String
    let line: Int
    let message: String
    /// A byte offset in the file.
    var offset = 0
    /// The option that turns it on, `-Wreturn-type`; empty where none does.
    var option = ""
  }

  /// How many files are parsed just now.
  private static let parses = Mutex(0)

  private let index: CXIndex
  let unit: CXTranslationUnit

  /// - Parameters:
  ///   - path: the main file.
  ///   - contents: what to read in its place.
  ///   - arguments: as for the compiler, without the file.
  /// - Returns: nil when libclang itself gives up.
  init?(path: String, contents: [UInt8], arguments: [String]) {
    // What is precompiled is reached by what refers to it.
    let created = Self.parses.withLock { parses in
      parses += 1
      return UInt(bitPattern: clang_createIndex(1, 0))
    }
    // What handles the faults of its parser must not get those of what is searched later.
    defer {
      Self.parses.withLock { parses in
        parses -= 1
        if parses == 0 { clang_toggleCrashRecovery(0) }
      }
    }
    guard let index = CXIndex(bitPattern: created) else { return nil }
    var parsed: CXTranslationUnit?
    let pointers = arguments.map { strdup($0) }
    defer { for pointer in pointers { free(pointer) } }
    let code = (contents + [0]).withUnsafeBytes { text in
      path.withCString { name in
        var file = CXUnsavedFile(
          Filename: name, Contents: text.assumingMemoryBound(to: CChar.self).baseAddress,
          Length: UInt(contents.count))
        let list = pointers.map { UnsafePointer<CChar>($0) }
        return clang_parseTranslationUnit2(
          index, name, list, Int32(list.count), &file, 1,
          UInt32(
            CXTranslationUnit_DetailedPreprocessingRecord.rawValue
              | CXTranslationUnit_KeepGoing.rawValue), &parsed)
      }
    }
    guard code == CXError_Success, let unit = parsed else {
      clang_disposeIndex(index)
      return nil
    }
    self.index = index
    self.unit = unit
  }

  /// Reads a file with its preamble as it was precompiled. What cannot be loaded of that, as another
  /// process may have removed it, is read with the rest.
  ///
  /// - Parameters:
  ///   - contents: what to read in the file's place; `true`: without what was precompiled.
  /// - Returns: beside the unit what was used of it.
  static func read(
    _ path: String, _ precompiled: PrecompiledPreamble?, arguments: [String],
    contents: (_ isWhole: Bool) -> [UInt8]
  ) -> (unit: ClangUnit, used: PrecompiledPreamble?)? {
    if let precompiled,
      let unit = ClangUnit(
        path: path, contents: contents(false), arguments: arguments + precompiled.arguments)
    {
      return (unit, precompiled)
    }
    return ClangUnit(path: path, contents: contents(true), arguments: arguments).map { ($0, nil) }
  }

  deinit {
    clang_disposeTranslationUnit(unit)
    clang_disposeIndex(index)
  }

  /// The main file and every file that it includes, at whatever depth; not what is precompiled.
  var files: [String] {
    final class Box { var names: [String] = [] }
    let box = Box()
    withExtendedLifetime(box) {
      clang_getInclusions(
        unit,
        { file, _, _, data in
          let box = Unmanaged<Box>.fromOpaque(data!).takeUnretainedValue()
          box.names.append(clangText(clang_getFileName(file)))
        }, Unmanaged.passUnretained(box).toOpaque())
    }
    return box.names
  }

  var root: ClangCursor { ClangCursor(raw: clang_getTranslationUnitCursor(unit)) }

  var diagnostics: [Diagnostic] {
    (0..<clang_getNumDiagnostics(unit)).compactMap { number in
      guard let diagnostic = clang_getDiagnostic(unit, number) else { return nil }
      defer { clang_disposeDiagnostic(diagnostic) }
      var name = CXString()
      var line: UInt32 = 0
      let location = clang_getDiagnosticLocation(diagnostic)
      clang_getPresumedLocation(location, &name, &line, nil)
      var offset: UInt32 = 0
      clang_getFileLocation(location, nil, nil, nil, &offset)
      return Diagnostic(
        isError: clang_getDiagnosticSeverity(diagnostic).rawValue >= CXDiagnostic_Error.rawValue,
        file: clangText(name), line: Int(line),
        message: clangText(clang_getDiagnosticSpelling(diagnostic)),
        offset: Int(offset), option: clangText(clang_getDiagnosticOption(diagnostic, nil)))
    }
  }
}

func clangText(_ string: CXString) -> String {
  defer { clang_disposeString(string) }
  return clang_getCString(string).map { text in
    String(bytes: UnsafeRawBufferPointer(start: text, count: strlen(text)))
  } ?? ""
}

/// A place in the syntax tree.
struct ClangCursor {
  enum Kind {
    case function, variable, structure, enumeration, typedefinition, macro, inclusion, compound,
      other
  }

  let raw: CXCursor

  var kind: Kind {
    switch raw.kind {
    case CXCursor_FunctionDecl: .function
    case CXCursor_VarDecl: .variable
    case CXCursor_StructDecl, CXCursor_UnionDecl: .structure
    case CXCursor_EnumDecl: .enumeration
    case CXCursor_TypedefDecl: .typedefinition
    case CXCursor_MacroDefinition: .macro
    case CXCursor_InclusionDirective: .inclusion
    case CXCursor_CompoundStmt: .compound
    default: .other
    }
  }

  /// What an expression or a statement does, as far as it matters for naming it.
  enum Expression {
    case call, assignment, variable, `subscript`, arrow, dereference, addressOf, returns
    /// A field of what is no pointer.
    case member
    /// A cast or parentheses: stands for what is in it.
    case wrapper
    case other
  }

  var expression: Expression {
    switch raw.kind {
    case CXCursor_CallExpr: .call
    case CXCursor_BinaryOperator:
      clang_getCursorBinaryOperatorKind(raw) == CXBinaryOperator_Assign ? .assignment : .other
    case CXCursor_CompoundAssignOperator: .assignment
    case CXCursor_VarDecl: .variable
    case CXCursor_ArraySubscriptExpr: .subscript
    case CXCursor_MemberRefExpr:
      children.first.map { $0.valueType.shape == .pointer } ?? false ? .arrow : .member
    case CXCursor_UnaryOperator:
      switch clang_getCursorUnaryOperatorKind(raw) {
      case CXUnaryOperator_Deref: .dereference
      case CXUnaryOperator_AddrOf: .addressOf
      default: .other
      }
    case CXCursor_ReturnStmt: .returns
    case CXCursor_UnexposedExpr, CXCursor_ParenExpr, CXCursor_CStyleCastExpr: .wrapper
    default: .other
    }
  }

  /// The arguments of a call.
  var arguments: [ClangCursor] {
    (0..<max(0, clang_Cursor_getNumArguments(raw))).map {
      ClangCursor(raw: clang_Cursor_getArgument(raw, UInt32($0)))
    }
  }

  var name: String { clangText(clang_getCursorSpelling(raw)) }
  var isDefinition: Bool { clang_isCursorDefinition(raw) != 0 }
  /// Whether it stands in the main file; what a macro makes stands where the macro is used.
  var isInMainFile: Bool {
    var file: CXFile?
    clang_getFileLocation(clang_getCursorLocation(raw), &file, nil, nil, nil)
    guard let file, let unit = clang_Cursor_getTranslationUnit(raw) else { return false }
    let name = clang_getTranslationUnitSpelling(unit)
    defer { clang_disposeString(name) }
    return clang_File_isEqual(file, clang_getFile(unit, clang_getCString(name))) != 0
  }
  /// Whether the file that it stands in guards itself against being read twice, as headers do.
  var isOfGuardedFile: Bool {
    var file: CXFile?
    clang_getFileLocation(clang_getCursorLocation(raw), &file, nil, nil, nil)
    return isGuarded(file)
  }
  /// The same for what a directive includes.
  var includesGuardedFile: Bool { isGuarded(clang_getIncludedFile(raw)) }
  private func isGuarded(_ file: CXFile?) -> Bool {
    guard let file, let unit = clang_Cursor_getTranslationUnit(raw) else { return false }
    return clang_isFileMultipleIncludeGuarded(unit, file) != 0
  }
  /// A name for a register of the processor.
  var isRegister: Bool { clang_Cursor_getStorageClass(raw) == CX_SC_Register }
  /// The function that `__attribute__((cleanup(…)))` of a variable names.
  var cleanup: String? {
    guard clang_Cursor_hasAttrs(raw) != 0 else { return nil }
    let policy = clang_getCursorPrintingPolicy(raw)
    defer { clang_PrintingPolicy_dispose(policy) }
    return clangText(clang_getCursorPrettyPrinted(raw, policy))
      .firstMatch(of: /cleanup\((\w+)\)/).map { String($0.1) }
  }
  /// Whether it is run once, when all begins: `__init`.
  var isInitial: Bool {
    guard clang_Cursor_hasAttrs(raw) != 0 else { return false }
    let policy = clang_getCursorPrintingPolicy(raw)
    defer { clang_PrintingPolicy_dispose(policy) }
    clang_PrintingPolicy_setProperty(policy, CXPrintingPolicy_TerseOutput, 1)
    return clangText(clang_getCursorPrettyPrinted(raw, policy)).contains(".init.text")
  }
  var isStatic: Bool { clang_Cursor_getStorageClass(raw) == CX_SC_Static }
  var isExtern: Bool { clang_Cursor_getStorageClass(raw) == CX_SC_Extern }
  var isAtFileScope: Bool {
    clang_getCursorSemanticParent(raw).kind == CXCursor_TranslationUnit
  }

  /// Byte offsets in its file, macros counted where they are used.
  var extent: Range<Int> {
    let range = clang_getCursorExtent(raw)
    func offset(_ location: CXSourceLocation) -> Int {
      var value: UInt32 = 0
      clang_getFileLocation(location, nil, nil, nil, &value)
      return Int(value)
    }
    let start = offset(clang_getRangeStart(range))
    return start..<max(start, offset(clang_getRangeEnd(range)))
  }

  /// File and line, as `#line` has it.
  var place: (file: String, line: Int) {
    var name = CXString()
    var line: UInt32 = 0
    clang_getPresumedLocation(clang_getCursorLocation(raw), &name, &line, nil)
    return (clangText(name), Int(line))
  }

  var referenced: ClangCursor? { ClangCursor.nonNull(clang_getCursorReferenced(raw)) }
  var definition: ClangCursor? { ClangCursor.nonNull(clang_getCursorDefinition(raw)) }
  var parent: ClangCursor? { ClangCursor.nonNull(clang_getCursorSemanticParent(raw)) }
  var isEnumConstant: Bool { raw.kind == CXCursor_EnumConstantDecl }
  var isBitField: Bool { clang_Cursor_isBitField(raw) != 0 }

  static func nonNull(_ cursor: CXCursor) -> ClangCursor? {
    clang_Cursor_isNull(cursor) != 0 ? nil : ClangCursor(raw: cursor)
  }

  /// Direct children, in order.
  var children: [ClangCursor] {
    var list: [ClangCursor] = []
    visit {
      list.append($0)
      return false
    }
    return list
  }

  /// Calls the closure for each child; true descends into that child.
  func visit(_ body: (ClangCursor) -> Bool) {
    withoutActuallyEscaping(body) { body in
      final class Box {
        let body: (ClangCursor) -> Bool
        init(_ b: @escaping (ClangCursor) -> Bool) { body = b }
      }
      let box = Box(body)
      withExtendedLifetime(box) {
        _ = clang_visitChildren(
          raw,
          { cursor, _, data in
            let box = Unmanaged<Box>.fromOpaque(data!).takeUnretainedValue()
            return box.body(ClangCursor(raw: cursor)) ? CXChildVisit_Recurse : CXChildVisit_Continue
          }, Unmanaged.passUnretained(box).toOpaque())
      }
    }
  }

  /// A function's or function pointer's shape.
  struct Prototype {
    var result: ValueType
    var arguments: [ValueType]
    var isVariadic: Bool
  }

  struct ValueType {
    enum Shape { case void, pointer, number, record }
    var spelling: String
    var shape: Shape
    /// What a pointer points to, without qualifiers.
    var pointee: String
    /// The type itself without typedefs.
    var canonical: String
  }

  private static func value(_ type: CXType) -> ValueType {
    let canonical = clang_getCanonicalType(type)
    let shape: ValueType.Shape =
      switch canonical.kind {
      case CXType_Void: .void
      case CXType_Pointer, CXType_ConstantArray, CXType_IncompleteArray: .pointer
      case CXType_Record: .record
      default: .number
      }
    // libclang crashes when asked for the unqualified form of no type.
    let pointee =
      canonical.kind == CXType_Pointer
      ? clang_getUnqualifiedType(clang_getCanonicalType(clang_getPointeeType(canonical)))
      : canonical
    return ValueType(
      spelling: clangText(clang_getTypeSpelling(type)), shape: shape,
      pointee: clangText(clang_getTypeSpelling(pointee)),
      canonical: clangText(clang_getTypeSpelling(canonical)))
  }

  /// The type of an expression or a declaration.
  var valueType: ValueType { ClangCursor.value(clang_getCursorType(raw)) }

  /// The prototype of a function, or of what a function pointer points to.
  var prototype: Prototype? {
    var type = clang_getCanonicalType(clang_getCursorType(raw))
    if type.kind == CXType_Pointer { type = clang_getCanonicalType(clang_getPointeeType(type)) }
    guard type.kind == CXType_FunctionProto || type.kind == CXType_FunctionNoProto else {
      return nil
    }
    let declared = clang_getCursorType(raw)
    let source = declared.kind == CXType_FunctionProto ? declared : type
    let count = clang_getNumArgTypes(source)
    return Prototype(
      result: ClangCursor.value(clang_getResultType(source)),
      arguments: (0..<max(0, count)).map {
        ClangCursor.value(clang_getArgType(source, UInt32($0)))
      },
      isVariadic: clang_isFunctionTypeVariadic(source) != 0)
  }
}

// MARK: Records, as renamed members need them

extension ClangCursor {
  /// Whether it names a member of a struct or union: `x.y`, `x->y`.
  var isMemberReference: Bool { raw.kind == CXCursor_MemberRefExpr }
  var isField: Bool { raw.kind == CXCursor_FieldDecl }
  /// A struct or union without a name whose members are those of what it stands in.
  var isAnonymousRecord: Bool { clang_Cursor_isAnonymousRecordDecl(raw) != 0 }

  /// The struct or union that something is, or points to.
  var record: ClangCursor? {
    var type = clang_getCanonicalType(clang_getCursorType(raw))
    if type.kind == CXType_Pointer { type = clang_getCanonicalType(clang_getPointeeType(type)) }
    guard type.kind == CXType_Record else { return nil }
    return ClangCursor.nonNull(clang_getTypeDeclaration(type))
  }

  /// Where its name is written, also inside of a macro: the file and a byte offset there.
  var spelled: (file: String, offset: Int) {
    var file: CXFile?
    var offset: UInt32 = 0
    clang_getSpellingLocation(clang_getCursorLocation(raw), &file, nil, nil, &offset)
    return (file.map { clangText(clang_getFileName($0)) } ?? "", Int(offset))
  }
}
