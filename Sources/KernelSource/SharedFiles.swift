// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// Makes one file of what two trees have alike: most of what two revisions of a repository hold.
///
/// A file becomes another name of the other tree's where path, mode and every byte are the same.
/// Nothing writes to a cached tree; where somebody does nevertheless, in place, each tree that has
/// the file is seen to be damaged (``CacheRecord/isWhole(_:_:)``).
struct SharedFiles {
  private let room = 1 << 16
  private let left: UnsafeMutableRawPointer
  private let right: UnsafeMutableRawPointer

  /// - Parameters:
  ///   - tree: what was just unpacked, and nobody has yet.
  ///   - other: a cached tree, held against removal.
  static func share(_ tree: String, with other: String) {
    let sharing = SharedFiles()
    defer {
      sharing.left.deallocate()
      sharing.right.deallocate()
    }
    sharing.walk(directory(AT_FDCWD, tree), directory(AT_FDCWD, other))
  }

  private init() {
    left = .allocate(byteCount: room, alignment: 16)
    right = .allocate(byteCount: room, alignment: 16)
  }

  private static func directory(_ parent: Int32, _ name: UnsafePointer<CChar>) -> Int32 {
    openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
  }

  /// Both are closed here; negative where one could not be opened.
  private func walk(_ tree: Int32, _ other: Int32) {
    defer { if other >= 0 { close(other) } }
    guard tree >= 0 else { return }
    guard other >= 0, let stream = fdopendir(tree) else {
      close(tree)
      return
    }
    defer { closedir(stream) }
    while let entry = readdir(stream) {
      withUnsafePointer(to: &entry.pointee.d_name) { field in
        visit(UnsafeRawPointer(field).assumingMemoryBound(to: CChar.self), tree, other)
      }
    }
  }

  private func visit(_ name: UnsafePointer<CChar>, _ tree: Int32, _ other: Int32) {
    var (own, theirs) = (stat(), stat())
    guard fstatat(tree, name, &own, AT_SYMLINK_NOFOLLOW) == 0,
      fstatat(other, name, &theirs, AT_SYMLINK_NOFOLLOW) == 0, own.st_mode == theirs.st_mode
    else { return }
    switch own.st_mode & S_IFMT {
    case S_IFDIR:
      if strcmp(name, ".") == 0 || strcmp(name, "..") == 0 { return }
      walk(Self.directory(tree, name), Self.directory(other, name))
    case S_IFREG:
      let temporary = ".kshim-link"
      guard own.st_size == theirs.st_size, own.st_ino != theirs.st_ino, own.st_size > 0,
        isSame(name, tree, other), linkat(other, name, tree, temporary, 0) == 0
      else { return }
      // A file system without links, or with too many of this file, keeps it twice.
      if renameat(tree, temporary, tree, name) != 0 { unlinkat(tree, temporary, 0) }
    default: break
    }
  }

  private func isSame(_ name: UnsafePointer<CChar>, _ tree: Int32, _ other: Int32) -> Bool {
    let own = openat(tree, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
    let theirs = openat(other, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
    defer { for descriptor in [own, theirs] where descriptor >= 0 { close(descriptor) } }
    guard own >= 0, theirs >= 0 else { return false }
    while true {
      let count = read(own, left, room)
      guard count >= 0, read(theirs, right, room) == count else { return false }
      if count == 0 { return true }
      guard memcmp(left, right, count) == 0 else { return false }
    }
  }
}

extension KernelStore {
  /// Shares what was just unpacked with the revision that was used last.
  func share(_ key: CacheKey, _ fresh: String) {
    guard key.name.hasPrefix(Self.revisionPrefix) else { return }
    let others = entries().filter {
      $0.key.hasPrefix(Self.revisionPrefix) && $0.key != key.name && $0.value.version != nil
    }
    let last = others.values.max { ($0.lastUsed ?? .distantPast) < ($1.lastUsed ?? .distantPast) }
    guard let path = last?.path,
      let lock = try? FileLock.attempt(
        "\(path)/\(KernelTree.recordName)", create: false, isShared: true)
    else { return }
    SharedFiles.share(fresh, with: path)
    lock.release()
  }
}
