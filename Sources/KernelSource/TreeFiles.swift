// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import Synchronization

/// The regular files of a tree, the cache's own record apart, as the file system counts them.
struct TreeFiles: Sendable {
  struct File: Sendable {
    /// Two names of one file have the same.
    let inode: UInt64
    /// What it takes on the disk.
    let blocks: Int
  }

  /// What tells a whole tree from one that is damaged or was changed: cheap to take, and no content.
  struct Count: Codable, Sendable, Equatable {
    var files = 0
    /// Sizes, added up.
    var bytes = 0
    /// Modification times in whole seconds, added up: not every copy of a cache keeps more of them.
    var seconds = 0
  }

  private(set) var count = Count()
  private(set) var files: [File] = []

  init(of directory: String) {
    // Most of a kernel's files are below few directories: those of two levels are shared among all
    // cores.
    var waiting: [String]? = []
    walk(Self.open(directory), "", depth: 0, leaving: &waiting)
    walk(waiting ?? [], in: directory)
  }

  private mutating func walk(_ paths: [String], in directory: String) {
    let found = Mutex<TreeFiles>(TreeFiles())
    DispatchQueue.concurrentPerform(iterations: paths.count) { number in
      var part = TreeFiles()
      var none: [String]?
      part.walk(Self.open("\(directory)/\(paths[number])"), "", depth: 2, leaving: &none)
      found.withLock { $0.add(part) }
    }
    add(found.withLock { $0 })
  }

  /// The files of some paths of a directory; see ``NeededPath``.
  init(of directory: String, at paths: [String]) {
    var waiting: [String]? = []
    for path in paths.map(NeededPath.init) {
      var status = stat()
      guard lstat("\(directory)/\(path.path)", &status) == 0 else { continue }
      switch status.st_mode & S_IFMT {
      case S_IFREG where !path.isOwnFiles: add(status)
      case S_IFDIR:
        var below: [String]? = []
        walk(
          Self.open("\(directory)/\(path.path)"), path.path + "/", depth: 1, leaving: &below)
        if !path.isOwnFiles { waiting?.append(contentsOf: below ?? []) }
      default: break
      }
    }
    walk(waiting ?? [], in: directory)
  }

  private init() {}

  private static func open(_ path: String) -> Int32 {
    Foundation.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
  }

  private mutating func add(_ other: TreeFiles) {
    count.files += other.count.files
    count.bytes += other.count.bytes
    count.seconds &+= other.count.seconds
    files += other.files
  }

  private mutating func add(_ status: stat) {
    count.files += 1
    count.bytes += Int(status.st_size)
    count.seconds &+= status.st_mtim.tv_sec
    files.append(File(inode: UInt64(status.st_ino), blocks: Int(status.st_blocks) * 512))
  }

  /// - Parameters:
  ///   - descriptor: an open directory, closed here; negative where it could not be opened.
  ///   - path: where it is below the top.
  ///   - waiting: where the directories of the second level go; nil: they are walked.
  private mutating func walk(
    _ descriptor: Int32, _ path: String, depth: Int, leaving waiting: inout [String]?
  ) {
    guard descriptor >= 0 else { return }
    guard let stream = fdopendir(descriptor) else {
      close(descriptor)
      return
    }
    defer { closedir(stream) }
    var status = stat()
    while let entry = readdir(stream) {
      withUnsafePointer(to: &entry.pointee.d_name) { field in
        let name = UnsafeRawPointer(field).assumingMemoryBound(to: CChar.self)
        guard fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return }
        switch status.st_mode & S_IFMT {
        case S_IFREG:
          if depth == 0, strcmp(name, KernelTree.recordName) == 0 { return }
          add(status)
        case S_IFDIR:
          if strcmp(name, ".") == 0 || strcmp(name, "..") == 0 { return }
          let below = path + String(cString: name) + "/"
          if depth == 1, waiting != nil {
            waiting?.append(below)
            return
          }
          walk(
            openat(descriptor, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), below,
            depth: depth + 1, leaving: &waiting)
        default: break
        }
      }
    }
  }

  /// One hash of all names and contents of some paths of a directory; see ``NeededPath``.
  static func hash(
    of directory: String, at paths: [String], _ environment: [String: String?]
  ) async throws -> String {
    let places = paths.map(NeededPath.init).filter {
      FileKind("\(directory)/\($0.path)") != .nothing
    }
    let trees = places.filter { !$0.isOwnFiles }.map { "./\($0.path)" }
    let folders = places.filter(\.isOwnFiles).map { "./\($0.path)" }
    let hashed = try await Command.script(
      """
      count=$1
      shift
      {
        (($count == 0)) || find "${@:1:$count}" -type f -print0
        (($# == $count)) || find "${@:$count + 1}" -maxdepth 1 -type f -print0
      } | sort -z | xargs -0 -r sha256sum | sha256sum
      """, ["\(trees.count)"] + trees + folders, needs: ["find", "sort", "xargs", "sha256sum"],
      environment: environment, directory: directory)
    return hashed.succeeded ? String(hashed.outputText.prefix(64)) : ""
  }
}

/// How much of a disk some trees take; a file that several of them share counts once.
struct DiskUse {
  private var names: [UInt64: Int] = [:]
  private(set) var bytes = 0

  mutating func add(_ tree: TreeFiles) {
    for file in tree.files {
      let before = names[file.inode, default: 0]
      if before == 0 { bytes += file.blocks }
      names[file.inode] = before + 1
    }
  }

  /// - Returns: what comes free.
  @discardableResult
  mutating func remove(_ tree: TreeFiles) -> Int {
    let before = bytes
    for file in tree.files {
      let left = names[file.inode, default: 1] - 1
      if left == 0 { bytes -= file.blocks }
      names[file.inode] = left
    }
    return before - bytes
  }
}
