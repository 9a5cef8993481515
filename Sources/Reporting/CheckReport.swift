// SPDX-License-Identifier: GPL-2.0-only

/// How the report of a check is written.
public enum ReportFormat: String, CaseIterable, Sendable {
  case text, json, ktap, junit, sarif, lcov, b4, checkpatch, note
}

/// What a check reports: one verdict, or one for each step of a series.
public struct CheckReport: Sendable {
  /// A finding that a step has no longer.
  public struct Fixed: Encodable, Sendable, Hashable {
    public var property: String
    public var function: String
    public var message: String
    /// What happened in its smallest scenario, and where; nil where that is not known.
    public var sentence: String?

    public init(_ finding: Verdict.Finding) {
      property = finding.property
      function = finding.function
      message = finding.message
      sentence = finding.sentence
    }

    /// `leak in f(): allocation of q fails → the page of p is never freed (a.c:7)`
    var told: String { "\(property) in \(function)(): \(sentence ?? message)" }

    /// What it is known by in another step: lines and smallest scenarios move.
    var key: [String] { [property, function, message] }
  }

  /// One revision that was checked.
  public struct Entry: Sendable {
    /// What its verdict is, or why there is none.
    public enum Outcome: Sendable {
      case verdict(Verdict)
      /// Why it cannot be judged, and the exit status that stands for that.
      case failure(String, exitCode: Int32)
    }

    /// What the step is called: the abbreviated commit, the patch's number; nil where the whole is
    /// one step.
    public var label: String?
    /// The commit's or patch's subject line.
    public var title: String?
    public var outcome: Outcome
    /// What it has no longer of what the steps before it had; empty where there is no verdict.
    public var fixed: [Fixed] = []
    /// Options that `kshim replay` needs beside the scenario, to see this revision.
    public var replayOptions: String

    public init(label: String?, title: String?, outcome: Outcome, replayOptions: String) {
      self.label = label
      self.title = title
      self.outcome = outcome
      self.replayOptions = replayOptions
    }
  }

  public var entries: [Entry]

  /// What the entries are steps of; nil where there is one entry for the whole.
  public var series: Series?

  /// A property's page in Markdown, by its id; nil where there is none. Some formats carry them.
  public var page: @Sendable (String) -> String? = { _ in nil }

  public init(_ entries: [Entry], series: Series? = nil) {
    self.entries = entries
    self.series = series
  }

  /// The whole report, a newline at its end.
  ///
  /// - Parameters:
  ///   - isStrict: what counts as a failure, in formats that tell it; see
  ///     ``Verdict/exitCode(isStrict:)``.
  ///   - showsOld: whether text tells in full what was there before, too.
  ///   - hasToldFunctions: whether text leaves out the lines of clean functions.
  ///   - showsAll: whether text tells every cause in full.
  ///   - columns: how wide a line of text may be, on a terminal; nil elsewhere.
  public func rendered(
    as format: ReportFormat, usesColour: Bool, isStrict: Bool = false, showsOld: Bool = false,
    hasToldFunctions: Bool = false, showsAll: Bool = false, columns: Int? = nil
  ) throws -> String {
    let style = TextStyle(
      usesColour: usesColour, columns: columns, showsOld: showsOld, showsAll: showsAll,
      hasToldFunctions: hasToldFunctions)
    if let series, [.text, .json].contains(format) {
      return format == .json ? try json(of: series) : text(of: series, style)
    }
    switch format {
    case .text, .json: break
    case .ktap: return KTAPReport(report: self, isStrict: isStrict).text
    case .junit: return JUnitReport(report: self, isStrict: isStrict).text
    case .sarif: return try SARIFReport(report: self, isStrict: isStrict).text()
    case .lcov: return try LcovReport(report: self).text()
    case .b4: return try B4Report(report: self, isStrict: isStrict).text()
    case .checkpatch: return CheckpatchReport(report: self, isStrict: isStrict).text
    case .note: return NoteReport(report: self).text
    }
    return try entries.compactMap { entry in
      guard case .verdict(let verdict) = entry.outcome else { return nil }
      return switch format {
      case .json: try verdict.json()
      default: TextReport(verdict, replayOptions: entry.replayOptions, style).text
      }
    }.joined()
  }

  /// The largest exit status of an entry; see ``Verdict/exitCode(isStrict:)``.
  public func exitCode(isStrict: Bool) -> Int32 {
    entries.map { entry in
      switch entry.outcome {
      case .verdict(let verdict): verdict.exitCode(isStrict: isStrict)
      case .failure(_, let code): code
      }
    }.max() ?? 0
  }
}
