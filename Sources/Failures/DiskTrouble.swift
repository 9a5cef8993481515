// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// Why something could not be written, in the system's own words.
package enum DiskTrouble {
  /// The errors that more room mends.
  private static let full: [Int32] = [ENOSPC, EDQUOT, EFBIG]

  package static func reason(_ error: any Error) -> String {
    if let code = code(error) { return String(cString: strerror(code)) }
    return (error as NSError).localizedDescription
  }

  private static func code(_ error: any Error) -> Int32? {
    if let error = error as? POSIXError { return error.code.rawValue }
    let underlying = (error as NSError).userInfo[NSUnderlyingErrorKey]
    if let error = underlying as? POSIXError { return error.code.rawValue }
    return nil
  }

  /// The failure for a temporary directory that takes nothing.
  package static func failure(
    asked: String, temporary place: String, _ error: any Error
  ) -> Failure {
    if isBounded, code(error) == ENOSPC { return tooMuch(asked) }
    return Failure(
      .tool, asked: asked, cause: "the temporary directory cannot be written (\(reason(error)))",
      place: place, remedy: remedy(code(error)))
  }

  /// The failure for an error that nobody expected where it came; nil where it is none of the disk's.
  package static func failure(asked: String, _ error: any Error) -> Failure? {
    guard let code = code(error), full.contains(code) || code == EROFS || code == EACCES else {
      return nil
    }
    if isBounded, code == ENOSPC { return tooMuch(asked) }
    let path = (error as NSError).userInfo[NSFilePathErrorKey] as? String
    return Failure(
      .tool, asked: asked, cause: "a file cannot be written (\(String(cString: strerror(code))))",
      place: path, remedy: remedy(code))
  }

  /// Whether what is written has a bound of its own, which the machine's disk is not.
  package static var isBounded: Bool {
    ProcessInfo.processInfo.environment["KSHIM_BOUNDED"] != nil
  }

  /// The failure where more is written than there is room for in a jail.
  package static func tooMuch(_ asked: String) -> Failure {
    Failure(
      .build, asked: asked, cause: "what is made of it takes more room than a worker has",
      remedy: "look in the patch for what makes an object large; --no-jail has no such bound")
  }

  private static func remedy(_ code: Int32?) -> String {
    code.map { full.contains($0) } ?? false
      ? "make room there, or set TMPDIR to a directory with more room"
      : "set TMPDIR to a directory that can be written"
  }

  /// What of a compiler's own words shows that its output could not be written, without those on a
  /// line of what is compiled.
  package static func reason(_ lines: [String]) -> String? {
    let own = lines.filter { line in
      ["fatal error: ", "error: ", "clang", "LLVM ERROR: ", "/", "ld", "warning: "].contains {
        line.hasPrefix($0)
      } && line.prefixMatch(of: /[^ :]+:[0-9]+:/) == nil
    }
    return (full + [EROFS]).map { String(cString: strerror($0)) }.first { reason in
      own.contains { $0.localizedCaseInsensitiveContains(reason) }
    }
  }
}
