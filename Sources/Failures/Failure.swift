// SPDX-License-Identifier: GPL-2.0-only

/// Why a request could not be carried out, said so that its reader can mend it.
///
///     throw Failure(
///       .request, asked: "read kernel /tmp/x", cause: "there is no directory /tmp/x",
///       remedy: "name a directory with kernel source, or debian:6.12")
///
/// Every error that leaves a module is one of these; the command line prints it and exits
/// with ``Kind/exitCode``. Nothing parses its text.
public struct Failure: Error, Sendable, Equatable, Codable {
  /// Whose fault it is, and with that the exit code of the command line.
  public enum Kind: String, Sendable, Codable {
    /// The request is wrong: usage, no such file, a patch that does not apply.
    case request
    /// The revision does not build or cannot be extracted.
    case build
    /// kshim or its surroundings failed (network, disk); never the patch's fault.
    case tool

    public var exitCode: Int32 {
      switch self {
      case .request: 2
      case .build: 3
      case .tool: 4
      }
    }
  }

  public let kind: Kind
  /// What was asked for, as a phrase: `read kernel /tmp/x`.
  public let asked: String
  /// What is wrong, in one sentence without a full stop.
  public let cause: String
  /// Where, as `file:line` or a path, if there is a place.
  public let place: String?
  /// Lines that show it: a rejected hunk, a compiler's message. May be empty.
  public let evidence: [String]
  /// What to do next, in one sentence without a full stop.
  public let remedy: String

  public init(
    _ kind: Kind, asked: String, cause: String, place: String? = nil, evidence: [String] = [],
    remedy: String
  ) {
    self.kind = kind
    self.asked = asked
    self.cause = cause
    self.place = place
    self.evidence = evidence
    self.remedy = remedy
  }
}

extension Failure: CustomStringConvertible {
  /// As the command line prints it, without a trailing newline.
  public var description: String {
    var lines = ["cannot \(asked.shown()): \(cause.shown())"]
    if let place { lines.append("  where:  \(place.shown())") }
    lines += evidence.map { "  | \($0.shown(lines: true).replacing("\n", with: "\\n"))" }
    lines.append("  remedy: \(remedy.shown())")
    return lines.joined(separator: "\n")
  }
}
