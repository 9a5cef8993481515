// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// The compiler's assembly, to tell which functions are the same code.
struct Assembly {
  private let text: [UInt8]
  /// Of each function the lines between its label and its end, and the number in the names of its own labels.
  private var bodies: [String: (lines: Range<Int>, number: [UInt8])] = [:]
  /// The lines of each label of data.
  private var data: [[UInt8]: Range<Int>] = [:]

  init(_ text: Data) {
    self.text = [UInt8](text)
    var label: Range<Int>?
    // Where what stands under the label begins.
    var start = 0
    Self.lines(of: self.text, in: self.text.indices) { line, range in
      let isEnd = line.starts(with: Self.end)
      guard isEnd || Self.isLabel(line) else { return }
      let content = start..<range.lowerBound
      if let label, isEnd {
        let number = line.dropFirst(Self.end.count).prefix { $0 != UInt8(ascii: ":") }
        bodies[String(decoding: self.text[label], as: UTF8.self)] = (content, Array(number))
      } else if let label {
        data[Array(self.text[label])] = content
      }
      label = isEnd ? nil : range.dropLast()
      start = min(range.upperBound + 1, self.text.count)
    }
    if let label { data[Array(self.text[label])] = start..<self.text.count }
  }

  init(_ text: String) { self.init(Data(text.utf8)) }

  private static let end = Array(".Lfunc_end".utf8)
  private static let block = Array(".LBB".utf8)
  private static let temporary = Array(".Ltmp".utf8)
  /// Tables to jump by, and constants.
  private static let numbered = [Array(".LJTI".utf8), Array(".LCPI".utf8)]
  /// Values of initialisers, and tables that a switch was made to: where several functions have the same
  /// one, it has the name of one of them.
  private static let shared = [".L__const.", ".Lswitch.table.", ".Lreltable."].map {
    Array($0.utf8)
  }
  private static let callFrame = Array("\t.cfi_".utf8)

  /// What names are made of.
  private static let isOfWord: [Bool] = (0...255).map { byte in
    let scalar = Unicode.Scalar(UInt8(byte))
    return byte < 128 && (Character(scalar).isLetter || Character(scalar).isNumber)
      || scalar == "_" || scalar == "." || scalar == "$"
  }

  private static func lines(
    of text: [UInt8], in range: Range<Int>, _ take: (ArraySlice<UInt8>, Range<Int>) -> Void
  ) {
    var start = range.lowerBound
    while start < range.upperBound {
      let end =
        text[start..<range.upperBound].firstIndex(of: UInt8(ascii: "\n")) ?? range.upperBound
      take(text[start..<end], start..<end)
      start = end + 1
    }
  }

  /// Of a function or of data; labels within a function are lines of it.
  private static func isLabel(_ line: ArraySlice<UInt8>) -> Bool {
    guard let first = line.first, line.last == UInt8(ascii: ":") else { return false }
    return isOfWord[Int(first)] && !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first)
      && !line.starts(with: block) && !line.starts(with: temporary)
  }

  private static func isPart(_ name: [UInt8], of word: ArraySlice<UInt8>) -> Bool {
    (word.startIndex...word.endIndex - name.count).contains {
      word[$0] == name[0] && word[$0...].starts(with: name)
    }
  }

  /// A function's code, and what it reads of data of its own, with its own name and labels taken out; nil when
  /// there is no such function.
  func code(of function: String) -> [UInt8]? {
    guard let (lines, number) = bodies[function] else { return nil }
    let name = Array(function.utf8)
    /// Whether a word is a label of the function's own, of a kind.
    func isNumbered(_ word: ArraySlice<UInt8>, _ kind: [UInt8]) -> Bool {
      let rest = word.dropFirst(kind.count)
      return word.starts(with: kind) && rest.starts(with: number)
        && rest.dropFirst(number.count).first == UInt8(ascii: "_")
    }
    /// Static variables have the function's name in theirs.
    func isOwnData(_ word: ArraySlice<UInt8>) -> Bool {
      Self.numbered.contains { isNumbered(word, $0) }
        || Self.shared.contains { word.starts(with: $0) }
        || word.count > name.count && Self.isPart(name, of: word)
    }
    var own: [[UInt8]: Int] = [:]
    var waiting = [(lines: lines, label: "self")]
    var code: [UInt8] = []
    func take(_ word: ArraySlice<UInt8>) {
      if word == name[...] {
        code += "self".utf8
      } else if isNumbered(word, Self.block) {
        code += Self.block + word.dropFirst(Self.block.count + number.count)
      } else if isOwnData(word), let content = data[Array(word)] {
        let index = own[Array(word), default: own.count]
        if index == own.count {
          own[Array(word)] = index
          waiting.append((content, "data\(index)"))
        }
        code += "data\(index)".utf8
      } else if word.starts(with: name), word.dropFirst(name.count).first == UInt8(ascii: ".") {
        code += "self".utf8
        code += word.dropFirst(name.count)
      } else {
        code += word
      }
    }
    while let (lines, label) = waiting.popLast() {
      code += "\(label):\n".utf8
      Self.lines(of: text, in: lines) { line, _ in
        guard !line.starts(with: Self.callFrame) else { return }
        var place = line.startIndex
        while place < line.endIndex {
          let word = line[place...].prefix { Self.isOfWord[Int($0)] }
          if word.isEmpty {
            code.append(line[place])
            place += 1
          } else {
            take(word)
            place = word.endIndex
          }
        }
        code.append(UInt8(ascii: "\n"))
      }
    }
    return code
  }
}
