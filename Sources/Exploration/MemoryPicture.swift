// SPDX-License-Identifier: GPL-2.0-only

/// What memory looks like behind a run, for people: boxes, and entries that point from one to another.
public struct MemoryPicture: Codable, Sendable, Equatable {
  public struct Box: Codable, Sendable, Equatable {
    /// What entries name it by; unique in the picture.
    public var id: String
    /// What the manuals call it.
    public var kind: String
    /// What the kernel calls it; nil where nothing names it.
    public var name: String?
    /// From 0 to the right.
    public var column: Int
    public var entries: [Entry] = []
    /// What is wrong with it as a whole, in words.
    public var wrong: String?

    public init(id: String, kind: String, name: String?, column: Int) {
      self.id = id
      self.kind = kind
      self.name = name
      self.column = column
    }
  }

  /// One entry of a box, or a run of entries that are alike.
  public struct Entry: Codable, Sendable, Equatable {
    /// The first, and the last where it is not the same.
    public var index: Int
    public var through: Int?
    /// In words.
    public var text: String
    /// The box that it points to; nil where that is none of the picture.
    public var target: String?
    public var wrong: String?

    public init(index: Int, text: String, target: String? = nil, wrong: String? = nil) {
      self.index = index
      self.text = text
      self.target = target
      self.wrong = wrong
    }
  }

  /// What it begins with, in words.
  public var start: String
  /// The box that this leads to; nil where it leads to none.
  public var root: String?
  public var boxes: [Box]
  /// What is wrong in this memory, a sentence each.
  public var wrong: [String]

  public init(start: String, root: String?, boxes: [Box], wrong: [String]) {
    self.start = start
    self.root = root
    self.boxes = boxes
    self.wrong = wrong
  }
}
