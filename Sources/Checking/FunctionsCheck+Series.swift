// SPDX-License-Identifier: GPL-2.0-only
import Extraction
import Failures
import Foundation
import KernelSource
import Reporting

/// The steps of a series, where they change functions that no subject covers.
public struct SeriesCheck: Sendable {
  /// The file that a subject covers.
  public var modelled: String
  /// Judges that.
  public var whole: Check
  /// Makes the check of functions that one step changes, of a tree where all is that they need.
  public var functions: @Sendable ([FunctionName], KernelTree) async throws -> FunctionsCheck

  public init(
    modelled: String, whole: Check,
    functions: @escaping @Sendable ([FunctionName], KernelTree) async throws -> FunctionsCheck
  ) {
    self.modelled = modelled
    self.whole = whole
    self.functions = functions
  }

  /// - Parameter began: told the number of each step before it is judged, from 1.
  /// - Returns: nil where no step changes a function outside of the subject's file.
  public func report(
    of series: Series, began: (Int) -> Void = { _ in }
  ) async throws -> CheckReport? {
    let opens = series.outside.merging(series.steps.map { ($0.id, $0.open) }) { $1 }
    func pair(_ step: Series.Step) async throws -> (Revision, Revision?) {
      let base: Revision? =
        if let parent = step.parents.first { try await opens[parent]?() } else { nil }
      return (try await step.open(), base)
    }
    var (isElsewhere, isModelled) = (false, false)
    for step in series.steps where !(isElsewhere && isModelled) {
      // What cannot be opened is told below.
      guard let (revision, base) = try? await pair(step) else { continue }
      let changed = ChangedFunctions(of: revision, over: base)
      isElsewhere = isElsewhere || changed.functions.contains { $0.file != modelled }
      isModelled = isModelled || changed.files.contains(modelled)
      revision.close()
      base?.close()
    }
    guard isElsewhere else { return nil }
    var entries: [CheckReport.Entry] = []
    for (number, step) in series.steps.enumerated() {
      began(number + 1)
      let outcome: CheckReport.Entry.Outcome
      var options = ""
      do {
        let (revision, base) = try await pair(step)
        defer {
          revision.close()
          base?.close()
        }
        var verdict = try await verdict(of: revision, over: base, isModelled: isModelled)
        if step.file == nil {
          verdict.revision.commit = .init(id: step.id, subject: step.title ?? "")
          verdict.revision.base = step.parents.first
        }
        outcome = .verdict(verdict)
        if let only = verdict.functions?.first, verdict.functions?.count == 1,
          verdict.subject == "\(only.file):\(only.function)"
        {
          options = "--function \(Shell.quoted(verdict.subject)) "
        }
      } catch let failure as Failure where failure.kind != .tool {
        outcome = .failure(
          failure.cause + (failure.place.map { " (\($0))" } ?? ""),
          exitCode: failure.kind.exitCode)
      }
      entries.append(
        .init(
          label: step.label, title: step.title, outcome: outcome,
          replayOptions: options + step.replayOptions))
    }
    return CheckReport(entries, series: series.report)
  }

  /// - Parameter isModelled: whether any step changes what the subject covers.
  private func verdict(
    of revision: Revision, over base: Revision?, isModelled: Bool
  ) async throws -> Verdict {
    let changed = ChangedFunctions(of: revision, over: base)
    var first: Verdict?
    if isModelled {
      let answer = try await whole.answer(of: revision, base: base)
      await whole.keep(answer)
      first = answer.verdict
    }
    let rest = first.map { changed.functions(notIn: $0) } ?? changed.functions
    if rest.isEmpty {
      guard let first else { return .nothing(of: revision, changed.outside) }
      return first
    }
    var check = try await functions(rest, revision.tree)
    check.outside = changed.outside
    return try await check.verdict(of: revision, base: base, behind: first)
  }
}
