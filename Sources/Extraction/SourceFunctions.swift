// SPDX-License-Identifier: GPL-2.0-only

/// The functions that a C file defines, read off its tokens.
public struct SourceFunctions: Sendable {
  private let all: [String: TopLevel.Function]
  private let text: [UInt8]
  /// What the file declares: functions, records with their members, variables.
  public let declared: Set<String>

  public init(_ text: [UInt8]) {
    self.text = text
    let top = TopLevel(of: text)
    declared = Set(top.functions.keys).union(top.records.keys).union(top.variables.keys)
      .union(top.records.values.flatMap(\.body))
    all = top.functions.filter { $0.value.isDefinition }
  }

  /// In the order of the file.
  public var names: [String] {
    all.values.sorted { $0.range.lowerBound < $1.range.lowerBound }.map(\.name)
  }

  /// Lines of a function, from 1.
  public func lines(of name: String) -> ClosedRange<Int>? {
    all[name].map { function in
      func line(_ end: Int) -> Int { 1 + text[..<end].count { $0 == UInt8(ascii: "\n") } }
      return line(function.range.lowerBound)...line(function.range.upperBound)
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
