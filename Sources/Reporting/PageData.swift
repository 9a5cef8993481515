// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation

/// What the page's script reads: all that is shown of a finding when it is opened. Each text, trace,
/// list of lines and picture stands in it once, and is named by its index.
struct PageData: Encodable {
  struct Source: Encodable, Hashable {
    var file: Int
    var function: Int?
    var first: Int
    var lines: [Int]
    var counts: [Int?]?
    /// Line, how often it was taken, how often not.
    var branches: [[Int]]?
  }

  /// Lines of a file, from and through, in turn.
  struct Lines: Encodable, Hashable {
    var file: Int
    var ranges: [Int]
  }

  struct Walkthrough: Encodable {
    var trace: Int
    var executed: Int?
    var picture: Int?
  }

  struct Finding: Encodable {
    var entry: Int
    var kind: String
    var property: Int
    var function: Int
    var file: Int
    var line: Int
    var message: Int
    var sentence: Int?
    var scenario: Int
    /// The command, and the scenario as a shell takes it.
    var replay: [Int]?
    var assumes: Int?
    var also: [Int]?
    var trace: Int
    var executed: Int?
    var picture: Int?
    var base: Walkthrough?
  }

  /// A step: which of the sources are its own.
  struct Entry: Encodable {
    var sources: [Int]
    /// What its change is called: `patch`.
    var change: String
  }

  /// Two traces beside each other: a row has the indexes of both events, -1 for none, and the mark.
  struct Group: Encodable {
    struct Row: Encodable {
      var old: Int
      var new: Int
      var mark: String
    }
    var old: Int
    var new: Int
    var oldTrace: Int
    var newTrace: Int
    var oldScenario: Int
    var newScenario: Int
    var sentence: Int
    var file: Int
    var line: Int
    var count: Int
    var rows: [Row]
  }

  /// A finding through all revisions.
  struct Row: Encodable {
    var property: Int
    var function: Int
    var message: Int
    var kind: String
    var cause: Int?
    var statuses: [Comparison.Status]
    var lines: [Int]
    var scenarios: [Int]
  }

  struct Compared: Encodable {
    var labels: [Int]
    var file: Int
    var rows: [Row] = []
    var groups: [Group] = []
  }

  private(set) var texts: [String] = []
  private(set) var sources: [Source] = []
  /// An event: kind, line, function, callee, detail, thread, block; -1 for none.
  private(set) var traces: [[[Int]]] = []
  private(set) var executed: [[Lines]] = []
  private(set) var pictures: [Verdict.Picture] = []
  var entries: [Entry] = []
  var findings: [Finding] = []
  var compared: Compared?

  private var textIndex: [String: Int] = [:]
  private var sourceIndex: [Source: Int] = [:]
  private var traceIndex: [[[Int]]: Int] = [:]
  private var executedIndex: [[Lines]: Int] = [:]
  private var pictureIndex: [Verdict.Picture: Int] = [:]

  private enum CodingKeys: CodingKey {
    case texts, sources, traces, executed, pictures, entries, findings, compared
  }

  mutating func text(_ text: String) -> Int {
    if let index = textIndex[text] { return index }
    textIndex[text] = texts.count
    texts.append(text.shown(lines: true))
    return texts.count - 1
  }

  mutating func text(_ text: String?) -> Int? { text.map { self.text($0) } }

  mutating func trace(_ events: [Verdict.Event]) -> Int {
    let coded = events.map { event in
      [
        text(event.word), event.line, text(event.function), text(event.callee) ?? -1,
        text(event.detail), text(event.thread) ?? -1, text(event.block) ?? -1,
      ]
    }
    return Self.index(coded, &traces, &traceIndex)
  }

  mutating func source(_ source: Verdict.Source) -> Int {
    let coded = Source(
      file: text(source.file), function: text(source.function), first: source.firstLine,
      lines: source.lines.map { text($0) }, counts: source.counts,
      branches: source.branches?.map { [$0.line, $0.taken, $0.notTaken] })
    return Self.index(coded, &sources, &sourceIndex)
  }

  mutating func executed(_ files: [Verdict.Executed]?) -> Int? {
    files.map { files in
      Self.index(
        files.map { Lines(file: text($0.file), ranges: Self.ranges($0.lines)) }, &executed,
        &executedIndex)
    }
  }

  mutating func picture(_ picture: Verdict.Picture?) -> Int? {
    guard let picture = picture?.shown else { return nil }
    return Self.index(picture, &pictures, &pictureIndex)
  }

  private static func index<Value: Hashable>(
    _ value: Value, _ all: inout [Value], _ known: inout [Value: Int]
  ) -> Int {
    if let index = known[value] { return index }
    known[value] = all.count
    all.append(value)
    return all.count - 1
  }

  private static func ranges(_ lines: [Int]) -> [Int] {
    var ranges: [Int] = []
    for line in lines {
      if let last = ranges.last, last &+ 1 == line {
        ranges[ranges.count - 1] = line
      } else {
        ranges += [line, line]
      }
    }
    return ranges
  }

  /// For a script element, which nothing in it can close.
  func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self)
      .replacing("<", with: "\\u003c")
  }
}

extension Verdict.Picture {
  /// The picture with its text as it is shown.
  fileprivate var shown: Self {
    var picture = self
    (picture.start, picture.root) = (start.shown(), root?.shown())
    picture.wrong = wrong.map { $0.shown() }
    picture.boxes = boxes.map { box in
      var box = box
      (box.id, box.kind) = (box.id.shown(), box.kind.shown())
      (box.name, box.wrong) = (box.name?.shown(), box.wrong?.shown())
      box.entries = box.entries.map { entry in
        var entry = entry
        (entry.text, entry.target) = (entry.text.shown(), entry.target?.shown())
        entry.wrong = entry.wrong?.shown()
        return entry
      }
      return box
    }
    return picture
  }
}
