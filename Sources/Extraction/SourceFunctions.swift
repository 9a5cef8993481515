// SPDX-License-Identifier: GPL-2.0-only
import KernelSource

/// The functions that a C file defines, read off its tokens.
public struct SourceFunctions: Sendable {
  private let all: [String: TopLevel.Function]
  private let text: [UInt8]
  /// Where each line begins.
  private let starts: [Int]
  /// The first line of each token, and the lines of directives: what is neither is a comment or blank.
  private let code: Set<Int>
  /// What the file declares: functions, records with their members, variables.
  public let declared: Set<String>

  public init(_ text: [UInt8]) {
    self.text = text
    let starts = Self.starts(of: text)
    self.starts = starts
    let tokens = CToken.all(of: text)
    code = Self.code(tokens, text, starts)
    let top = TopLevel(of: tokens)
    declared = Set(top.functions.keys).union(top.records.keys).union(top.variables.keys)
      .union(top.records.values.flatMap(\.body))
    let read = top.functions.filter { $0.value.isDefinition }
    all = read.merging(Self.laidOut(text, starts, beside: read.values.map(\.range))) { read, _ in
      read
    }
  }

  private static func starts(of text: [UInt8]) -> [Int] {
    var starts = [0]
    text.withUnsafeBufferPointer { text in
      for index in text.indices where text[index] == UInt8(ascii: "\n") { starts.append(index + 1) }
    }
    return starts
  }

  private static func code(_ tokens: [CToken], _ text: [UInt8], _ starts: [Int]) -> Set<Int> {
    var lines: Set<Int> = []
    var line = 0
    for token in tokens {
      while line + 1 < starts.count, starts[line + 1] <= token.range.lowerBound { line += 1 }
      lines.insert(line + 1)
    }
    for (number, start) in starts.enumerated()
    where start < text.count && text[start] == UInt8(ascii: "#") {
      lines.insert(number + 1)
    }
    return lines
  }

  /// The line of a place, from 1.
  private func line(of place: Int) -> Int {
    var (low, high) = (0, starts.count)
    while high - low > 1 {
      let middle = (low + high) / 2
      if starts[middle] <= place { low = middle } else { high = middle }
    }
    return low + 1
  }

  /// Whether a line, from 1, holds code: not comments alone.
  public func isCode(_ line: Int) -> Bool { code.contains(line) }

  /// A line, from 1.
  public func line(_ number: Int) -> String {
    guard starts.indices.contains(number - 1) else { return "" }
    let end = number < starts.count ? starts[number] - 1 : text.count
    return String(bytes: text[starts[number - 1]..<end])
  }

  /// Functions whose heads only the preprocessor understands: by the kernel's layout, in which a body
  /// stands between braces in the first column.
  private static func laidOut(
    _ text: [UInt8], _ starts: [Int], beside known: [Range<Int>]
  ) -> [String: TopLevel.Function] {
    let lines = zip(starts, starts.dropFirst()).map { $0..<$1 - 1 }
    func isOnly(_ byte: UInt8, _ line: Range<Int>) -> Bool {
      line.count == 1 && text[line.lowerBound] == byte
    }
    var found: [String: TopLevel.Function] = [:]
    for (number, line) in lines.enumerated() where isOnly(UInt8(ascii: "{"), line) {
      guard !known.contains(where: { $0.contains(line.lowerBound) }),
        let last = lines[number...].firstIndex(where: {
          text[$0].first == UInt8(ascii: "}")
        }), isOnly(UInt8(ascii: "}"), lines[last])
      else { continue }
      var first = number
      while first > 0, !lines[first - 1].isEmpty,
        ![UInt8(ascii: "}"), UInt8(ascii: "#"), UInt8(ascii: "*")].contains(
          text[lines[first - 1]].first!),
        !text[lines[first - 1]].starts(with: [32, UInt8(ascii: "*"), UInt8(ascii: "/")])
      {
        first -= 1
      }
      guard first < number else { continue }
      let head = lines[first].lowerBound..<lines[number - 1].upperBound
      let words = CToken.all(of: Array(text[head])).map(\.text)
      guard let open = words.firstIndex(of: "("), open > 0, let name = name(words, open) else {
        continue
      }
      let body = line.lowerBound..<lines[last].upperBound
      found[name] = TopLevel.Function(
        name: name, head: words, isDefinition: true, range: head.lowerBound..<body.upperBound,
        headEnd: head.upperBound,
        body: CToken.all(of: Array(text[body])).map(\.text).dropFirst().dropLast())
    }
    return found
  }

  /// The name that the preprocessor gives to what such a head begins.
  private static func name(_ words: [String], _ open: Int) -> String? {
    let macro = words[open - 1]
    guard TopLevel.isWord(macro) else { return nil }
    let own = open + 1 < words.count ? words[open + 1] : ""
    let isNumbered = macro.last?.isNumber ?? false
    switch macro {
    case _ where macro.hasPrefix("SYSCALL_DEFINE") && isNumbered: return "__do_sys_\(own)"
    case _ where macro.hasPrefix("COMPAT_SYSCALL_DEFINE") && isNumbered:
      return "__do_compat_sys_\(own)"
    case _ where macro.hasPrefix("BPF_CALL_") && isNumbered: return "____\(own)"
    default: return open > 1 ? macro : nil
    }
  }

  /// In the order of the file.
  public var names: [String] {
    all.values.sorted { $0.range.lowerBound < $1.range.lowerBound }.map(\.name)
  }

  /// Lines of a function, from 1.
  public func lines(of name: String) -> ClosedRange<Int>? {
    all[name].map { function in
      line(of: function.range.lowerBound)...line(of: function.range.upperBound)
    }
  }

  public func contains(_ name: String) -> Bool { all[name] != nil }

  /// Without what only says who else can call it.
  private static func words(_ function: TopLevel.Function) -> [String] {
    function.head.filter { $0 != "static" && $0 != "inline" } + function.body
  }

  /// Those whose words are not those of another text; comments and spaces do not count.
  ///
  /// - Parameters:
  ///   - gone: what the patched files declared and declare no more.
  ///   - new: what they declare now and did not. To call one of those by one of these is no change.
  public func changed(
    from other: SourceFunctions?, gone: Set<String>, new: Set<String>
  ) -> [String] {
    names.filter { name in
      guard let other, let after = all[name] else { return true }
      // A function may have another name, too.
      let before =
        other.all[name].map { [$0] } ?? other.all.values.filter { gone.contains($0.name) }
      let now = Self.words(after)
      return !before.contains { Self.isSame(Self.words($0), now, gone: gone, new: new) }
    }
  }

  /// Whether another text has a function word for word.
  public func has(_ name: String, as other: SourceFunctions) -> Bool {
    guard let mine = all[name], let its = other.all[name] else { return false }
    return Self.words(mine) == Self.words(its)
  }

  /// Whether two stretches of C differ only in names, each old one always under the same new one.
  private static func isSame(
    _ old: [String], _ now: [String], gone: Set<String>, new: Set<String>
  ) -> Bool {
    guard old.count == now.count else { return false }
    var renamed: [String: String] = [:]
    for (left, right) in zip(old, now) where left != right {
      guard gone.contains(left), new.contains(right), renamed[left, default: right] == right
      else { return false }
      renamed[left] = right
    }
    return true
  }
}
