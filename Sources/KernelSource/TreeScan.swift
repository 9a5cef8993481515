// SPDX-License-Identifier: GPL-2.0-only
import Crypto
import Foundation
import Synchronization

/// All that is in a cached tree, in one walk: a digest for each of the parts that were unpacked, and
/// what is of none.
struct TreeScan {
  /// What a digest is of.
  enum Subject {
    /// Names, kinds and contents. Costs reading all of it.
    case contents
    /// What the file system says of each: that nothing was changed, came or went shows without
    /// reading. The time of its last change is among it, which nobody can set.
    case stamps
  }

  /// Of each part, in their order.
  private(set) var digests: [String] = []
  /// Files, links and whole directories that are of no part; sorted.
  private(set) var strays: [String] = []
  /// When the last of the files changed, at the latest; of stamps.
  private var newest: Time = (0, 0)

  private typealias Time = (seconds: Int, nanoseconds: Int)

  /// Whether no file was changed since a time: no later change can have the same stamps.
  func isOlder(than time: timespec) -> Bool { newest < (time.tv_sec, time.tv_nsec) }

  /// - Parameters:
  ///   - parts: what was unpacked; see ``NeededPath``.
  ///   - chosen: the parts that are looked at, nil: all. The others have an empty digest.
  init(
    of directory: String, parts: [[String]], chosen: Set<Int>? = nil, _ subject: Subject
  ) {
    let walk = Walk(top: directory, parts: parts, chosen: chosen, subject: subject)
    var found = Found()
    var waiting: [(path: String, part: Int)] = []
    walk.mixed("", &found, &waiting)
    // Most of a kernel's files are below few directories: those of two levels are shared among all
    // cores.
    for _ in 0..<2 {
      let directories = waiting
      waiting = []
      for (path, part) in directories { waiting += walk.whole(path, part, &found) }
    }
    let all = Mutex(found)
    let left = waiting
    DispatchQueue.concurrentPerform(iterations: left.count) { number in
      var found = Found()
      var pending = [left[number]]
      while let (path, part) = pending.popLast() { pending += walk.whole(path, part, &found) }
      all.withLock { $0.add(found) }
    }
    found = all.withLock { $0 }
    strays = found.strays.sorted()
    newest = found.newest
    let directories = Dictionary(grouping: found.directories, by: \.part)
    digests = parts.indices.map { part in
      guard chosen?.contains(part) ?? true else { return "" }
      var hash = SHA256()
      for entry in (directories[part] ?? []).sorted(by: { $0.path < $1.path }) {
        hash.update(data: Data("\(entry.path)\0".utf8))
        entry.digest.withUnsafeBytes { hash.update(bufferPointer: $0) }
      }
      return Digest.hexadecimal(hash.finalize())
    }
  }

  private struct Found: Sendable {
    struct Directory: Sendable {
      var part: Int
      var path: String
      var digest: SHA256.Digest
    }
    var directories: [Directory] = []
    var strays: [String] = []
    var newest: Time = (0, 0)

    mutating func add(_ other: Found) {
      directories += other.directories
      strays += other.strays
      if newest < other.newest { newest = other.newest }
    }
  }

  private struct Walk: Sendable {
    let top: String
    let parts: [[NeededPath]]
    let chosen: Set<Int>?
    let subject: Subject

    init(top: String, parts: [[String]], chosen: Set<Int>?, subject: Subject) {
      self.top = top
      self.parts = parts.map { $0.map(NeededPath.init) }
      self.chosen = chosen
      self.subject = subject
    }

    /// A directory of which some is of parts, and what is below it.
    func mixed(
      _ path: String, _ found: inout Found, _ waiting: inout [(path: String, part: Int)]
    ) {
      var entries: [Int: [Entry]] = [:]
      var stamps: [Int: Stamps] = [:]
      Entry.each(in: "\(top)/\(path)") { name, status in
        let entry = Entry(name: String(cString: name), status: status)
        let inside = path.isEmpty ? entry.name : "\(path)/\(entry.name)"
        if Self.own.contains(inside) || inside.hasPrefix(Self.unfinished) { return }
        let isDirectory = status.st_mode & S_IFMT == S_IFDIR
        if let part = part(of: inside, isDirectory: isDirectory) {
          if isDirectory {
            waiting.append((inside, part))
          } else if subject == .stamps {
            stamps[part, default: Stamps()].add(name, status)
          } else {
            entries[part, default: []].append(entry)
          }
        } else if isDirectory, leads(inside) {
          mixed(inside, &found, &waiting)
        } else {
          found.strays.append(inside)
        }
      }
      for part in parts.indices {
        add(path, part, entries[part] ?? [], stamps[part] ?? Stamps(), &found)
      }
    }

    /// What kshim keeps there beside the kernel.
    private static let own: Set<String> = [
      KernelTree.recordName, CacheRecord.addedName, TreeSeal.name,
    ]
    private static let unfinished = "\(SourceArchive.folder)/\(KeptFile.unfinished)"

    private func part(of path: String, isDirectory: Bool) -> Int? {
      parts.firstIndex { paths in
        paths.contains { needed in
          isDirectory ? !needed.isOwnFiles && needed.path == path : needed.takes(path)
        }
      }
    }

    private func leads(_ path: String) -> Bool {
      parts.contains { $0.contains { $0.path == path || $0.path.hasPrefix(path + "/") } }
    }

    /// A directory that is all of one part. Returns those in it.
    func whole(
      _ path: String, _ part: Int, _ found: inout Found
    ) -> [(path: String, part: Int)] {
      guard chosen?.contains(part) ?? true else { return [] }
      var entries: [Entry] = []
      var stamps = Stamps()
      var below: [(path: String, part: Int)] = []
      Entry.each(in: "\(top)/\(path)") { name, status in
        if status.st_mode & S_IFMT == S_IFDIR {
          below.append(("\(path)/\(String(cString: name))", part))
        } else if subject == .stamps {
          stamps.add(name, status)
        } else {
          entries.append(Entry(name: String(cString: name), status: status))
        }
      }
      add(path, part, entries, stamps, &found)
      return below
    }

    private func add(
      _ path: String, _ part: Int, _ entries: [Entry], _ stamps: Stamps, _ found: inout Found
    ) {
      guard chosen?.contains(part) ?? true, !entries.isEmpty || !stamps.bytes.isEmpty else {
        return
      }
      var bytes = stamps.bytes
      for entry in entries.sorted(by: { $0.name < $1.name }) {
        bytes += entry.content(of: "\(top)/\(path)/\(entry.name)").utf8
      }
      if found.newest < stamps.newest { found.newest = stamps.newest }
      found.directories.append(.init(part: part, path: path, digest: SHA256.hash(data: bytes)))
    }
  }

  /// What the file system says of a directory's files, in its order, which stays while nothing comes or
  /// goes.
  private struct Stamps {
    private(set) var bytes: [UInt8] = []
    private(set) var newest: Time = (0, 0)

    mutating func add(_ name: UnsafePointer<CChar>, _ status: stat) {
      bytes += UnsafeRawBufferPointer(start: name, count: strlen(name) + 1)
      let (modified, changed) = (status.st_mtim, status.st_ctim)
      let words = (
        Int(status.st_mode), UInt(status.st_dev), UInt(status.st_ino), Int(status.st_size),
        modified.tv_sec, modified.tv_nsec, changed.tv_sec, changed.tv_nsec
      )
      withUnsafeBytes(of: words) { bytes += $0 }
      // Of a clock of whole seconds, or of two, the last that it may stand for.
      let latest: Time =
        changed.tv_nsec == 0 ? (changed.tv_sec + 2, 0) : (changed.tv_sec, changed.tv_nsec)
      if newest < latest { newest = latest }
    }
  }

  /// One of a directory.
  private struct Entry {
    var name: String
    var status: stat

    static func each(in directory: String, _ body: (UnsafePointer<CChar>, stat) -> Void) {
      guard let stream = opendir(directory) else { return }
      defer { closedir(stream) }
      let descriptor = dirfd(stream)
      var status = stat()
      while let entry = readdir(stream) {
        withUnsafePointer(to: &entry.pointee.d_name) { field in
          let name = UnsafeRawPointer(field).assumingMemoryBound(to: CChar.self)
          if strcmp(name, ".") == 0 || strcmp(name, "..") == 0 { return }
          guard fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return }
          body(name, status)
        }
      }
    }

    /// What it is, what it is called and what is in it.
    func content(of path: String) -> String {
      switch status.st_mode & S_IFMT {
      case S_IFREG:
        let kind = status.st_mode & 0o111 == 0 ? "f" : "x"
        return "\(kind) \(name)\0\(Self.digest(of: path) ?? "unreadable")\0"
      case S_IFLNK:
        let target = try? FileManager.default.destinationOfSymbolicLink(atPath: path)
        return "l \(name)\0\(target ?? "")\0"
      default: return "? \(name)\0\0"
      }
    }

    private static func digest(of path: String) -> String? {
      let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
      guard descriptor >= 0 else { return nil }
      defer { close(descriptor) }
      var hash = SHA256()
      let isRead = withUnsafeTemporaryAllocation(byteCount: 1 << 17, alignment: 16) { room in
        while true {
          let count = read(descriptor, room.baseAddress, room.count)
          guard count > 0 else { return count == 0 }
          hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: room[..<count]))
        }
      }
      return isRead ? Digest.hexadecimal(hash.finalize()) : nil
    }
  }
}
