// SPDX-License-Identifier: GPL-2.0-only
import Extraction
import Foundation
import KernelSource
import Reporting

/// The note `dead-branch`: conditions of the extracted functions that were evaluated and came out
/// the same way in every scenario. Counted by clang's source-based coverage.
struct BranchNotes {
  let coverage: Coverage
  private var extraction: Extraction { coverage.extraction }

  func notes() async throws -> [Verdict.Finding] {
    let lines = try LineMap(path: "\(extraction.directory)/unit.c")
    let provenance = extraction.provenance
    var notes: [String: Verdict.Finding] = [:]
    for function in try await coverage.functions() {
      for branch in function.branches ?? [] where branch.count >= 7 {
        let (isTrue, isFalse) = (branch[4] > 0, branch[5] > 0)
        guard isTrue != isFalse, let use = Self.use(of: branch, in: function),
          // A WARN that always fires where it stands is no dead branch.
          !(use.isWarning && isTrue),
          let place = lines.place(of: use.line),
          let owner = provenance.functions.first(where: {
            $0.file ?? provenance.source == place.file && $0.firstLine <= place.line
              && place.line <= $0.lastLine
          })
        else { continue }
        let message =
          use.isWarning
          ? "the WARN on this line never fires in any scenario"
          : "a condition on this line is never \(isTrue ? "false" : "true") in any scenario"
        notes["\(place.line) \(isTrue)"] = Verdict.Finding(
          property: "dead-branch", function: owner.name, file: place.file, line: place.line,
          introduced: extraction.touched[place.file]?.contains { $0.contains(place.line) } ?? false,
          message: message, scenario: "", failing: 0, trace: [])
      }
    }
    return notes.values.sorted { ($0.line, $0.message) < ($1.line, $1.message) }
  }

  /// The line of the unit that a branch is written on. Branches inside of macros are the macro's
  /// own affair, but for WARN and its kin, which the stub header defines.
  private static func use(
    of branch: [Int], in function: Coverage.Function
  ) -> (line: Int, isWarning: Bool)? {
    var (line, file) = (branch[0], branch[6])
    func isIn(_ suffix: String) -> Bool { function.filenames[file].hasSuffix(suffix) }
    let isWarning = isIn("shims/include/asm/bug.h")
    while !isIn("/unit.c") {
      guard isWarning, isIn("shims/include/asm/bug.h"),
        let expansion = function.regions.first(where: { $0[7] == 1 && $0[6] == file }),
        file != expansion[5]
      else { return nil }
      (line, file) = (expansion[0], expansion[5])
    }
    return (line, isWarning)
  }
}

/// From lines of a preprocessed file to the lines that its `#line` directives name.
struct LineMap {
  private var marks: [(physical: Int, file: String, line: Int)] = []
  private let text: String
  /// Lines that hold more than white space, comments and directives.
  private lazy var code: Set<Int> = {
    let lines = CodeText.lines(of: Array(text.utf8)).filter { line in
      line.bytes.first { $0 != 0x20 && $0 != 0x09 }.map { $0 != UInt8(ascii: "#") } ?? false
    }
    return Set(lines.lazy.flatMap { $0.number...max($0.number, $0.last) })
  }()

  init(path: String) throws {
    let text = String(kernelFile: path) ?? ""
    self.text = text
    var physical = 0
    text.utf8.withContiguousStorageIfAvailable { bytes in
      var start = 0
      while start < bytes.count {
        var end = start
        while end < bytes.count, bytes[end] != UInt8(ascii: "\n") { end += 1 }
        physical += 1
        if end > start, bytes[start] == UInt8(ascii: "#") {
          let words = String(decoding: bytes[start..<end], as: UTF8.self)
            .split(separator: " ", maxSplits: 2)
          if words.count >= 2, words[0] == "#line", let line = Int(words[1]) {
            let file =
              words.count > 2 ? words[2].trimmingCharacters(in: ["\""]) : marks.last?.file ?? ""
            marks.append((physical, file, line))
          }
        }
        start = end + 1
      }
    }
  }

  mutating func isCode(_ physical: Int) -> Bool { code.contains(physical) }

  func place(of physical: Int) -> (file: String, line: Int)? {
    var low = 0
    var high = marks.count
    while low < high {
      let middle = (low + high) / 2
      if marks[middle].physical < physical { low = middle + 1 } else { high = middle }
    }
    guard low > 0 else { return nil }
    let mark = marks[low - 1]
    return (mark.file, mark.line + physical - mark.physical - 1)
  }
}
