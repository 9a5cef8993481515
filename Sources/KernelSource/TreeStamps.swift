// SPDX-License-Identifier: GPL-2.0-only
import Crypto
import Foundation

/// What the file system says of some places of a tree: that none of them was changed, came or went
/// shows without reading any.
package struct TreeStamps: Sendable {
  /// One for all of them.
  package let digest: String
  /// When the last of them changed, at the latest.
  private let newest: Time

  private typealias Time = (seconds: Int, nanoseconds: Int)

  /// - Parameters:
  ///   - places: paths relative to the directory, each with a zero behind it.
  ///   - directory: the tree's top.
  package init(of places: Data, in directory: String) {
    let top = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    defer { if top >= 0 { close(top) } }
    let starts = Self.starts(places)
    // As many on every machine: the digest is that of their digests.
    let count = 16
    let size = (starts.count + count - 1) / count
    var parts = [(digest: SHA256.Digest, newest: Time)?](repeating: nil, count: count)
    places.withUnsafeBytes { bytes in
      parts.withUnsafeMutableBufferPointer { parts in
        nonisolated(unsafe) let (bytes, parts) = (bytes, parts)
        DispatchQueue.concurrentPerform(iterations: count) { number in
          parts[number] = Self.part(
            starts[min(number * size, starts.count)..<min((number + 1) * size, starts.count)],
            of: bytes, below: top)
        }
      }
    }
    digest = Digest.of(parts.flatMap { Array($0!.digest) })
    newest = parts.map { $0!.newest }.max { $0 < $1 } ?? (0, 0)
  }

  private static func starts(_ places: Data) -> [Int] {
    var starts: [Int] = []
    var start = 0
    for (index, byte) in places.enumerated() where byte == 0 {
      starts.append(start)
      start = index + 1
    }
    return starts
  }

  private static func part(
    _ starts: ArraySlice<Int>, of places: UnsafeRawBufferPointer, below top: Int32
  ) -> (SHA256.Digest, Time) {
    var newest: Time = (0, 0)
    var words: [Int] = []
    words.reserveCapacity(starts.count * 7)
    var status = stat()
    /// - Returns: whether it is a link.
    func add(_ name: UnsafePointer<CChar>, _ flags: Int32) -> Bool {
      guard fstatat(top, name, &status, flags) == 0 else {
        words.append(0)
        return false
      }
      let (modified, changed) = (status.st_mtim, status.st_ctim)
      words += [
        Int(bitPattern: UInt(status.st_dev)), Int(bitPattern: UInt(status.st_ino)),
        Int(status.st_size), modified.tv_sec, modified.tv_nsec, changed.tv_sec, changed.tv_nsec,
      ]
      // A clock of whole seconds, or of two.
      let latest: Time =
        changed.tv_nsec == 0 ? (changed.tv_sec + 2, 0) : (changed.tv_sec, changed.tv_nsec)
      if newest < latest { newest = latest }
      return status.st_mode & S_IFMT == S_IFLNK
    }
    for start in starts {
      let name = places.baseAddress!.advanced(by: start).assumingMemoryBound(to: CChar.self)
      if add(name, AT_SYMLINK_NOFOLLOW) { _ = add(name, 0) }
    }
    return (words.withUnsafeBytes { SHA256.hash(data: $0) }, newest)
  }

  /// Whether none of the places was changed since a time: what was read of them after it is what
  /// the stamps stand for, and no later change can have the same.
  package func areOlder(than time: timespec) -> Bool {
    newest < (time.tv_sec, time.tv_nsec)
  }

  /// Places for ``init(of:in:)``: the paths, and the directories that lead to them.
  package static func places(_ paths: some Sequence<String>) -> Data {
    var all: Set<Substring> = []
    for path in paths {
      var rest = path[...]
      while all.insert(rest).inserted, let slash = rest.lastIndex(of: "/") { rest = rest[..<slash] }
    }
    var places = Data()
    for path in all.sorted() {
      places += path.utf8
      places.append(0)
    }
    return places
  }
}
