// SPDX-License-Identifier: GPL-2.0-only
import KernelSource

/// What a C file has at its top level, read off its tokens: enough to tell what a patch renames and
/// moves. Nothing is expanded, and every branch of a conditional counts.
struct TopLevel {
  struct Function {
    var name: String
    /// From its first word to the closing parenthesis of its parameters.
    var head: [String]
    var isDefinition: Bool
    /// Byte offsets from its first word to behind the closing brace, or to behind the semicolon.
    var range: Range<Int>
    /// Behind the closing parenthesis: where its body, or its semicolon, follows.
    var headEnd: Int
    /// The words between the braces.
    var body: [String] = []

    var isStatic: Bool { head.contains("static") }

    /// What is between the parentheses, without the names of the parameters.
    var parameters: [[String]] {
      guard let open = head.firstIndex(of: "(") else { return [] }
      var depth = 0
      var lists: [[String]] = [[]]
      for word in head[(open + 1)...].dropLast() {
        if word == "(" { depth += 1 }
        if word == ")" { depth -= 1 }
        if word == ",", depth == 0 { lists.append([]) } else { lists[lists.count - 1].append(word) }
      }
      return lists.map { words in
        let isNamed =
          words.count > 1 && TopLevel.isWord(words.last!) && words.last != "void"
          && !["int", "long", "char", "unsigned", "bool"].contains(words.last!)
          && !["struct", "union", "enum"].contains(words[words.count - 2])
        return isNamed ? Array(words.dropLast()) : words
      }
    }
  }

  struct Record {
    var body: [String]
  }

  /// A definition counts more than a prototype.
  private(set) var functions: [String: Function] = [:]
  /// By tag; enumerations as well.
  private(set) var records: [String: Record] = [:]
  /// The words before the name, by name.
  private(set) var variables: [String: [String]] = [:]
  /// Every word of the file, comments and strings left out.
  private(set) var words: Set<String> = []
  /// Those that stand behind `->` or a dot.
  private(set) var members: Set<String> = []

  static func isWord(_ word: String) -> Bool {
    word.utf8.first.map {
      $0 == UInt8(ascii: "_") || (65...90).contains($0) || (97...122).contains($0)
    }
      ?? false
  }

  init() {}

  init(of text: [UInt8]) { self.init(of: CToken.all(of: text)) }

  init(of tokens: [CToken]) {
    words = Set(tokens.lazy.map(\.text).filter(Self.isWord))
    for (sign, word) in zip(tokens, tokens.dropFirst()) where ["->", "."].contains(sign.text) {
      members.insert(word.text)
    }
    var start = 0
    var position = 0
    /// Braces that belong to the declaration, by the number of the opening token.
    var body: Range<Int>?
    var depth = 0
    while position < tokens.count {
      let token = tokens[position]
      switch token.text {
      case "(" where body == nil || depth > 0: depth += 1
      case ")" where depth > 0: depth -= 1
      case "{":
        let end = Self.closing(tokens, position)
        if body == nil { body = position..<end }
        if depth == 0, Self.isFunction(tokens[start..<position]) {
          add(tokens, start, head: start..<position, body: position..<end)
          body = nil
          start = min(end + 1, tokens.count)
        }
        position = min(end, tokens.count - 1)
      case ";" where depth == 0, "}" where depth == 0:
        if token.text == ";" { declare(tokens, start..<position, body: body) }
        body = nil
        start = position + 1
      default: break
      }
      // What is unbalanced ends where a line begins with a brace.
      if token.text == "}", token.isFirstOfLine { depth = 0 }
      position += 1
    }
  }

  /// The number of the token that closes a brace: what stands in the first column closes all.
  private static func closing(_ tokens: [CToken], _ open: Int) -> Int {
    var depth = 0
    for index in open..<tokens.count {
      if tokens[index].text == "{" { depth += 1 }
      if tokens[index].text == "}" {
        depth -= 1
        if depth == 0 || tokens[index].isFirstOfLine { return index }
      }
    }
    return tokens.count
  }

  private static func isFunction(_ head: ArraySlice<CToken>) -> Bool {
    head.contains { $0.text == "(" } && !head.contains { $0.text == "=" }
      && head.first?.text != "typedef"
      && name(in: head) != nil
  }

  /// The number of the function's name in its head.
  private static func name(in head: ArraySlice<CToken>) -> Int? {
    let skipped: Set = [
      "__attribute__", "__aligned", "__section", "__typeof__", "typeof", "__printf",
    ]
    var index = head.startIndex
    while index < head.endIndex {
      if head[index].text == "(", index > head.startIndex {
        let name = head[index - 1].text
        if isWord(name), !skipped.contains(name) {
          return index - 1 > head.startIndex ? index - 1 : nil
        }
        var depth = 0
        while index < head.endIndex {
          if head[index].text == "(" { depth += 1 }
          if head[index].text == ")" { depth -= 1 }
          if depth == 0 { break }
          index += 1
        }
      }
      index += 1
    }
    return nil
  }

  private mutating func add(
    _ tokens: [CToken], _ start: Int, head: Range<Int>, body: Range<Int>?
  ) {
    guard let name = Self.name(in: tokens[head]) else { return }
    var depth = 0
    var end = name + 1
    while end < head.upperBound {
      if tokens[end].text == "(" { depth += 1 }
      if tokens[end].text == ")" { depth -= 1 }
      if depth == 0 { break }
      end += 1
    }
    guard end < head.upperBound else { return }
    let isDefinition = body != nil
    let last =
      body.map { min($0.upperBound, tokens.count - 1) } ?? min(head.upperBound, tokens.count - 1)
    if let known = functions[tokens[name].text], known.isDefinition || !isDefinition { return }
    functions[tokens[name].text] = Function(
      name: tokens[name].text, head: tokens[start...end].map(\.text), isDefinition: isDefinition,
      range: tokens[start].range.lowerBound..<tokens[last].range.upperBound,
      headEnd: tokens[end].range.upperBound,
      body: body.map { tokens[$0].dropFirst().map(\.text) } ?? [])
  }

  /// What ends with a semicolon.
  private mutating func declare(_ tokens: [CToken], _ range: Range<Int>, body: Range<Int>?) {
    let before = range.lowerBound..<(body?.lowerBound ?? range.upperBound)
    let head = tokens[before]
    guard !head.isEmpty else { return }
    let isValue = head.contains { $0.text == "=" }
    if let body, !isValue {
      guard
        let keyword = head.lastIndex(where: { ["struct", "union", "enum"].contains($0.text) }),
        let tag = head[keyword...].dropFirst().first(where: { Self.isWord($0.text) })
      else { return }
      records[tag.text] = Record(body: tokens[body].dropFirst().map(\.text))
      return
    }
    guard head.first?.text != "typedef" else { return }
    if !isValue, head.contains(where: { $0.text == "(" }) {
      if Self.name(in: head) != nil { add(tokens, range.lowerBound, head: range, body: nil) }
      return
    }
    let declared = head.prefix { $0.text != "=" && $0.text != "[" && $0.text != "(" }
    if declared.count > 1, let name = declared.last, Self.isWord(name.text) {
      variables[name.text] = declared.dropLast().map(\.text)
    }
  }
}

/// A word, a number or a sign of C, directives and comments left out.
struct CToken {
  var text: String
  /// Byte offsets.
  var range: Range<Int>
  var isFirstOfLine: Bool

  static func all(of text: [UInt8]) -> [CToken] {
    var tokens: [CToken] = []
    var position = 0
    let (newline, slash, star) = (UInt8(ascii: "\n"), UInt8(ascii: "/"), UInt8(ascii: "*"))
    func isWord(_ byte: UInt8) -> Bool {
      byte == UInt8(ascii: "_") || (48...57).contains(byte) || (65...90).contains(byte)
        || (97...122).contains(byte)
    }
    var isBlankBefore = true
    text.withUnsafeBufferPointer { text in
      func skipComment() -> Bool {
        guard position + 1 < text.count, text[position] == slash else { return false }
        if text[position + 1] == slash {
          while position < text.count, text[position] != newline { position += 1 }
          return true
        }
        guard text[position + 1] == star else { return false }
        position += 2
        while position + 1 < text.count, text[position] != star || text[position + 1] != slash {
          position += 1
        }
        position = min(position + 2, text.count)
        return true
      }
      while position < text.count {
        let byte = text[position]
        if byte == newline {
          isBlankBefore = true
          position += 1
          continue
        }
        if byte == 32 || byte == 9 || byte == 13 || byte == UInt8(ascii: "\\") {
          position += 1
          continue
        }
        if skipComment() { continue }
        if byte == UInt8(ascii: "#"), isBlankBefore {
          while position < text.count,
            text[position] != newline || text[position - 1] == UInt8(ascii: "\\")
          {
            if !skipComment() { position += 1 }
          }
          continue
        }
        let start = position
        if isWord(byte) {
          while position < text.count, isWord(text[position]) { position += 1 }
        } else if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
          position += 1
          while position < text.count, text[position] != byte, text[position] != newline {
            position += text[position] == UInt8(ascii: "\\") ? 2 : 1
          }
          position = min(position + 1, text.count)
        } else if byte == UInt8(ascii: "-"), position + 1 < text.count,
          text[position + 1] == UInt8(ascii: ">")
        {
          position += 2
        } else {
          position += 1
        }
        let isFirst = start == 0 || text[start - 1] == newline
        let bytes = UnsafeBufferPointer(rebasing: text[start..<position])
        // A word and most signs are ASCII, of which nothing has to be kept apart.
        tokens.append(
          CToken(
            text: isWord(byte) ? String(decoding: bytes, as: UTF8.self) : String(bytes: bytes),
            range: start..<position, isFirstOfLine: isFirst))
        isBlankBefore = false
      }
    }
    return tokens
  }
}
