// SPDX-License-Identifier: GPL-2.0-only
import Failures

/// Text for XML and HTML.
enum Markup {
  /// The text with what has a meaning in markup replaced, for an element or a quoted attribute.
  /// Characters that XML 1.0 does not have are spelled out.
  static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.shown(lines: true).unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      case "\n", "\t": result.unicodeScalars.append(scalar)
      default:
        let isIn = scalar.value >= 0x20 && scalar.value != 0xfffe && scalar.value != 0xffff
        result.unicodeScalars.append(isIn ? scalar : "\u{fffd}")
      }
    }
    return result
  }
}
