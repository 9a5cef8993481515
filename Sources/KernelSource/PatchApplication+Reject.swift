// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation

/// Why a patch does not apply.
extension PatchApplication {
  /// What git says is wrong. The text that was searched for follows "while searching for:"; the
  /// hunk shows it better.
  private func errors(in result: Command.Result) -> [String] {
    result.errorLines.filter { $0.hasPrefix("error: ") }.map { String($0.dropFirst(7)) }
      .filter { $0 != "while searching for:" }
  }

  /// The file and the line of the first hunk that does not fit.
  private func misfit(in errors: [String]) -> (path: String, line: String)? {
    errors.lazy.compactMap { $0.wholeMatch(of: /patch failed: (.*):([0-9]+)/) }.first
      .map { (String($0.1), String($0.2)) }
  }

  /// The failure for a patch that can be taken back from the tree, or from what an earlier patch
  /// made of it.
  func alreadyThere(
    _ patch: PatchFile, _ result: Command.Result, _ arguments: [String]
  ) async throws -> Failure {
    let errors = errors(in: result)
    let earlier = try await firstToBring(arguments)
    return Failure(
      .request, asked: "apply \(patch.title)",
      cause: earlier.map { "an earlier patch, \($0.title), makes this change already" }
        ?? "the kernel, version \(tree.version), has this patch already",
      place: misfit(in: errors).map { "\($0.path):\($0.line)" },
      evidence: errors.prefix(5).map { "git: \($0)" },
      remedy: earlier == nil
        ? "leave the patch out, or name the tree it was made for with --kernel"
        : "leave one of the two out")
  }

  /// The earlier patch after which this one can be taken back; nil where it can be taken back from
  /// the tree itself.
  private func firstToBring(_ arguments: [String]) async throws -> PatchFile? {
    let again = "\(scratch.path)/again"
    try prepare { try FileManager.default.copyItem(atPath: before, toPath: again) }
    let reverse = ["apply", "--check", "--reverse"] + arguments
    if try await git(reverse, in: again).succeeded { return nil }
    for (earlier, arguments) in applied {
      guard try await git(["apply"] + arguments, in: again).succeeded else { return nil }
      if try await git(reverse, in: again).succeeded { return earlier }
    }
    return nil
  }

  /// The failure for a patch that does not apply: its evidence is each hunk that does not fit with
  /// the tree's lines there.
  func rejection(
    of patch: PatchFile, _ result: Command.Result, _ arguments: [String]
  ) async throws -> Failure {
    let errors = errors(in: result)
    let misfit = misfit(in: errors)
    let rejects = try await rejects(arguments)
    var cause: String
    if let misfit {
      cause =
        "a hunk does not fit \(misfit.path) at line \(misfit.line) of this kernel,"
        + " version \(tree.version)"
    } else {
      let first = errors.first ?? result.errorLines.first ?? "status 1"
      cause = "git refuses it for this kernel, version \(tree.version) (\(first))"
    }
    let remedy: String
    if rejects.differInWhiteSpaceOnly {
      cause += "; it differs from the kernel only in white space"
      remedy =
        patch.suspicion
        ?? "a mail client or a copy from a screen may have changed it: have the patch sent"
        + " with git send-email, or as an attachment"
    } else {
      let rebase =
        "rebase the patch onto \(tree.version), or name the tree it was made for with --kernel"
      remedy = patch.suspicion.map { "\($0); or \(rebase)" } ?? rebase
    }
    return Failure(
      .request, asked: "apply \(patch.title)", cause: cause,
      place: misfit.map { "\($0.path):\($0.line)" },
      evidence: errors.prefix(5).map { "git: \($0)" } + rejects.shown, remedy: remedy)
  }

  /// The hunks that do not fit, each with the lines that the tree has there, a screenful at most,
  /// and whether all of them would fit if white space did not count.
  ///
  /// The copies are thrown away afterwards, so git may change them.
  private func rejects(
    _ arguments: [String]
  ) async throws -> (shown: [String], differInWhiteSpaceOnly: Bool) {
    let checked = Set(Placement.checked(try await git(["apply", "-v", "--check"] + arguments)))
    // git applies the hunks that fit; what is compared is the file ahead of that.
    var files: [String: [Data]] = [:]
    for path in checked {
      files[path] = Hunk.lines(
        of: FileManager.default.contents(atPath: "\(after)/\(path)") ?? Data())
    }
    _ = try await git(["apply", "--reject"] + arguments)
    var lines: [String] = []
    var inWhiteSpace: [Bool] = []
    for path in files.keys.sorted() {
      let content = FileManager.default.contents(atPath: "\(after)/\(path).rej") ?? Data()
      for hunk in Hunk.read(content).values.joined() {
        let file = files[path] ?? []
        let alignment = hunk.alignment(in: file)
        lines += hunk.shown(nextTo: file, path: path, alignment)
        inWhiteSpace.append(alignment.differsInWhiteSpaceOnly)
      }
    }
    let most = 60
    let shown =
      lines.count <= most
      ? lines : lines.prefix(most) + ["… and \(lines.count - most) more lines"]
    return (shown, !inWhiteSpace.isEmpty && inWhiteSpace.allSatisfy(\.self))
  }
}
