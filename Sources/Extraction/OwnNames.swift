// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation
import KernelSource

/// Names that the harness and the stub headers have. Text that knows them can behave otherwise than in
/// a kernel, and what it does here says nothing.
struct OwnNames {
  private static let word = Array("kshim".utf8)
  /// Of what is generated.
  private static let generated = [
    "KSHIM_KEEP_", "KSHIM_NAME", "KSHIM_OBJECTS", "KSHIM_PREAMBLE", "KSHIM_SLOT_",
    "kshim_arguments_",
    "kshim_callback_", "kshim_fields_", "kshim_function_", "kshim_harness", "kshim_object_",
    "kshim_task", "kshim_unit_",
  ]
  private static let known = FileMemo<[String]>()

  private let installation: Installation

  init(_ installation: Installation) { self.installation = installation }

  /// Of the stub headers.
  private var names: Set<String> {
    let files = ["include", "public"].flatMap { folder -> [String] in
      let top = "\(installation.shims)/\(folder)"
      let paths = FileManager.default.enumerator(atPath: top)?.compactMap { $0 as? String } ?? []
      return paths.filter { $0.hasSuffix(".h") }.map { "\(top)/\($0)" }
    }
    return Set(
      files.flatMap { file in
        let name = ((file as NSString).lastPathComponent as NSString).deletingPathExtension
        return Self.known.content(of: file) {
          Self.uses(in: FileManager.default.contents(atPath: file).map(Array.init) ?? [])
            .map(\.name)
        } + [name].filter { $0.hasPrefix("kshim_") }
      })
  }

  /// Refuses a text that uses any outside of comments.
  func check(_ text: [UInt8], of file: String, asked: String) throws {
    let uses = Self.uses(in: text)
    guard !uses.isEmpty else { return }
    let names = names
    for (name, line) in uses
    where names.contains(name) || Self.generated.contains(where: name.hasPrefix) {
      throw Failure(
        .build, asked: asked,
        cause: "'\(name)' is a name of kshim's own, which no kernel has: what knows it can behave "
          + "otherwise here",
        place: "\(file):\(line)", remedy: "take the name out, or give it another one")
    }
  }

  /// Words with kshim's name in them, and their lines.
  private static func uses(in text: [UInt8]) -> [(name: String, line: Int)] {
    // Most texts end here.
    guard holds(text) else { return [] }
    return CodeText.lines(of: text).flatMap { line in
      line.words.filter { holds(Array($0.utf8)) }.map { ($0, line.number) }
    }
  }

  private static func letter(_ byte: UInt8) -> UInt8? {
    let small = byte | 0x20
    return UInt8(ascii: "a")...UInt8(ascii: "z") ~= small ? small : nil
  }

  private static func holds(_ text: [UInt8]) -> Bool {
    var next = 0
    var position = 0
    while position < text.count {
      if let end = CodeText.spliceEnd(text, position) {
        position = end
        continue
      }
      let small = letter(text[position])
      if small == word[next] {
        next += 1
        if next == word.count { return true }
      } else {
        next = small == word[0] ? 1 : 0
      }
      position += 1
    }
    return false
  }
}
