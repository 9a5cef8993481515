// SPDX-License-Identifier: GPL-2.0-only

/// Text of a patch, a file's name or a user's word as it is shown: what would act on a terminal, or order
/// letters otherwise than they stand, is spelled as JSON spells it, `\u001b`.
extension String {
  /// - Parameters:
  ///   - lines: whether ends of lines and tabs stay; false for what stands within a line.
  ///   - colours: whether the sequences that turn colours on and off stay.
  package func shown(lines: Bool = false, colours: Bool = false) -> String {
    // Most text is what every terminal shows, and a report can be long.
    let isPlain = utf8.allSatisfy { byte in
      (0x20..<0x7F).contains(byte) || lines && (byte == 0x0A || byte == 0x09)
    }
    guard !isPlain, unicodeScalars.contains(where: Self.isHidden) else { return self }
    var result = UnicodeScalarView()
    var rest = unicodeScalars[...]
    while let scalar = rest.first {
      if colours, let colour = Self.colour(rest) {
        result.append(contentsOf: rest[..<colour])
        rest = rest[colour...]
        continue
      }
      rest.removeFirst()
      switch scalar {
      case "\n" where lines, "\t" where lines: result.append(scalar)
      case "\n": result.append(contentsOf: "\\n".unicodeScalars)
      case "\t": result.append(contentsOf: "\\t".unicodeScalars)
      // What stands for a byte that is no UTF-8.
      case "\u{10FF80}"..."\u{10FFFF}": result.append("\u{FFFD}")
      case _ where Self.isHidden(scalar):
        let digits = String(scalar.value, radix: 16)
        let zeros = String(repeating: "0", count: 4 - digits.count)
        result.append(contentsOf: "\\u\(zeros)\(digits)".unicodeScalars)
      default: result.append(scalar)
      }
    }
    return String(result)
  }

  private static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7F..<0xA0: true
    // Marks of direction, separators, and what has no width.
    case 0x061C, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x2069, 0xFEFF: true
    case 0x10FF80...0x10FFFF: true
    default: false
    }
  }

  /// Where a sequence ends that sets colours; nil where none begins.
  private static func colour(_ text: UnicodeScalarView.SubSequence) -> String.Index? {
    guard text.starts(with: "\u{1b}[".unicodeScalars) else { return nil }
    let rest = text.dropFirst(2).drop { ("0"..."9").contains($0) || $0 == ";" }
    return rest.first == "m" ? rest.index(after: rest.startIndex) : nil
  }
}
