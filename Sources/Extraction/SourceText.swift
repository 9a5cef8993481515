// SPDX-License-Identifier: GPL-2.0-only

/// The text that a subject is taken from: its source file, and what a patch put elsewhere.
struct SourceText {
  /// A stretch of one file.
  struct Part {
    /// Byte offset of its first line.
    var start: Int
    /// Relative to the tree's top.
    var file: String
    /// Of its first line, from 1.
    var line: Int
  }

  struct Place: Equatable {
    var file: String
    var line: Int
  }

  let bytes: [UInt8]
  /// Ascending.
  let parts: [Part]
  /// Functions that are extracted even where no other extracted one needs them.
  var added: [String] = []
  private let newlines: [Int]

  init(_ bytes: [UInt8], file: String) {
    self.init(bytes, parts: [Part(start: 0, file: file, line: 1)])
  }

  init(_ bytes: [UInt8], parts: [Part]) {
    self.bytes = bytes
    self.parts = parts
    newlines = bytes.indices.filter { bytes[$0] == UInt8(ascii: "\n") }
  }

  /// The kernel's file and line of a byte offset.
  func place(of offset: Int) -> Place {
    let part = parts.last { $0.start <= offset } ?? parts[0]
    return Place(file: part.file, line: part.line + physical(offset) - physical(part.start))
  }

  /// How many lines end before an offset.
  private func physical(_ offset: Int) -> Int {
    var low = 0
    var high = newlines.count
    while low < high {
      let middle = (low + high) / 2
      if newlines[middle] < offset { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
