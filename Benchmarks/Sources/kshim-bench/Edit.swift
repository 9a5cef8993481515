// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// A small change of a kernel's file, placed by short texts that the file has. No kernel text is
/// kept here: what a change means is found in the tree when it is made.
struct Edit {
  enum Change {
    case replace(String, with: String)
    case insertBefore(String, String)
    case insertAfter(String, String)
  }

  var function: String
  var change: Change

  static let file = "arch/x86/kvm/mmu/mmu.c"
  private static let special = "mmu_alloc_special_roots"

  /// A statement that does nothing, another each time, in the text as in the code.
  static func harmless() -> [Edit] {
    let number = Int32.random(in: 1 << 16..<Int32.max)
    let statement = "\t{ volatile int number = \(number); (void)number; }"
    return [Edit(function: special, change: .insertBefore("get_zeroed_page", statement))]
  }

  /// The error path frees tables that were never allocated: the README's example.
  static let breaking = [
    Edit(function: special, change: .replace("*pml5_root = NULL", with: "*pml5_root")),
    Edit(function: special, change: .replace("*pml4_root = NULL", with: "*pml4_root")),
    Edit(function: special, change: .replace("return -ENOMEM", with: "goto err_pml5")),
    Edit(function: special, change: .replace("goto err_pml4", with: "goto err_pml5")),
    Edit(
      function: special, change: .insertAfter("err_pml5:", "\tfree_page((uintptr_t)pml5_root);")),
  ]

  /// - Throws: ``Trouble`` where the function or the anchor is not there.
  func apply(to text: String) throws -> String {
    guard let scope = scope(in: text) else {
      throw Trouble("\(Self.file) has no function \(function)", remedy: "choose another --kernel")
    }
    func place(_ anchor: String) throws -> Range<String.Index> {
      if let found = text.range(of: anchor, options: .literal, range: scope) { return found }
      throw Trouble(
        "\(Self.file) has no '\(anchor)' in \(function)", remedy: "choose another --kernel")
    }
    switch change {
    case .replace(let anchor, let new):
      return text.replacingCharacters(in: try place(anchor), with: new)
    case .insertBefore(let anchor, let line):
      let start = text.lineRange(for: try place(anchor)).lowerBound
      return text[..<start] + line + "\n" + text[start...]
    case .insertAfter(let anchor, let line):
      let end = text.lineRange(for: try place(anchor)).upperBound
      return text[..<end] + line + "\n" + text[end...]
    }
  }

  /// From the line that names the function at its definition to the `}` in the first column.
  private func scope(in text: String) -> Range<String.Index>? {
    var rest = text.startIndex..<text.endIndex
    while let named = text.range(of: " \(function)(", options: .literal, range: rest) {
      rest = named.upperBound..<text.endIndex
      let line = text.lineRange(for: named)
      guard !text[line.lowerBound].isWhitespace,
        let open = text.range(of: "\n{", options: .literal, range: rest),
        !text[named.upperBound..<open.lowerBound].contains(";"),
        let close = text.range(of: "\n}\n", range: open.upperBound..<text.endIndex)
      else { continue }
      return line.lowerBound..<close.upperBound
    }
    return nil
  }

  /// Writes the edits as a patch for `git apply -p1`.
  ///
  /// - Parameter text: the file as it is.
  static func write(_ edits: [Edit], of text: String, to patch: String, in scratch: String)
    async throws
  {
    let changed = try edits.reduce(text) { try $1.apply(to: $0) }
    for (side, content) in [("a", text), ("b", changed)] {
      let url = URL(fileURLWithPath: "\(scratch)/edit/\(side)/\(file)")
      try FileManager.default.createDirectory(
        at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(content.utf8).write(to: url)
    }
    let diff = try await SetUp.run(
      ["git", "diff", "--no-index", "--no-color", "--no-ext-diff", "--no-prefix", "a", "b"],
      in: "\(scratch)/edit", allowed: [1])
    try Data(diff.utf8).write(to: URL(fileURLWithPath: patch))
  }
}
