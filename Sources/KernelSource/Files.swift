// SPDX-License-Identifier: GPL-2.0-only
import Foundation

package enum Files {
  /// The files and symbolic links at and below some paths, relative to a directory; sorted. What is
  /// not there is no file, and no link is followed.
  ///
  /// - Parameter takes: whether a file of this name is wanted.
  package static func below(
    _ paths: [String], in directory: String, where takes: (String) -> Bool = { _ in true }
  ) -> [String] {
    var found: Set<String> = []
    var pending = Set(paths)
    while let path = pending.popFirst() {
      guard let stream = opendir("\(directory)/\(path)") else {
        var status = stat()
        if lstat("\(directory)/\(path)", &status) == 0, takes(name(path)) { found.insert(path) }
        continue
      }
      defer { closedir(stream) }
      while let entry = readdir(stream) {
        let name = Self.name(entry)
        guard name != ".", name != ".." else { continue }
        if kind(entry.pointee.d_type, "\(directory)/\(path)/\(name)") == S_IFDIR {
          pending.insert("\(path)/\(name)")
        } else if takes(name) {
          found.insert("\(path)/\(name)")
        }
      }
    }
    return found.sorted()
  }

  /// The directories at and below some paths, relative to a directory; no link is followed.
  package static func directories(_ paths: [String], in directory: String) -> [String] {
    var found = Set(paths)
    var pending = found
    while let path = pending.popFirst() {
      guard let stream = opendir("\(directory)/\(path)") else { continue }
      defer { closedir(stream) }
      while let entry = readdir(stream) {
        // Few of a directory's entries are directories.
        let type = entry.pointee.d_type
        guard type == UInt8(DT_DIR) || type == UInt8(DT_UNKNOWN) else { continue }
        let name = Self.name(entry)
        guard name != ".", name != ".." else { continue }
        let below = "\(path)/\(name)"
        if kind(type, "\(directory)/\(below)") == S_IFDIR, found.insert(below).inserted {
          pending.insert(below)
        }
      }
    }
    return Array(found)
  }

  private static func name(_ entry: UnsafeMutablePointer<dirent>) -> String {
    withUnsafePointer(to: &entry.pointee.d_name) {
      $0.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
    }
  }

  private static func kind(_ type: UInt8, _ path: String) -> mode_t {
    if type != UInt8(DT_UNKNOWN) { return type == UInt8(DT_DIR) ? S_IFDIR : S_IFREG }
    var status = stat()
    return lstat(path, &status) == 0 ? status.st_mode & S_IFMT : S_IFREG
  }

  private static func name(_ path: String) -> String {
    path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
  }
}
