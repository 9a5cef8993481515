// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation
import KernelSource

/// How one file of a revision is compiled: the kernel's own options and headers, with kshim's
/// stub headers before them and stand-ins for what a configured tree generates behind them.
struct KernelBuild {
  let revision: Revision
  let installation: Installation
  /// A directory for what depends on the revision.
  var work: String
  /// Where the stand-ins that depend on the tree are; relative to ``work`` where the preprocessed
  /// text must not tell where it was made.
  var standins = relativeStandins
  static let relativeStandins = "standins"
  /// Headers that the kernel's build makes and that nothing stands for.
  var missing: [String] = []
  /// Of those, what is all that an array holds.
  var missingTables: Set<String> = []
  /// What stands in front of a part of another file.
  var prefix: String?
  private static let prefixName = "kshim-prefix.c"

  private var tree: String { revision.tree.directory }

  /// Writes the overlay of the revision's files. Call once before ``local`` is used.
  func prepare() throws {
    guard hasOverlay else { return }
    // What stands for a file that is gone is a file that is not there.
    let gone = revision.deleted.map { ($0, "\(work)/gone") }
    let roots = (revision.overlay.map { ($0, $1) } + gone).sorted { $0.0 < $1.0 }.map {
      ["name": "\(tree)/\($0.0)", "type": "file", "external-contents": $0.1]
    }
    let overlay: [String: Any] = ["version": 0, "use-external-names": false, "roots": roots]
    try Self.write(JSONSerialization.data(withJSONObject: overlay), to: "\(work)/overlay.json")
  }

  /// What a configured tree generates, by path below ``standins``.
  func generated() -> [String: String] {
    var files: [String: String] = [:]
    for (kbuild, generic, out) in [
      ("arch/x86/include/asm", "include/asm-generic", "asm"),
      ("arch/x86/include/uapi/asm", "include/uapi/asm-generic", "uapi/asm"),
    ] {
      var names: Set<String> = []
      for file in ["\(kbuild)/Kbuild", "\(generic)/Kbuild"] {
        guard let path = revision.path(of: file),
          let text = String(kernelFile: path)
        else { continue }
        names.formUnion(Self.genericHeaders(kbuild: text))
      }
      for name in names where !exists("\(kbuild)/\(name)") {
        files["\(out)/\(name)"] = "#include <asm-generic/\(name)>\n"
      }
    }
    for name in missing {
      files[name] = missingTables.contains(name) ? String(repeating: "0, ", count: 64) : ""
    }
    files[Self.prefixName] = prefix
    let numbers = revision.tree.version.split { !$0.isNumber }.prefix(3).compactMap { Int($0) }
    let version = numbers + Array(repeating: 0, count: 3 - numbers.count)
    files["linux/version.h"] =
      """
      #define LINUX_VERSION_CODE \(version[0] << 16 | version[1] << 8 | min(version[2], 255))
      #define KERNEL_VERSION(a, b, c) (((a) << 16) + ((b) << 8) + ((c) > 255 ? 255 : (c)))
      #define LINUX_VERSION_MAJOR \(version[0])
      #define LINUX_VERSION_PATCHLEVEL \(version[1])
      #define LINUX_VERSION_SUBLEVEL \(version[2])

      """
    // Configured, but nothing was made yet.
    if !exists("include/generated/autoconf.h"), let path = revision.path(of: ".config"),
      let text = String(kernelFile: path)
    {
      files["generated/autoconf.h"] = Self.macros(configuration: text)
      for (table, header, prefix) in [
        ("syscall_64", "asm/unistd_64.h", "__NR_"),
        ("syscall_64", "asm/unistd_64_x32.h", "__NR_x32_"),
        ("syscall_32", "asm/unistd_32.h", "__NR_"),
        ("syscall_32", "asm/unistd_32_ia32.h", "__NR_ia32_"),
      ] {
        let file = "arch/x86/entry/syscalls/\(table).tbl"
        let text = revision.path(of: file).flatMap {
          String(kernelFile: $0)
        }
        files[header] = Self.macros(systemCalls: text ?? "", prefix: prefix)
      }
    }
    return files
  }

  /// The numbers of a table of system calls: `NUMBER ABI NAME …` in each line.
  static func macros(systemCalls table: String, prefix: String) -> String {
    table.split(separator: "\n").compactMap { line -> String? in
      let fields = line.split(whereSeparator: \.isWhitespace)
      guard fields.count > 2, let number = Int(fields[0]) else { return nil }
      return "#ifndef \(prefix)\(fields[2])\n#define \(prefix)\(fields[2]) \(number)\n#endif\n"
    }.joined()
  }

  /// What kconfig makes of a `.config`.
  static func macros(configuration text: String) -> String {
    text.split(separator: "\n").compactMap { line -> String? in
      let sides = line.split(separator: "=", maxSplits: 1)
      guard sides.count == 2, sides[0].hasPrefix("CONFIG_") else { return nil }
      switch sides[1] {
      case "y": return "#define \(sides[0]) 1\n"
      case "m": return "#define \(sides[0])_MODULE 1\n"
      case "n": return nil
      default: return "#define \(sides[0]) \(sides[1])\n"
      }
    }.joined()
  }

  /// Writes ``generated()`` below a directory.
  static func write(_ files: [String: String], below directory: String) throws {
    for (path, text) in files { try write(Data(text.utf8), to: "\(directory)/\(path)") }
  }

  /// `generic-y += a.h` and `mandatory-y += b.h` of a Kbuild file.
  static func genericHeaders(kbuild: String) -> Set<String> {
    var names: Set<String> = []
    for line in kbuild.split(separator: "\n") {
      let sides = line.split(separator: "=", maxSplits: 1)
      guard sides.count == 2,
        sides[0].hasPrefix("generic-y") || sides[0].hasPrefix("mandatory-y")
      else { continue }
      // The kernel's build makes them in one directory; of a patch that names another one nothing is made.
      names.formUnion(
        sides[1].split(separator: " ").map(String.init).filter {
          $0.hasSuffix(".h") && !$0.contains("/")
        })
    }
    return names
  }

  private var hasOverlay: Bool { !(revision.overlay.isEmpty && revision.deleted.isEmpty) }

  private func exists(_ relative: String) -> Bool {
    revision.path(of: relative).map { FileManager.default.fileExists(atPath: $0) } ?? false
  }

  private static func write(_ data: Data, to path: String) throws {
    let url = URL(fileURLWithPath: path)
    do {
      try FileManager.default.createDirectory(
        at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try data.write(to: url)
    } catch {
      throw Failure(
        .tool, asked: "prepare the kernel's headers",
        cause: "a stand-in cannot be written (\(DiskTrouble.reason(error)))",
        place: url.path, remedy: "free some space, or set TMPDIR to another directory")
    }
  }

  /// Options for clang and libclang, without input and output: ``stable(for:)`` and ``local``.
  func arguments(for manifest: Manifest) throws -> [String] { try stable(for: manifest) + local }

  /// Those that are the same for every revision of a tree. Only where __OPTIMIZE__ is defined do the
  /// kernel's headers assert anything at compile time.
  func stable(for manifest: Manifest) throws -> [String] {
    let source = (manifest.source as NSString).deletingLastPathComponent
    let forced = Self.forced.filter { exists("include/linux/\($0)") }
    let isModule = manifest.makefile?.isModule ?? true
    // Without it nothing can be named by its address in assembly.
    let hidden = manifest.isFromTypes && exists("include/linux/hidden.h") ? ["hidden.h"] : []
    return [
      "-target", "x86_64-linux-gnu", "-std=gnu11", "-fms-extensions", "-O1", "-nostdinc",
      "-D__KERNEL__",
    ]
      // What is only true of inlined code is not asserted.
      + (manifest.isFromTypes ? ["-U__OPTIMIZE__"] : [])
      + (isModule ? ["-DMODULE"] : []) + (manifest.makefile?.defines ?? [])
      + (manifest.makefile?.leftOutBy.map { "-D\($0)=1" } ?? [])
      // What this machine leaves out is there for the file that is of it.
      + (manifest.makefile?.needs.map { "-DKSHIM_KEEP_\($0)" } ?? [])
      + (manifest.isFromTypes ? Self.names.map { "-D\($0)=kshim\($0)" } : []) + [
        "-iquote", "\(tree)/\(source)",
      ]
      + names(of: manifest)
      + includes(for: manifest).map { "-I\($0)" }
      + (forced + hidden).flatMap { ["-include", "\(tree)/include/linux/\($0)"] }
      + (manifest.makefile?.before ?? []).flatMap { before($0, source) }
      + (manifest.makefile?.prefix == nil ? [] : ["-include", Self.prefixName])
      + (try installation.options("language"))
  }

  /// What the kernel's build calls the file, and what it is linked into.
  private func names(of manifest: Manifest) -> [String] {
    let file = manifest.source as NSString
    let module =
      manifest.makefile?.module ?? Makefile.module(of: manifest.source, in: revision)
    // As scripts/Makefile.lib writes them.
    func quoted(_ name: String) -> String {
      "\"\(name.replacing("-", with: "_").replacing(",", with: "_"))\""
    }
    let base = (file.lastPathComponent as NSString).deletingPathExtension
    return [
      "-DKBUILD_BASENAME=\(quoted(base))", "-DKBUILD_MODNAME=\(quoted(module))",
      "-DKBUILD_MODFILE=\"\(file.deletingLastPathComponent)/\(module)\"",
    ]
  }

  /// Where headers are looked for, in order.
  func includes(for manifest: Manifest) -> [String] {
    let shims = installation.shims
    return ["\(shims)/include"]
      + [
        "arch/x86/include", "arch/x86/include/generated", "include", "arch/x86/include/uapi",
        "arch/x86/include/generated/uapi", "include/uapi", "include/generated/uapi",
      ].map { "\(tree)/\($0)" }
      + [standins, "\(standins)/uapi"]
      + ["\(shims)/standins", "\(shims)/standins/uapi"]
      + (manifest.include + (manifest.makefile?.include ?? []) + ["arch/x86"]).map {
        "\(tree)/\($0)"
      }
  }

  /// Those that are of this revision alone.
  var local: [String] {
    ["-working-directory", work] + (hasOverlay ? ["-ivfsoverlay", "\(work)/overlay.json"] : [])
  }

  /// What makes a parse of the source file serve others, beside its text: these options, the files
  /// that stand for the tree's, and the manifest where it asks for expressions.
  func sharing(_ stable: [String], for manifest: Manifest) -> [String] {
    let isAlike = manifest.isFromTypes && manifest.asked.isEmpty
    return [isAlike ? "" : manifest.subject]
      + (standins.hasPrefix("/") ? [] : [work]) + stable
      + revision.overlay.sorted { $0.key < $1.key }.flatMap { [$0.key, $0.value] }
      + revision.deleted
  }

  /// What a file has in front of it where it is a part of another one.
  private func before(_ it: Makefile.Before, _ folder: String) -> [String] {
    switch it {
    case .macro(let text): ["-D\(text)"]
    case .header(let name):
      ["-include", exists("\(folder)/\(name)") ? "\(tree)/\(Makefile.joined(folder, name))" : name]
    }
  }

  /// Names that `-fms-extensions` takes for keywords. No kernel does.
  private static let names = [
    "_alignof", "_asm", "_based", "_cdecl", "_declspec", "_fastcall", "_inline", "_stdcall",
  ]

  /// Headers in front of every file, where the kernel has them.
  static let forced = ["compiler-version.h", "kconfig.h", "compiler_types.h"]

  /// Files besides the headers that are read where they are there: relative paths.
  static let kbuilds = [
    "arch/x86/include/asm/Kbuild", "include/asm-generic/Kbuild",
    "arch/x86/include/uapi/asm/Kbuild", "include/uapi/asm-generic/Kbuild",
    ".config", "arch/x86/entry/syscalls/syscall_64.tbl", "arch/x86/entry/syscalls/syscall_32.tbl",
  ]

  /// Variables by which clang would look for headers elsewhere.
  static let environment: [String: String?] = [
    "CPATH": nil, "C_INCLUDE_PATH": nil, "GCC_EXEC_PREFIX": nil,
  ]

  /// The only warnings that are on where these options follow `language` of kernel-extract/options: each is an error in
  /// every build of the kernel, by its Makefile or by clang's own default. They count in the text
  /// that is extracted or patched; elsewhere an unconfigured tree may well lack a declaration.
  static let strictness = [
    "implicit-function-declaration", "implicit-int", "return-type", "strict-prototypes",
    "incompatible-pointer-types", "incompatible-function-pointer-types", "int-conversion",
    "return-mismatch", "date-time", "designated-init",
  ].flatMap { ["-W\($0)", "-Wno-error=\($0)"] }
}
