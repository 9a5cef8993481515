// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation
import KernelSource

/// `FILE:FUNCTION`, a function that no manifest describes.
public struct FunctionName: Sendable, Hashable, CustomStringConvertible {
  public var file: String
  public var function: String

  public init(file: String, function: String) {
    self.file = file
    self.function = function
  }

  /// nil where it is the name of something else.
  public init?(_ spelling: String) {
    guard let colon = spelling.lastIndex(of: ":") else { return nil }
    file = String(spelling[..<colon])
    while file.hasPrefix("./") { file.removeFirst(2) }
    function = String(spelling[spelling.index(after: colon)...])
    guard !file.isEmpty, !function.isEmpty else { return nil }
  }

  public var description: String { "\(file):\(function)" }
  /// What an include may reach: the file's folder, and files beside that.
  public var folders: [String] {
    let folder = (file as NSString).deletingLastPathComponent
    let parent = (folder as NSString).deletingLastPathComponent
    return [folder] + (parent.isEmpty ? [] : ["\(parent)/*"])
  }
}

extension Manifest {
  /// How many answers of a run are not the ordinary ones, where nothing else is said.
  static let bound = 3

  /// Of a function that no manifest describes: all comes from the types.
  init(_ name: FunctionName) {
    self.init(
      subject: "\(name)", title: "\(name.function) of \(name.file)", source: name.file, since: nil,
      include: [], targets: [name.function], optionalTargets: [], extract: [], objects: [],
      inputs: [], threads: nil, state: [], bindings: [], locks: [], slots: [], glue: nil,
      prepares: [], callbacks: [], boundary: [], variables: [], path: "\(name)")
    isFromTypes = true
    bound = Self.bound
  }
}

/// What the makefiles of a kernel say of one file.
struct Makefile {
  /// Folders for headers, relative to the kernel's top.
  private(set) var include: [String] = []
  private(set) var defines: [String] = []
  /// Whether it becomes part of a module.
  private(set) var isModule = false
  /// The switch of the configuration that it needs, and that is off.
  private(set) var isLeftOutBy: String?

  private let revision: Revision
  private let settings: Set<Substring>
  private let hasSettings: Bool

  init(of file: String, in revision: Revision) {
    self.revision = revision
    let text =
      ["include/generated/autoconf.h"].lazy
      .compactMap { revision.path(of: $0) }
      .compactMap { try? String(contentsOfFile: $0, encoding: .utf8) }.first ?? ""
    hasSettings = !text.isEmpty
    settings = Set(
      text.split(separator: "\n").compactMap { line in
        let words = line.split(separator: " ")
        return words.count > 2 && words[0] == "#define" ? words[1] : nil
      })
    let folder = (file as NSString).deletingLastPathComponent
    let name = ((file as NSString).lastPathComponent as NSString).deletingPathExtension
    let lines = lines(of: folder)
    flags(lines, folder, names: ["ccflags-", "CFLAGS_\(name).o", "subdir-ccflags-", "EXTRA_CFLAGS"])
    follow("\(name).o", lines)
    var above = folder
    while !above.isEmpty {
      let child = (above as NSString).lastPathComponent
      above = (above as NSString).deletingLastPathComponent
      let lines = self.lines(of: above)
      flags(lines, above, names: ["subdir-ccflags-"])
      follow("\(child)/", lines)
    }
  }

  /// Assignments, each with its value's words.
  private func lines(of folder: String) -> [(name: String, words: [String])] {
    let prefix = folder.isEmpty ? "" : "\(folder)/"
    let text =
      ["Kbuild", "Makefile"].compactMap { revision.path(of: prefix + $0) }
      .compactMap { try? String(contentsOfFile: $0, encoding: .utf8) }.joined(separator: "\n")
    return text.replacing("\\\n", with: " ").split(separator: "\n").compactMap { line in
      guard let sign = line.firstRange(of: "=") else { return nil }
      let name = line[..<sign.lowerBound].filter { !" \t:+?".contains($0) }
      let value = line[sign.upperBound...].prefix { $0 != "#" }
      return (String(name), value.split(whereSeparator: \.isWhitespace).map(String.init))
    }
  }

  private mutating func flags(
    _ lines: [(name: String, words: [String])], _ folder: String, names: [String]
  ) {
    for line in lines where names.contains(where: { line.name.hasPrefix($0) }) {
      var words = line.words[...]
      while let word = words.popFirst() {
        if word == "-I" || word.hasPrefix("-I") {
          let path = word == "-I" ? words.popFirst() ?? "" : String(word.dropFirst(2))
          if let path = relative(path, folder) { include.append(path) }
        } else if word.hasPrefix("-D"), !word.contains("$") {
          defines.append(word.replacing("'\"", with: "\"").replacing("\"'", with: "\"")
            .replacing("\\\"", with: "\""))
        }
      }
    }
  }

  private func relative(_ path: String, _ folder: String) -> String? {
    var path = path
    for (variable, value) in [
      ("$(srctree)/$(src)", folder), ("$(src)", folder), ("$(srctree)/", ""), ("$(obj)", folder),
      ("$(objtree)/", ""),
    ] { path = path.replacing(variable, with: value) }
    guard !path.contains("$") else { return nil }
    var parts: [Substring] = []
    for part in path.split(separator: "/") {
      if part == ".." { _ = parts.popLast() } else if part != "." { parts.append(part) }
    }
    return parts.joined(separator: "/")
  }

  /// Whether what holds an object is built in, a module, or left out.
  private mutating func follow(
    _ object: String, _ lines: [(name: String, words: [String])], depth: Int = 0
  ) {
    guard depth < 4, let line = lines.first(where: { $0.words.contains(object) }) else { return }
    if let name = line.name.firstMatch(of: /\((CONFIG_\w+)\)/)?.1 {
      let isBuiltIn = settings.contains(name)
      let isPart = settings.contains("\(name)_MODULE")
      if isPart, !isBuiltIn { isModule = true }
      if hasSettings, !isPart, !isBuiltIn { isLeftOutBy = String(name) }
    } else if line.name == "obj-m" {
      isModule = true
    }
    // A part of something else.
    if !line.name.hasPrefix("obj-"), let end = line.name.lastIndex(of: "-") {
      follow("\(line.name[..<end]).o", lines, depth: depth + 1)
    }
  }
}
