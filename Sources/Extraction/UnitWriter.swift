// SPDX-License-Identifier: GPL-2.0-only
import KernelSource

/// Writes the C file that is compiled: the pieces verbatim, with `#line` back to the kernel's own
/// file, then the harness that the manifest asks for.
struct UnitWriter {
  let manifest: Manifest
  let extracted: Extractor.Result
  /// Lines of the comment on top: tree, version, patches.
  let provenance: [String]
  /// Of the pieces' text, 64 hexadecimal digits.
  let textSHA256: String
  /// Writes mutants behind the functions that have any; nil: none.
  var mutants: MutantWriter?

  /// The verbatim part alone.
  var verbatim: String { pieces { text($0) }.map(\.text).joined() }

  private func pieces(
    _ write: (Extractor.Piece) -> String
  ) -> [(position: Int, text: String)] {
    extracted.pieces.map { piece in
      let place = extracted.source.place(of: piece.range.lowerBound)
      let text =
        mutants?.text(of: piece, at: place)
        ?? "#line \(place.line) \"\(place.file)\"\n" + write(piece) + "\n"
      return (piece.range.lowerBound, text)
    }
  }

  /// The verbatim part, each of the boundary's own functions declared where the file has it.
  private var declared: String {
    var waiting = harness.declarations.sorted { $0.position < $1.position }[...]
    var result = ""
    for piece in pieces({ Self.text($0.range, of: extracted) }) {
      while let first = waiting.first, first.position <= piece.position {
        result += "#line 1 \"\(HarnessWriter.fileName)\"\n\(first.text)"
        waiting.removeFirst()
      }
      result += piece.text
    }
    return result + waiting.map(\.text).joined()
  }

  private func text(_ piece: Extractor.Piece) -> String {
    String(bytes: extracted.text[piece.range])
  }

  /// The runtime lets the subject write nothing else of its module. Swift makes a program's own
  /// `.rodata` writable; what is constant here must not be.
  private static let sections =
    "#pragma clang section bss=\"kshim_bss\" data=\"kshim_data\" rodata=\"kshim_rodata\"\n"
    + checked.map { "#pragma redefine_extname \($0) kshim_\($0)\n" }.joined()

  /// Functions of the kernel's lib/string.c that the runtime has, to look at what they touch. What
  /// copies and fills memory clang itself gives to the runtime.
  static let checked = [
    "memchr", "memcmp", "strcat", "strchr", "strcmp", "strcpy", "strlen", "strncmp", "strncpy",
    "strnlen", "strrchr",
  ]

  /// Defined behind the preamble where it was read before the unit.
  private static let isRead = "KSHIM_PREAMBLE"

  /// What the preamble leaves behind, and how the compiler is asked what it was told to watch: no kernel
  /// that is shipped is built like that.
  private static let hidden = """
    #undef \(isRead)
    #undef __SANITIZE_ADDRESS__
    #undef __has_feature
    #define __has_feature(x) 0
    """

  /// The preamble as a header of its own, which is read before the source file and before the unit.
  static func header(
    _ preamble: Preamble, of text: [UInt8], _ manifest: Manifest
  ) -> String {
    """
    \(sections)
    #line 1 "\(manifest.source)"
    \(preamble.text(of: text))
    #define \(isRead)
    """
  }

  var unit: String {
    let includes = extracted.includes.map { piece in
      let place = extracted.source.place(of: piece.range.lowerBound)
      return "#line \(place.line) \"\(place.file)\"\n\(text(piece))\n"
    }.joined()
    return """
      /*
      \(provenance.map { " * \($0)" }.joined(separator: "\n"))
       */
      \(Self.sections)
      #ifndef \(Self.isRead)
      #line 1 "\(manifest.source)"
      \(extracted.preamble.text(of: extracted.text))
      #endif
      \(Self.hidden)
      \(includes)#include <kshim_runtime.h>
      \(mutants?.declarations ?? "")\(declared)\(files)
      #line 1 "\(HarnessWriter.fileName)"
      \(harness.definitions)\(mutants == nil ? "" : MutantWriter.definitions)
      """
  }

  /// What the kernel has in a file of its own lib, compiled as it stands there.
  private var files: String {
    guard !extracted.files.isEmpty else { return "" }
    let exports = ["EXPORT_SYMBOL", "EXPORT_SYMBOL_GPL"].map {
      "#undef \($0)\n#define \($0)(name)\n"
    }
    return "\n#include <linux/export.h>\n" + exports.joined()
      + "#pragma clang attribute push(__attribute__((no_sanitize(\"coverage\"))), apply_to = function)\n"
      + extracted.files.map { "#include \"\($0)\"\n" }.joined() + "#pragma clang attribute pop\n"
  }

  private var harness: HarnessWriter {
    HarnessWriter(manifest: manifest, extracted: extracted, textSHA256: textSHA256)
  }

  /// Macros that keep the unit's names apart from others in one program.
  var renames: String {
    let callees = extracted.callees.filter { $0.home == .external }.map(\.name)
    let names =
      extracted.externalNames + callees + extracted.variables.map(\.name)
      + HarnessWriter.exportedNames + ["kshim_task"]
    return Set(names).sorted().map { "#define \($0) KSHIM_NAME(\($0))\n" }.joined()
  }
}
