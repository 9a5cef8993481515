// SPDX-License-Identifier: GPL-2.0-only

/// What a check of one revision found. Its JSON form is a contract: keys are added, never changed.
public struct Verdict: Codable, Sendable, Equatable {
  public struct Tool: Codable, Sendable, Equatable {
    public var name = "kshim"
    public var version = "0.1.0"
    public init() {}
  }

  public struct Patch: Codable, Sendable, Equatable {
    public var file: String
    public var subject: String?
    public init(file: String, subject: String?) {
      self.file = file
      self.subject = subject
    }
    /// Every key is there: a patch without a mail header has the subject null.
    public func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(file, forKey: .file)
      try container.encode(subject, forKey: .subject)
    }
    private enum CodingKeys: CodingKey { case file, subject }
  }

  public struct Commit: Codable, Sendable, Equatable {
    /// The whole id, in hexadecimal.
    public var id: String
    /// The first line of its message.
    public var subject: String
    public init(id: String, subject: String) {
      self.id = id
      self.subject = subject
    }
  }

  public struct Revision: Codable, Sendable, Equatable {
    /// The kernel as it was asked for.
    public var kernel: String
    /// Its version, `6.12.117`.
    public var version: String
    public var patches: [Patch]
    /// The commit that was judged; nil where it is not one of a range's.
    public var commit: Commit?
    /// The id of the commit that it is compared with; nil where it is none of a range.
    public var base: String?
    /// The last commit of a range that is judged as one change; nil where patches are on top of it.
    public var head: Commit?
    /// What the patches bring that a clean verdict does not speak of, with its place; nil: nothing.
    public var contains: [String]?
    public init(kernel: String, version: String, patches: [Patch]) {
      self.kernel = kernel
      self.version = version
      self.patches = patches
    }

    /// Whether there is something that it is compared with.
    public var isCompared: Bool { !patches.isEmpty || base != nil }

    /// `base..v2` where a range is judged as one change, as it was asked for; nil elsewhere.
    var range: String? {
      guard base != nil, commit == nil, let at = kernel.lastIndex(of: "@") else { return nil }
      return String(kernel[kernel.index(after: at)...])
    }

    /// What tells it from what it is compared with: commit, range, patch.
    var change: String { commit != nil ? "commit" : base != nil ? "range" : "patch" }

    /// The commits of a range as one change: `1a2b3c4d5e6f..6f5e4d3c2b1a`; the base alone where
    /// patches are on top.
    var commits: String? {
      guard let base, commit == nil else { return nil }
      guard let head else { return "from \(base.prefix(12))" }
      return "\(base.prefix(12))..\(head.id.prefix(12))"
    }
  }

  /// One event of a trace. `line` is a line of the finding's file, 0 where there is none.
  public struct Event: Codable, Sendable, Equatable {
    /// call, alloc, free, warn, lock, unlock, boundary, return, …
    public var event: String
    public var line: Int
    /// The kernel's function that the line lies in.
    public var function: String
    /// What is called, or locked; nil where the event has no callee.
    public var callee: String?
    /// The event in words: `page 0x140002000`, `-ENOMEM`.
    public var detail: String
    /// Which of two threads, `vcpu 1`; nil where one step runs at a time.
    public var thread: String?
    /// The page or object that an allocation gave or a release was of: `0x140002000`; nil elsewhere,
    /// and where there is none.
    public var block: String?
    public init(
      event: String, line: Int, function: String, callee: String?, detail: String,
      thread: String? = nil
    ) {
      self.thread = thread
      self.event = event
      self.line = line
      self.function = function
      self.callee = callee
      self.detail = detail
    }
  }

  public struct Finding: Codable, Sendable, Equatable {
    public var property: String
    public var function: String
    /// Relative to the kernel's top directory.
    public var file: String
    /// From 1, in the file with the patches applied.
    public var line: Int
    /// Whether the patches brought it; without patches false.
    public var introduced: Bool
    public var message: String
    /// The smallest scenario that shows it, for `kshim replay`; empty for a note.
    public var scenario: String
    /// In how many scenarios it shows.
    public var failing: Int
    public var trace: [Event]
    /// Which of the verdict's causes it belongs to; nil for a note.
    public var cause: Int?
    /// What happens in its smallest scenario, and where; nil for a note.
    public var sentence: String?
    /// What its smallest scenario takes for granted of inputs and callees, where nobody modelled
    /// them; nil elsewhere.
    public var assumes: String?
    /// What was checked, where the verdict is on more: `FILE:FUNCTION`, or a subject.
    public var subject: String?
    /// What else shows it, where several functions were checked: `FILE:FUNCTION`; nil where nothing
    /// does.
    public var also: [String]?
    /// What the smallest scenario runs of the kernel's files; nil where that was not asked for.
    public var executed: [Executed]?
    /// What memory looks like behind the smallest scenario; nil where nobody knows how to draw it.
    public var picture: Picture?
    /// The same scenario in the base; nil where there is none, or where it was not asked for.
    public var base: Walkthrough?
    public init(
      property: String, function: String, file: String, line: Int, introduced: Bool,
      message: String, scenario: String, failing: Int, trace: [Event], cause: Int? = nil,
      sentence: String? = nil
    ) {
      self.cause = cause
      self.sentence = sentence
      self.property = property
      self.function = function
      self.file = file
      self.line = line
      self.introduced = introduced
      self.message = message
      self.scenario = scenario
      self.failing = failing
      self.trace = trace
    }
  }

  /// Findings that have one cause.
  public struct Cause: Codable, Sendable, Equatable {
    /// What happens in the smallest scenario, and where.
    public var sentence: String
    /// Indexes into the verdict's findings, the one that the sentence tells first.
    public var findings: [Int]
    /// The smallest scenario of all of them.
    public var scenario: String
    public var file: String
    public var line: Int
    public init(sentence: String, findings: [Int], scenario: String, file: String, line: Int) {
      self.sentence = sentence
      self.findings = findings
      self.scenario = scenario
      self.file = file
      self.line = line
    }
  }

  /// One of several functions that were checked.
  public struct Function: Codable, Sendable, Equatable {
    public enum Status: String, Codable, Sendable {
      case clean, findings
      case notJudged = "not-judged"
    }
    public var file: String
    public var function: String
    public var status: Status
    /// Why it is not judged; nil where it is.
    public var why: String?
    /// nil where it was not run.
    public var exploration: Exploration?
    public init(
      file: String, function: String, status: Status, why: String?, exploration: Exploration?
    ) {
      self.file = file
      self.function = function
      self.status = status
      self.why = why
      self.exploration = exploration
    }
  }

  /// A function where it stands, lines from 1.
  public struct Place: Codable, Sendable, Equatable {
    public var file: String
    public var function: String
    public var firstLine: Int
    public var lastLine: Int
    public init(file: String, function: String, firstLine: Int, lastLine: Int) {
      self.file = file
      self.function = function
      self.firstLine = firstLine
      self.lastLine = lastLine
    }
  }

  public struct Exploration: Codable, Sendable, Equatable {
    /// How many scenarios are covered.
    public var scenarios: Int
    /// How many were run for that: one run stands for all states that differ in what nobody looked
    /// at.
    public var runs: Int?
    public var seconds: Double
    public var exhaustive: Bool
    /// What the harness ran out of, each a phrase: nothing is known of what comes behind.
    public var limits: [String]?
    /// What bounds the search beyond its states and answers, as a phrase; nil where nothing does.
    public var bound: String?
    /// true where an earlier search of the same text told the result; then `seconds` are its own.
    public var reused: Bool?
    /// What is called.
    public var functions: [String]?
    /// What was taken out of the kernel and run, helpers included; nil where that is not told.
    public var extracted: [Place]?
    /// What the starting states cover, each a phrase.
    public var coverage: [String]?
    /// Lines of the function that a patch touched and that no run comes to; nil where that is not told.
    public var unreached: [Int]?
    /// Whether a run comes to any line of the function that a patch touched.
    public var isPatchRun: Bool?
    /// The file of the services that answers the function where others call it, where it could not be
    /// judged.
    public var answeredBy: String?
    public init(
      scenarios: Int, runs: Int? = nil, seconds: Double, exhaustive: Bool, limits: [String]? = nil,
      bound: String? = nil, functions: [String]? = nil, coverage: [String]? = nil
    ) {
      self.runs = runs
      self.limits = limits
      self.bound = bound
      self.functions = functions
      self.coverage = coverage
      self.scenarios = scenarios
      self.seconds = seconds
      self.exhaustive = exhaustive
    }
  }

  public struct Property: Codable, Sendable, Equatable {
    public var id: String
    public var checked: Int
    /// Findings of this property, all their scenarios together.
    public var broken: Int
    public init(id: String, checked: Int, broken: Int) {
      self.id = id
      self.checked = checked
      self.broken = broken
    }
  }

  public var schema = 1
  public var tool = Tool()
  public var revision: Revision
  public var subject: String
  /// "clean", "findings", or "not-judged" where nothing could be judged.
  public var verdict: String
  public var findings: [Finding]
  /// Every finding belongs to one of them; the simplest first.
  public var causes: [Cause]
  public var notes: [Finding]
  public var exploration: Exploration
  public var properties: [Property]
  /// The functions that were checked, where they were named or the patches change them.
  public var functions: [Function]?
  /// What goes wrong by what is assumed of the inputs, and does not count; nil where nothing does.
  public var assumed: [Finding]?
  /// What the patches rename and move of what is judged, and how it is told, a sentence each.
  public var followed: [String]?
  /// The kernel's text that findings and notes are about; where a page or a coverage is asked for, of
  /// all that was judged.
  public var sources: [Source]?

  public init(
    revision: Revision, subject: String, findings: [Finding], causes: [Cause], notes: [Finding],
    exploration: Exploration, properties: [Property]
  ) {
    self.causes = causes
    self.revision = revision
    self.subject = subject
    self.verdict = findings.isEmpty ? "clean" : "findings"
    self.findings = findings
    self.notes = notes
    self.exploration = exploration
    self.properties = properties
  }

  /// How many scenarios there are of the function that a finding is of.
  func scenarios(of finding: Finding) -> Int {
    functions?.first { "\($0.file):\($0.function)" == finding.subject }?.exploration?.scenarios
      ?? exploration.scenarios
  }

  /// 0 when nothing counts, else 1: with patches what they introduce counts, `isStrict` counts old
  /// findings and notes too.
  public func exitCode(isStrict: Bool) -> Int32 {
    if verdict == "not-judged" { return 3 }
    let hasFindings =
      isStrict
      ? !(findings.isEmpty && notes.isEmpty)
      : findings.contains { counts($0, isStrict: false) }
    if hasFindings { return 1 }
    // Of a patch all is asked for.
    return revision.isCompared && unjudged > 0 ? 3 : 0
  }

  /// How many functions could not be judged.
  public var unjudged: Int {
    functions?.count { $0.status == .notJudged } ?? 0
  }
}
