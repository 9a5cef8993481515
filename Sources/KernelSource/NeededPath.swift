// SPDX-License-Identifier: GPL-2.0-only

/// What somebody needs of a kernel: a file or a folder with all below it, `drivers/base`, or a
/// folder's own files, `fs/*`.
struct NeededPath: Sendable, Equatable {
  /// Without the star.
  let path: String
  let isOwnFiles: Bool

  init(_ spelling: String) {
    isOwnFiles = spelling.hasSuffix("/*")
    path = isOwnFiles ? String(spelling.dropLast(2)) : spelling
  }

  var spelling: String { isOwnFiles ? "\(path)/*" : path }

  /// Whether a file is of it.
  func takes(_ file: some StringProtocol) -> Bool {
    guard file.hasPrefix(path) else { return false }
    let rest = file.dropFirst(path.count)
    guard !rest.isEmpty else { return !isOwnFiles }
    return rest.first == "/" && !(isOwnFiles && rest.dropFirst().contains("/"))
  }

  /// Whether all that another one takes is of it.
  func covers(_ other: NeededPath) -> Bool {
    if isOwnFiles { return other.isOwnFiles && other.path == path }
    return other.path == path || other.path.hasPrefix(path + "/")
  }
}
