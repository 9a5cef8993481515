// SPDX-License-Identifier: GPL-2.0-only

/// How a replay is written.
public enum ReplayFormat: String, CaseIterable, Sendable {
  /// The trace; a test that fails as long as the defect is there; the calls in C for a mail.
  case text, test, c
}

/// One scenario that was run again.
public struct Replay: Sendable, Codable {
  public struct Broken: Sendable, Equatable, Codable {
    public var property: String
    public var message: String
    /// The kernel's function that the line lies in.
    public var function: String
    /// In the source file; 0 where there is no place.
    public var line: Int
    /// Which thread breaks it, as events name it; nil where one step runs at a time, or where that
    /// is not known.
    public var thread: String?
    public init(
      property: String, message: String, function: String, line: Int, thread: String? = nil
    ) {
      self.property = property
      self.message = message
      self.function = function
      self.line = line
      self.thread = thread
    }
  }

  public var scenario: String
  public var subject: String
  public var revision: Verdict.Revision
  /// Options that name the revision, a space at the end.
  public var replayOptions = ""
  /// The kernel's file that lines are of.
  public var source: String
  /// How the state is set up: assignments in C, or comments.
  public var setUp: [String]
  public var trace: [Verdict.Event]
  public var broken: [Broken]
  /// kshim's own package, for a test in another one.
  public var package = ""
  /// Whether what is broken shows only beside the base.
  public var isAgainstBase = false
  /// Module and type of who judges it, `KVMRoots.RootDomain`.
  public var domain: String

  public init(
    scenario: String, subject: String, revision: Verdict.Revision, source: String,
    setUp: [String], trace: [Verdict.Event], broken: [Broken], domain: String
  ) {
    self.scenario = scenario
    self.subject = subject
    self.revision = revision
    self.source = source
    self.setUp = setUp
    self.trace = trace
    self.broken = broken
    self.domain = domain
  }

  /// A newline at its end.
  public func rendered(as format: ReplayFormat) -> String {
    switch format {
    case .text: text
    case .test: ReplayTest(replay: self).text
    case .c: ReplayCalls(replay: self).text
    }
  }

  private var text: String {
    let verdict =
      broken.isEmpty
      ? ["no property is broken"] : broken.map { "\($0.property): \($0.message)" }
    return (TraceText(events: trace).lines + verdict).joined(separator: "\n") + "\n"
  }
}
