// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// The options with which kshim of the baseline parses mmu.c: the kernel's own, its headers, and
/// stand-ins for those that a configured tree would have generated. Written down here, so that the
/// measure stays the same whatever becomes of kshim; the stub headers are the baseline's too.
struct KernelOptions {
  let tree: String
  let version: String
  /// The files of the baseline.
  let baseline: String
  /// Where headers that depend on the tree are written.
  let standins: String

  /// Directories of manifests' `include:`, for mmu.c.
  private static let own = ["arch/x86/kvm", "virt/kvm", "arch/x86"]

  func arguments() throws -> [String] {
    try prepare()
    let shims = "\(baseline)/shims"
    let headers = [
      "arch/x86/include", "arch/x86/include/generated", "include", "arch/x86/include/uapi",
      "arch/x86/include/generated/uapi", "include/uapi", "include/generated/uapi",
    ]
    let includes =
      ["\(shims)/include"] + headers.map { "\(tree)/\($0)" }
      + ["\(shims)/standins", "\(shims)/standins/uapi", standins, "\(standins)/uapi"]
      + Self.own.map { "\(tree)/\($0)" }
    let forced = ["compiler-version.h", "kconfig.h", "compiler_types.h"].map {
      "\(tree)/include/linux/\($0)"
    }.filter(FileManager.default.fileExists)
    let language = "\(baseline)/kernel-extract/options/language"
    return [
      "-target", "x86_64-linux-gnu", "-std=gnu11", "-fms-extensions", "-O1", "-nostdinc",
      "-D__KERNEL__", "-DMODULE", "-DKBUILD_MODNAME=\"kshim\"", "-DKBUILD_BASENAME=\"kshim\"",
      "-DKBUILD_MODFILE=\"kshim\"",
      "-iquote", "\(tree)/\((Edit.file as NSString).deletingLastPathComponent)",
    ]
      + includes.map { "-I\($0)" } + forced.flatMap { ["-include", $0] }
      + (try String(contentsOfFile: language, encoding: .utf8)).split(separator: "\n")
      .map(String.init)
  }

  private func prepare() throws {
    for (kbuild, generic, out) in [
      ("arch/x86/include/asm", "include/asm-generic", "asm"),
      ("arch/x86/include/uapi/asm", "include/uapi/asm-generic", "uapi/asm"),
    ] {
      let texts = [kbuild, generic].map { folder in
        (try? String(contentsOfFile: "\(tree)/\(folder)/Kbuild", encoding: .utf8)) ?? ""
      }
      for line in texts.joined(separator: "\n").split(separator: "\n") {
        guard let match = line.wholeMatch(of: /(generic|mandatory)-y\s*\+=(.*)/) else { continue }
        for name in match.2.split(separator: " ") where name.hasSuffix(".h") {
          if FileManager.default.fileExists(atPath: "\(tree)/\(kbuild)/\(name)") { continue }
          try write("#include <asm-generic/\(name)>\n", to: "\(out)/\(name)")
        }
      }
    }
    let numbers = version.split(separator: ".").compactMap { Int($0) } + [0, 0, 0]
    try write(
      """
      #define LINUX_VERSION_CODE \(numbers[0] << 16 | numbers[1] << 8 | min(numbers[2], 255))
      #define KERNEL_VERSION(a, b, c) (((a) << 16) + ((b) << 8) + ((c) > 255 ? 255 : (c)))
      #define LINUX_VERSION_MAJOR \(numbers[0])
      #define LINUX_VERSION_PATCHLEVEL \(numbers[1])
      #define LINUX_VERSION_SUBLEVEL \(numbers[2])

      """, to: "linux/version.h")
  }

  private func write(_ text: String, to name: String) throws {
    let url = URL(fileURLWithPath: "\(standins)/\(name)")
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url)
  }
}
