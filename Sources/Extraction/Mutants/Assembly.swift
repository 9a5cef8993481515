// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// The compiler's assembly, to tell which functions are the same code.
struct Assembly {
  /// Lines of each function between its label and its end.
  private var bodies: [String: [Substring]] = [:]
  /// The number in the names of each function's own labels.
  private var numbers: [String: Int] = [:]
  /// Lines of each label of data.
  private var data: [Substring: [Substring]] = [:]

  init(_ text: String) {
    var current: Substring = ""
    var lines: [Substring] = []
    for line in text.split(separator: "\n") {
      if line.hasPrefix(".Lfunc_end"), let number = Int(line.dropFirst(10).dropLast()) {
        bodies[String(current)] = lines
        numbers[String(current)] = number
        current = ""
        lines = []
      } else if line.last == ":", line.first != "\t", !line.hasPrefix(".LBB"),
        !line.hasPrefix(".Ltmp")
      {
        if !current.isEmpty { data[current] = lines }
        current = line.dropLast()
        lines = []
      } else if !line.hasPrefix("\t.cfi_") {
        lines.append(line)
      }
    }
    if !current.isEmpty { data[current] = lines }
  }

  /// A function's code, its own name and labels taken out; nil when there is no such function.
  func code(of function: String) -> String? {
    guard let lines = bodies[function], let number = numbers[function] else { return nil }
    var text = lines.joined(separator: "\n")
    // Data of its own: jump tables, local statics, values of initialisers.
    var own: [Substring] = []
    for line in lines
    where line.contains(".LJTI") || line.contains(".L__const.")
      || line.contains("\(function).")
    {
      for word in line.split(whereSeparator: { " \t,()$+*".contains($0) }) {
        let label = word.split(separator: "@").first ?? word
        if let content = data[label], !own.contains(label) {
          own.append(label)
          text += "\n" + content.joined(separator: "\n")
        }
      }
    }
    for (index, label) in own.enumerated() {
      text = text.replacingOccurrences(of: label, with: "data\(index)")
    }
    for prefix in ["BB", "JTI", "CPI"] {
      text = text.replacingOccurrences(of: ".L\(prefix)\(number)_", with: ".L\(prefix)_")
    }
    return text.replacingOccurrences(of: function, with: "self")
  }
}
