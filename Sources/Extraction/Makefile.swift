// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import KernelSource

/// What the makefiles of a kernel say of one file.
struct Makefile {
  /// Folders for headers, relative to the kernel's top.
  private(set) var include: [String] = []
  private(set) var defines: [String] = []
  /// Whether it becomes part of a module.
  private(set) var isModule = false
  /// Switches of the configuration that it needs, and that are off: it is read as if they were on.
  private(set) var leftOutBy: [String] = []
  /// Headers that the build makes, as the file spells them: nothing is read in their place.
  private(set) var missing: [String] = []
  /// Of those, what is all that an array holds.
  private(set) var missingTables: Set<String> = []
  /// All switches that it needs.
  private(set) var needs: [String] = []
  /// The file that it is a part of: `#include "X.c"`.
  private(set) var whole: String?
  /// What stands in front of it there: paths of headers as they are spelled, and macros.
  private(set) var before: [Before] = []
  /// The whole text in front of it, with an end for each `#if`.
  private var textBefore: String?
  /// What is read in front of the file.
  private(set) var prefix: String?
  enum Before: Equatable {
    case header(String)
    case macro(String)
  }

  /// What it is linked into, as the kernel calls that.
  private(set) var module: String?

  private let revision: Revision
  /// Of the makefile that is read.
  private var variables: [String: String] = [:]
  private let settings: Set<String>
  /// The texts that say what a switch needs.
  private var choices: [String] = []
  private let hasSettings: Bool

  /// What a file is linked into, as the kernel calls that.
  static func module(of file: String, in revision: Revision) -> String {
    var makefile = Makefile(revision)
    var part = object(of: file)
    var folder = (file as NSString).deletingLastPathComponent
    while !folder.isEmpty {
      let lines = makefile.lines(of: folder)
      if lines.contains(where: { $0.words.contains(part) }) {
        makefile.follow(part, lines)
        break
      }
      part = "\((folder as NSString).lastPathComponent)/\(part)"
      folder = (folder as NSString).deletingLastPathComponent
    }
    return makefile.module ?? (object(of: file) as NSString).deletingPathExtension
  }

  private init(_ revision: Revision) {
    self.revision = revision
    settings = []
    hasSettings = false
  }

  init(of file: String, in revision: Revision) {
    self.revision = revision
    settings = revision.path(of: "include/generated/autoconf.h").map(Self.defined) ?? []
    hasSettings = !settings.isEmpty
    var folder = (file as NSString).deletingLastPathComponent
    choices = sequence(first: folder) {
      $0.isEmpty ? nil : ($0 as NSString).deletingLastPathComponent
    }.compactMap { revision.path(of: "\($0)/Kconfig") }
      .compactMap { String(kernelFile: $0) }
    var part = Self.object(of: file)
    if !lines(of: folder).contains(where: { $0.words.contains(part) }) {
      findWhole(of: (file as NSString).lastPathComponent, folder)
      if let whole { part = Self.object(of: whole) }
    }
    var hasOwner = false
    while true {
      let lines = self.lines(of: folder)
      variables = Dictionary(
        lines.map { ($0.name, $0.words.joined(separator: " ")) },
        uniquingKeysWith: { first, _ in first })
      flags(lines, folder, names: ["subdir-ccflags-"])
      flagsBeside(folder)
      let last = (part as NSString).lastPathComponent
      if !hasOwner,
        let named = [part, last].first(where: { name in lines.contains { $0.has(name) } })
      {
        hasOwner = true
        flags(lines, folder, names: ["ccflags-", "CFLAGS_\(named)", "EXTRA_CFLAGS"])
        follow(named, lines)
        part = "\((folder as NSString).lastPathComponent)/"
      } else if hasOwner {
        follow(part, lines)
        part = "\((folder as NSString).lastPathComponent)/"
      } else {
        // One above may build it.
        part = "\((folder as NSString).lastPathComponent)/\(part)"
      }
      guard !folder.isEmpty else { break }
      folder = (folder as NSString).deletingLastPathComponent
    }
    defineNumbers()
    findMissing(in: file)
  }

  /// Numbers that the configuration has only with a switch that is off, as they are where nobody says
  /// otherwise.
  private mutating func defineNumbers() {
    guard !leftOutBy.isEmpty else { return }
    // Some have a file of their own.
    let own = leftOutBy.compactMap { name in
      revision.path(of: "lib/Kconfig.\(name.dropFirst("CONFIG_".count).lowercased())")
    }.compactMap { String(kernelFile: $0) }
    for (text, isOwn) in choices.map({ ($0, false) }) + own.map({ ($0, true) }) {
      var (name, isNumber, isLeftOut) = ("", false, isOwn)
      var value: Substring?
      func define(_ defines: inout [String]) {
        guard isNumber, isLeftOut, let value, !settings.contains(name) else { return }
        defines.append("-D\(name)=\(value)")
      }
      for line in text.split(separator: "\n") {
        let words = line.split(whereSeparator: \.isWhitespace)
        switch words.first {
        case "config", "menuconfig":
          define(&defines)
          (name, isNumber, isLeftOut, value) = ("CONFIG_\(words.last!)", false, isOwn, nil)
        case "int", "hex": isNumber = true
        case "depends":
          isLeftOut =
            isOwn || leftOutBy.contains { name in words.contains { "CONFIG_\($0)" == name } }
        case "default" where words.count > 1:
          // The last one holds without a condition.
          if Int(words[1]) != nil || words[1].hasPrefix("0x") { value = words[1] }
        default: break
        }
      }
      define(&defines)
    }
  }

  /// Quoted headers that are nowhere.
  private mutating func findMissing(in file: String) {
    guard let path = revision.path(of: file), let text = FileManager.default.contents(atPath: path)
    else { return }
    let folder = (file as NSString).deletingLastPathComponent
    let places = [folder] + include + ["include", "arch/x86/include", "include/uapi"]
    for (name, isQuoted) in Self.included(by: text) where isQuoted && name.hasSuffix(".h") {
      let isThere = places.contains { place in
        revision.path(of: Self.joined(place, name)).map {
          FileManager.default.fileExists(atPath: $0)
        } ?? false
      }
      guard !isThere else { continue }
      // By its way from a folder above.
      let above = sequence(first: folder) { ($0 as NSString).deletingLastPathComponent }.prefix {
        !$0.isEmpty
      }
      if let home = above.first(where: { place in
        revision.path(of: Self.joined(place, name)).map {
          FileManager.default.fileExists(atPath: $0)
        } ?? false
      }) {
        include.append(home)
      } else if !name.contains("/") {
        missing.append(name)
        if let table = try? Regex(
          "=\\s*\\{\\s*#\\s*include\\s*\"\(NSRegularExpression.escapedPattern(for: name))\""),
          String(decoding: text, as: UTF8.self).contains(table)
        {
          missingTables.insert(name)
        }
      }
    }
  }

  private static func object(of file: String) -> String {
    "\(((file as NSString).lastPathComponent as NSString).deletingPathExtension).o"
  }

  /// Looks for a file of the same folder that includes another one as a part of its text.
  private mutating func findWhole(of name: String, _ folder: String) {
    guard let path = revision.path(of: folder),
      let files = try? FileManager.default.contentsOfDirectory(atPath: path)
    else { return }
    func isDirective(_ line: Substring) -> Bool {
      line.firstMatch(of: /^#\s*include\s*"([^"]+)"/)?.1 == name[...]
    }
    for other in files.sorted() where other.hasSuffix(".c") && other != name {
      let file = "\(folder)/\(other)"
      guard let path = revision.path(of: file),
        let text = String(kernelFile: path), text.contains("\"\(name)\"")
      else { continue }
      let lines = text.split(separator: "\n")
      guard lines.contains(where: isDirective) else { continue }
      whole = file
      var depth = 0
      for line in lines {
        if isDirective(line) {
          textBefore =
            text[..<line.startIndex] + String(repeating: "#endif\n", count: max(0, depth))
          break
        }
        if line.hasPrefix("#if") { depth += 1 }
        if line.hasPrefix("#endif") { depth -= 1 }
        guard depth == 0 else { continue }
        if let header = line.firstMatch(of: /^#\s*include\s*["<]([^">]+\.h)[">]/)?.1 {
          before.append(.header(String(header)))
        } else if let macro = line.firstMatch(of: /^#\s*define\s+(\w+)(?:\s+(\S.*))?$/) {
          before.append(.macro("\(macro.1)=\(macro.2 ?? "")"))
        }
      }
      return
    }
  }

  /// Assignments of a folder's makefiles.
  private func lines(of folder: String) -> [Line] {
    let prefix = folder.isEmpty ? "" : "\(folder)/"
    let own = ["Kbuild", "Makefile"].compactMap { revision.path(of: prefix + $0) }
      .map(Self.text)
    let parts = own.flatMap(\.includes).compactMap { relative($0, folder) }
      .compactMap { revision.path(of: $0) }.map(Self.text)
    return (own + parts).flatMap(\.lines)
  }

  /// Reads more, where the file does not compile without: what traces the kernel, and all that stands in
  /// front of a part of another file.
  mutating func readMore() {
    if let textBefore {
      prefix = textBefore
      before = []
    }
    needs += [
      "TRACEPOINTS", "TRACING", "EVENT_TRACING", "FTRACE", "FUNCTION_TRACER",
      "FUNCTION_GRAPH_TRACER", "FUNCTION_GRAPH_RETVAL", "DYNAMIC_FTRACE", "KPROBES", "BPF_EVENTS",
    ].map { "CONFIG_\($0)" }.filter { !needs.contains($0) }
  }

  /// Notes a switch that is off, and those that are on wherever it is.
  private mutating func leaveOut(_ name: String, depth: Int = 0) {
    guard !leftOutBy.contains(name) else { return }
    leftOutBy.append(name)
    guard depth < 4 else { return }
    let head = "config \(name.dropFirst("CONFIG_".count))"
    for text in choices {
      let lines = text.split(separator: "\n")
      guard let first = lines.firstIndex(where: { $0 == head }) else { continue }
      for line in lines[(first + 1)...].prefix(while: { !$0.hasPrefix("config ") }) {
        let words = line.split(whereSeparator: \.isWhitespace)
        let isNeeded = words.starts(with: ["depends", "on"]) && !line.contains("|")
        guard isNeeded || words.first == "select" && !words.contains("if") else { continue }
        for word in words.dropFirst(isNeeded ? 2 : 1)
        where word.first?.isLetter ?? false {
          let other = "CONFIG_\(word)"
          if !settings.contains(other), !settings.contains("\(other)_MODULE") {
            leaveOut(other, depth: depth + 1)
          }
        }
      }
      return
    }
  }

  private mutating func flags(
    _ lines: [Line], _ folder: String, names: [String]
  ) {
    for line in lines where names.contains(where: { line.name.hasPrefix($0) }) {
      var words = line.words[...]
      while let word = words.popFirst() {
        if word == "-I" || word.hasPrefix("-I") {
          let path = word == "-I" ? words.popFirst() ?? "" : String(word.dropFirst(2))
          if let path = relative(path, folder) { include.append(path) }
        } else if word.hasPrefix("-D"), !word.contains("$") {
          defines.append(
            word.replacing("'\"", with: "\"").replacing("\"'", with: "\"")
              .replacing("\\\"", with: "\""))
        }
      }
    }
  }

  /// Of a folder beside it whose makefile builds what lies here: `include $(X)/Makefile`.
  private mutating func flagsBeside(_ folder: String) {
    let parent = (folder as NSString).deletingLastPathComponent
    guard parent.contains("/"), let path = revision.path(of: parent) else { return }
    let own = variables
    let opening = Array("include $(".utf8)
    defer { variables = own }
    for name in ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted() {
      let other = "\(parent)/\(name)"
      guard other != folder, let makefile = revision.path(of: "\(other)/Makefile"),
        let text = FileManager.default.contents(atPath: makefile),
        Array(text).split(separator: UInt8(ascii: "\n")).contains(where: { line in
          line.starts(with: opening)
            && String(decoding: line, as: UTF8.self)
              .wholeMatch(of: /include \$\(\w+\)\/Makefile/) != nil
        })
      else { continue }
      let lines = self.lines(of: other)
      variables = Dictionary(
        lines.map { ($0.name, $0.words.joined(separator: " ")) },
        uniquingKeysWith: { first, _ in first })
      flags(lines, other, names: ["ccflags-", "subdir-ccflags-"])
    }
  }

  private func relative(_ path: String, _ folder: String) -> String? {
    var path = path
    let own = ["src", "srctree", "obj", "objtree"]
    for _ in 0..<4 {
      let names = path.matches(of: /\$\((\w+)\)/).map { String($0.1) }
      guard let name = names.first(where: { !own.contains($0) }), let value = variables[name]
      else { break }
      path = path.replacing("$(\(name))", with: value)
    }
    for (variable, value) in [
      ("$(srctree)/$(src)", folder), ("$(src)", folder), ("$(srctree)/", ""), ("$(obj)", folder),
      ("$(objtree)/", ""),
    ] { path = path.replacing(variable, with: value) }
    if path.contains("$") {
      // A folder that a makefile elsewhere names is mostly one of those above.
      guard let rest = path.wholeMatch(of: /\$\(\w+\)\/([^$]+)/)?.1 else { return nil }
      let above = sequence(first: folder) {
        $0.isEmpty ? nil : ($0 as NSString).deletingLastPathComponent
      }
      func home(of part: Substring) -> String? {
        above.first { folder in
          revision.path(of: Self.joined(folder, String(part))).map {
            FileManager.default.fileExists(atPath: $0)
          } ?? false
        }
      }
      // What is not unpacked yet has a beginning that is.
      return (home(of: rest) ?? rest.split(separator: "/").first.flatMap(home)).map {
        Self.joined($0, String(rest))
      }
    }
    return Self.joined("", path)
  }

  /// A path below a folder, without `..`.
  static func joined(_ folder: String, _ path: String) -> String {
    var parts: [Substring] = []
    for part in folder.split(separator: "/") + path.split(separator: "/") {
      if part == ".." { _ = parts.popLast() } else if part != "." { parts.append(part) }
    }
    return parts.joined(separator: "/")
  }

  /// Whether what holds an object is built in, a module, or left out.
  private mutating func follow(
    _ object: String, _ lines: [Line], depth: Int = 0
  ) {
    guard depth < 4, let line = lines.first(where: { $0.has(object) }) else { return }
    let name = line.name.firstMatch(of: /\((CONFIG_\w+)\)/)?.1
    for name in line.conditions + (name.map { [String($0)] } ?? []) where !needs.contains(name) {
      needs.append(name)
      let isBuiltIn = settings.contains(name)
      let isPart = settings.contains("\(name)_MODULE")
      if isPart, !isBuiltIn { isModule = true }
      if hasSettings, !isPart, !isBuiltIn { leaveOut(name) }
    }
    if name == nil, line.name == "obj-m" {
      isModule = true
    }
    if object.hasSuffix(".o") {
      module = ((object as NSString).lastPathComponent as NSString).deletingPathExtension
    }
    // A part of something else.
    if !line.name.hasPrefix("obj-"), let end = line.name.lastIndex(of: "-") {
      follow("\(line.name[..<end]).o", lines, depth: depth + 1)
    }
  }
}
