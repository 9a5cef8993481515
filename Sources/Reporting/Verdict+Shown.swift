// SPDX-License-Identifier: GPL-2.0-only

/// What a verdict shows beside its words: the kernel's text, what was run of it, and what memory was
/// like. None of it decides anything.
extension Verdict {
  /// A piece of the kernel's text as it was judged, patches applied.
  public struct Source: Codable, Sendable, Equatable {
    /// Relative to the kernel's top directory.
    public var file: String
    /// The function whose text it is; nil for a few lines around a place.
    public var function: String?
    /// From 1.
    public var firstLine: Int
    /// Without the newlines.
    public var lines: [String]
    /// How often each line was run in the whole search, nil where no code stands; nil where that
    /// was not counted.
    public var counts: [Int?]?
    /// How often each branch of a line went either way; nil where that was not counted.
    public var branches: [Branch]?

    public init(
      file: String, function: String?, firstLine: Int, lines: [String], counts: [Int?]? = nil
    ) {
      self.file = file
      self.function = function
      self.firstLine = firstLine
      self.lines = lines
      self.counts = counts
    }

    public var lastLine: Int { firstLine + lines.count - 1 }
  }

  /// A condition and how often it went either way.
  public struct Branch: Codable, Sendable, Equatable {
    /// Of the kernel's file, from 1.
    public var line: Int
    public var taken: Int
    public var notTaken: Int
    public init(line: Int, taken: Int, notTaken: Int) {
      self.line = line
      self.taken = taken
      self.notTaken = notTaken
    }
  }

  /// Lines of one file that a scenario ran, ascending, each once.
  public struct Executed: Codable, Sendable, Equatable {
    public var file: String
    public var lines: [Int]
    public init(file: String, lines: [Int]) {
      self.file = file
      self.lines = lines
    }
  }

  /// What memory looks like behind a scenario: boxes, and entries that point from one to another.
  /// For page tables, as the processor walks them from the root.
  public struct Picture: Codable, Sendable, Hashable {
    /// One table or object.
    public struct Box: Codable, Sendable, Hashable {
      /// What entries name it by; unique in the picture.
      public var id: String
      /// In the manuals' words: `PML5`, `PML4`, `PDPT`, `shadow page`.
      public var kind: String
      /// What the kernel calls it, `pml5_root`; nil where nothing names it.
      public var name: String?
      /// From 0, the root's, to the right.
      public var column: Int
      public var entries: [Entry]
      /// What is wrong with it as a whole, in words; nil where nothing is.
      public var wrong: String?
      public init(
        id: String, kind: String, name: String?, column: Int, entries: [Entry] = [],
        wrong: String? = nil
      ) {
        self.id = id
        self.kind = kind
        self.name = name
        self.column = column
        self.entries = entries
        self.wrong = wrong
      }
    }

    /// One entry of a table, or a run of entries that are alike.
    public struct Entry: Codable, Sendable, Hashable {
      /// The first index.
      public var index: Int
      /// The last one of the run; nil for one entry.
      public var through: Int?
      /// In words: `present, writable`, `not present`.
      public var text: String
      /// The box that it points to; nil where it points to none that is shown.
      public var target: String?
      public var wrong: String?
      public init(
        index: Int, through: Int? = nil, text: String, target: String? = nil, wrong: String? = nil
      ) {
        self.index = index
        self.through = through
        self.text = text
        self.target = target
        self.wrong = wrong
      }
    }

    /// What the walk begins with: `root.hpa = 0x140002000`.
    public var start: String
    /// The box that it leads to; nil where it leads to none.
    public var root: String?
    public var boxes: [Box]
    /// What is wrong with the whole, a sentence each.
    public var wrong: [String]
    public init(start: String, root: String?, boxes: [Box], wrong: [String] = []) {
      self.start = start
      self.root = root
      self.boxes = boxes
      self.wrong = wrong
    }
  }

  /// What a finding's scenario does in the base.
  public struct Walkthrough: Codable, Sendable, Equatable {
    public var trace: [Event]
    public var executed: [Executed]?
    public var picture: Picture?
    public init(trace: [Event], executed: [Executed]?, picture: Picture?) {
      self.trace = trace
      self.executed = executed
      self.picture = picture
    }
  }
}
