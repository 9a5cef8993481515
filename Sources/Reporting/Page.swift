// SPDX-License-Identifier: GPL-2.0-only

/// What the templates of the page are filled with: only values, no markup.
struct Page {
  /// A word, and what stands behind it.
  struct Fact {
    var name: String
    var values: [String]
  }

  /// A step of a series, in the table of all.
  struct Step {
    var target: String
    var label: String
    var title: String
    var state: String
    var word: String
    var introduced: String
    var fixed: String
    var notes: String
  }

  struct Finding {
    var number: Int
    var kind: String
    var property: String
    var told: String
    /// Where it is, in how many scenarios it shows, and what the change has to do with it.
    var extent: String
  }

  /// Findings of one cause.
  struct Cause {
    var heading: String
    var findings: [Finding]
  }

  struct Function {
    var place: String
    var state: String
    var word: String
    var what: String
  }

  /// A function's text, and how much of it was run.
  struct Covered {
    var source: Int
    var name: String
    var place: String
    var run: Int
    var lines: Int
    var share: String
    var isWhole: Bool
  }

  struct Property {
    var id: String
    var checked: String
    var broken: String
    var isBroken: Bool
    var isUnseen: Bool
  }

  /// One verdict.
  struct Section {
    var id: String
    var name: String
    /// `clean`, `findings`, `not-judged`: what the badge looks like.
    var state: String
    /// What the badge says.
    var word: String
    var summary: String
    /// Why there is no verdict.
    var failure: String?
    /// One of several, which opens and closes.
    var isStep: Bool
    var facts: [Fact] = []
    /// What a clean verdict does not speak of.
    var warnings: [Fact] = []
    var fixed: [String] = []
    var causes: [Cause] = []
    var functions: [Function] = []
    var covered: [Covered] = []
    var properties: [Property] = []
  }

  /// A cell of the matrix.
  struct Cell {
    var row: Int
    var column: Int
    var state: String
    var word: String
    var line: String
    var isAbsent: Bool
    var label: String
  }

  struct Row {
    var number: Int
    /// Where another cause begins: what it says.
    var heading: String?
    var columns: Int
    var property: String
    var function: String
    var message: String
    var isNote: Bool
    var cells: [Cell]
  }

  struct Group {
    var number: Int
    var sentence: String
    var extent: String
  }

  struct Pair {
    var name: String
    var what: String
    var isSame: Bool
    var groups: [Group]
  }

  struct Compared {
    var name: String
    var state: String
    var word: String
    var summary: String
    var facts: [Fact]
    var labels: [String]
    var rows: [Row]
    var pairs: [Pair]
  }

  var title: String
  var tool: String
  var series: String?
  var steps: [Step] = []
  var sections: [Section] = []
  var compared: Compared?
  /// Whether there is something to look through.
  var hasFilter = false
  var data = ""
  var style = ""
  var script = ""
  var styleHash = ""
  var scriptHash = ""

  /// `1 finding`, `2 findings`.
  static func counted(_ count: Int, _ what: String) -> String {
    "\(grouped(count)) \(what)\(count == 1 ? "" : "s")"
  }

  /// `583 737`: a narrow space before each three digits.
  static func grouped(_ count: Int) -> String {
    var digits = Array(String(count))
    var at = digits.count - 3
    while at > (count < 0 ? 1 : 0) {
      digits.insert("\u{202f}", at: at)
      at -= 3
    }
    return String(digits)
  }
}
