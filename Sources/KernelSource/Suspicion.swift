// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation

/// What a patch brings that can act behind kshim's back, or that no clean verdict speaks of.
public struct Suspicion: Sendable, Equatable {
  public enum Kind: String, Sendable, CaseIterable, Codable {
    /// Inline assembly: nothing that it does is watched.
    case asm
    /// Runs when a program is loaded.
    case constructor
    /// Puts something where the linker would not.
    case section
    /// An `#include` by an absolute path, or through `..`.
    case include
    /// A file's content as data.
    case embed
    /// Asks how it is compiled.
    case compiler
    /// Has the compiler crash, loop or print what it knows.
    case directive
    case link
    case mode
    /// Bytes that are no UTF-8.
    case bytes

    /// As a list names it.
    public var words: String {
      switch self {
      case .asm: "inline assembly"
      case .constructor: "a constructor"
      case .section: "a section attribute"
      case .include: "an #include from elsewhere"
      case .embed: "an embedded file"
      case .compiler: "a question about the compiler"
      case .directive: "a directive that debugs the compiler"
      case .link: "a symbolic link"
      case .mode: "a file's mode"
      case .bytes: "bytes that are no UTF-8"
      }
    }

    /// What is not run unless somebody allows it.
    public static let refused: [Kind] = [.asm, .constructor, .section]
  }

  public var kind: Kind
  /// Relative to the tree's top.
  public var file: String
  /// 0 where it is of the whole file.
  public var line: Int

  public var place: String { line == 0 ? file : "\(file):\(line)" }
}

extension Suspicion.Kind {
  /// What a word of the code says.
  fileprivate init?(word: String) {
    let bare = word.trimmingCharacters(in: ["_"])
    switch bare {
    case "asm", "asm_inline", "asm_goto", "asm_goto_output", "asm_volatile_goto", "naked":
      self = .asm
    case "constructor", "destructor", "ifunc", "init_array", "fini_array", "preinit_array":
      self = .constructor
    case "section": self = .section
    case "has_include", "has_include_next", "has_embed", "has_feature", "has_extension",
      "has_builtin", "SANITIZE_ADDRESS", "OPTIMIZE", "INCLUDE_LEVEL":
      guard word != bare else { return nil }
      self = .compiler
    case "embed", "incbin": self = .embed
    case "debug":
      guard word == "__debug" else { return nil }
      self = .directive
    default:
      guard bare.hasPrefix("alternative_") || bare.hasPrefix("ALTERNATIVE") || bare == "alternative"
      else { return nil }
      self = .asm
    }
  }
}

extension Revision {
  /// What its patches bring of that kind, in the lines that they touch: one of each line.
  public var suspicions: [Suspicion] {
    foundSuspicions.withLock { known in
      if let known { return known }
      let found = findSuspicions()
      known = found
      return found
    }
  }

  private func findSuspicions() -> [Suspicion] {
    var found: [Suspicion] = []
    lazy var before = linesBefore
    func add(_ kind: Suspicion.Kind, _ file: String, _ line: Int) {
      let one = Suspicion(kind: kind, file: file, line: line)
      if !found.contains(one) { found.append(one) }
    }
    for (file, path) in overlay.sorted(by: { $0.key < $1.key }) {
      guard let ranges = touched[file], let data = FileManager.default.contents(atPath: path)
      else { continue }
      let text = Array(data)
      for (number, line) in text.split(
        separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false
      )
      .enumerated()
      where ranges.contains(where: { $0.contains(number + 1) })
        && String(validating: line, as: UTF8.self) == nil
      { add(.bytes, file, number + 1) }
      guard file.hasSuffix(".c") || file.hasSuffix(".h") else { continue }
      let lines = CodeText.lines(of: text)
      lazy var hasPragma = lines.contains {
        $0.words.contains { $0.lowercased().hasSuffix("pragma") }
      }
      for (index, line) in lines.enumerated()
      where ranges.contains(where: { $0.overlaps(line.number...line.last) }) {
        var kinds = line.words.compactMap(Suspicion.Kind.init(word:))
          .filter { $0 != .directive || hasPragma }
        if Self.paths(in: line).contains(where: { $0.hasPrefix("/") || $0.contains("..") }) {
          kinds.append(.include)
        }
        // What only moves was there before.
        guard !kinds.isEmpty, !before.contains(Self.statement(at: index, of: lines)) else {
          continue
        }
        for kind in kinds { add(kind, file, line.number) }
      }
    }
    for patch in patches {
      for line in patch.content.split(separator: UInt8(ascii: "\n")) {
        let line = line.prefix(40)
        if line.starts(with: Array("new file mode 12".utf8))
          || line.starts(with: Array("new mode 12".utf8))
        {
          add(.link, patch.name, 0)
        } else if line.starts(with: Array("old mode 1".utf8)) {
          add(.mode, patch.name, 0)
        }
      }
    }
    return found
  }

  /// Files that the patches have read from outside of the tree, by an absolute path or by `..`; also such
  /// paths beside an `#include` of what a macro says, and such an `#include` itself: no path.
  package var foreignInclusions: [(path: String, place: Suspicion)] {
    var found: [(path: String, place: Suspicion)] = []
    for (file, path) in overlay.sorted(by: { $0.key < $1.key })
    where file.hasSuffix(".c") || file.hasSuffix(".h") {
      guard let ranges = touched[file], let data = FileManager.default.contents(atPath: path)
      else { continue }
      let lines = CodeText.lines(of: Array(data), touched: ranges)
      let inclusions = lines.filter(Self.isInclusion)
      // What a macro says may stand on any line.
      let isComputed = inclusions.contains { Self.quoted(in: $0).isEmpty }
      for line in isComputed ? lines : inclusions {
        for path in Self.quoted(in: line)
        where path.hasPrefix("/") || Self.leaves(path, from: file) {
          found.append((path, Suspicion(kind: .include, file: file, line: line.number)))
        }
      }
      // Macros can put a path together that stands nowhere.
      for line in inclusions where Self.quoted(in: line).isEmpty {
        found.append(("", Suspicion(kind: .include, file: file, line: line.number)))
      }
    }
    return found
  }

  /// Whether a path leads out of the tree.
  private static func leaves(_ path: String, from file: String) -> Bool {
    var depth = file.split(separator: "/").count - 1
    for part in path.split(separator: "/") where part != "." {
      depth += part == ".." ? -1 : 1
      if depth < 0 { return true }
    }
    return false
  }

  /// Statements of the files that the patches touch, as the tree has them: from each line on.
  private var linesBefore: Set<[UInt8]> {
    let files = overlay.keys.filter { $0.hasSuffix(".c") || $0.hasSuffix(".h") } + deleted
    return Set(
      files.flatMap { file in
        let data = FileManager.default.contents(atPath: "\(tree.directory)/\(file)")
        let lines = CodeText.lines(of: data.map(Array.init) ?? [])
        return lines.indices.filter { lines[$0].words.contains { Suspicion.Kind(word: $0) != nil } }
          .map { Self.statement(at: $0, of: lines) }
      })
  }

  /// A line and what follows it up to the one that ends with a semicolon: what assembly says stands on
  /// lines of its own.
  private static func statement(at index: Int, of lines: [CodeText.Line]) -> [UInt8] {
    var bytes: [UInt8] = []
    for line in lines[index...] {
      bytes += line.bytes + [UInt8(ascii: "\n")]
      if line.bytes.last(where: { $0 > 0x20 }) == UInt8(ascii: ";") { break }
    }
    return bytes
  }

  private static func isInclusion(_ line: CodeText.Line) -> Bool {
    line.bytes.first { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") } == UInt8(ascii: "#")
      && ["include", "include_next", "import", "embed"].contains(line.words.first)
  }

  /// What an `#include` names.
  private static func paths(in line: CodeText.Line) -> [String] {
    isInclusion(line) ? quoted(in: line) : []
  }

  private static func quoted(in line: CodeText.Line) -> [String] {
    line.text.matches(of: /["<]([^"<>]*)[">]/).map { String($0.1) }
  }

  /// The same in one line for each kind; empty where there is none.
  public var contents: [String] {
    let found = suspicions
    return Suspicion.Kind.allCases.compactMap { kind in
      let places = found.filter { $0.kind == kind }.map(\.place)
      guard let first = places.first else { return nil }
      return
        "\(kind.words) (\(first.shown())\(places.count > 1 ? " and \(places.count - 1) more" : ""))"
    }
  }
}
