// SPDX-License-Identifier: GPL-2.0-only

/// The functions that a C file defines, read off its tokens.
public struct SourceFunctions: Sendable {
  private let all: [String: TopLevel.Function]
  private let text: [UInt8]

  public init(_ text: [UInt8]) {
    self.text = text
    all = TopLevel(of: text).functions.filter { $0.value.isDefinition }
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

  /// Those whose words are not those of another text; comments and spaces do not count.
  public func changed(from other: SourceFunctions?) -> [String] {
    names.filter { name in
      guard let old = other?.all[name], let new = all[name] else { return true }
      return old.head != new.head || old.body != new.body
    }
  }
}
