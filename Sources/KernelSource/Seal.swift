// SPDX-License-Identifier: GPL-2.0-only
import Crypto
import Failures
import Foundation
import Synchronization

/// Tells what this user's kshim has kept from what somebody else has put there: a keyed hash of each
/// entry and its name.
///
/// The key is 32 random bytes in a file of the user's own. It is not in the cache, for who can write
/// there, or brings a cache along, is not always who can read the user's files; and several caches
/// can share what they hold.
package final class Seal: Sendable {
  /// Of `$XDG_STATE_HOME/kshim`, or `~/.local/state/kshim`.
  package static let own = Seal(directory: ownDirectory)

  /// Where the key is; made when something is first kept.
  let directory: String
  var path: String { "\(directory)/cache.key" }

  private enum State {
    /// Nobody has looked.
    case unread
    /// There is none yet.
    case none
    case known(SymmetricKey)
    /// There is none that can be used; why.
    case refused(String)
  }
  private let state = Mutex(State.unread)
  /// Whether the one before may have been somebody else's, too.
  private let isReplaced = Mutex(false)

  package init(directory: String) { self.directory = directory }

  private static var ownDirectory: String {
    let variables = ProcessInfo.processInfo.environment
    if let state = variables["XDG_STATE_HOME"], state.hasPrefix("/") { return "\(state)/kshim" }
    return "\(variables["HOME"] ?? NSHomeDirectory())/.local/state/kshim"
  }

  /// 64 hexadecimal digits that only who has the key can make; nil where there is no key.
  ///
  /// - Parameter making: whether a key is made where there is none yet.
  func code(of content: some DataProtocol, as name: String, making: Bool = false) -> String? {
    guard let key = key(making: making) else { return nil }
    var hash = HMAC<SHA256>(key: key)
    hash.update(data: Data("kshim cache 1\0\(name)\0".utf8))
    hash.update(data: content)
    return Digest.hexadecimal(hash.finalize())
  }

  /// Why nothing can be sealed; nil where it can. Makes the key where there is none yet.
  func trouble() -> String? {
    _ = key(making: true)
    return state.withLock { if case .refused(let why) = $0 { why } else { nil } }
  }

  private func stored(making: Bool) -> SymmetricKey? {
    state.withLock { state in
      if case .unread = state { state = read() }
      if case .none = state, making { state = make() }
      if case .known(let key) = state { return key }
      return nil
    }
  }

  /// - Parameter making: whether a key is made where there is none yet.
  private func key(making: Bool) -> SymmetricKey? {
    let key = stored(making: making)
    let isReplaced = isReplaced.withLock { stored in
      defer { stored = false }
      return stored
    }
    if isReplaced { distrust() }
    return key
  }

  // MARK: The file

  private static let size = 32

  private func read() -> State {
    let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else {
      if errno == ENOENT || errno == ENOTDIR { return .none }
      return refused("cannot be read (\(String(cString: strerror(errno))))")
    }
    defer { close(descriptor) }
    var status = stat()
    var bytes = [UInt8](repeating: 0, count: Self.size + 1)
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      return refused("is no regular file")
    }
    guard status.st_uid == geteuid() else { return refused("is not yours") }
    let isOpen = status.st_mode & 0o077 != 0
    guard !isOpen, Foundation.read(descriptor, &bytes, bytes.count) == Self.size else {
      // What was sealed with it may be anybody's.
      unlink(path)
      CacheRemark.tell(
        .key,
        isOpen
          ? "others could read the cache's key \(path): it is made anew, and what was kept is, too"
          : "the cache's key \(path) is damaged: it is made anew, and what was kept is, too")
      isReplaced.withLock { $0 = true }
      return make()
    }
    return .known(SymmetricKey(data: bytes.prefix(Self.size)))
  }

  /// Whole or not at all, and the first one's where two make it at once.
  private func make() -> State {
    let key = SymmetricKey(size: .bits256)
    let draft = "\(directory)/.new-\(UUID().uuidString)"
    do {
      try FileManager.default.createDirectory(
        atPath: directory, withIntermediateDirectories: true,
        attributes: [.posixPermissions: 0o700])
    } catch {
      return refused("cannot be made (\(DiskTrouble.reason(error)))")
    }
    let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      return refused("cannot be made (\(String(cString: strerror(errno))))")
    }
    defer { unlink(draft) }
    let written = key.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    let isWhole = written == Self.size && fsync(descriptor) == 0
    close(descriptor)
    guard isWhole else { return refused("cannot be made (no room)") }
    if link(draft, path) == 0 { return .known(key) }
    // A file system without links.
    if errno != EEXIST, access(path, F_OK) != 0, rename(draft, path) == 0 { return .known(key) }
    return read()
  }

  private func refused(_ why: String) -> State {
    CacheRemark.tell(
      .key,
      "the cache's key \(path) \(why): results are not kept, and unpacked kernels are taken as they are"
    )
    return .refused(why)
  }
}

/// What is told of the cache itself, each kind once in a run.
package enum CacheRemark {
  package enum Kind: Sendable { case key, entry }

  private struct State {
    var show: (@Sendable (String) -> Void)?
    var told: Set<Kind> = []
  }
  private static let state = Mutex(State())

  /// Who tells it from now on; nothing was told yet.
  package static func show(_ show: (@Sendable (String) -> Void)?) {
    state.withLock { $0 = State(show: show) }
  }

  package static func tell(_ kind: Kind, _ line: String) {
    let show = state.withLock { $0.told.insert(kind).inserted ? $0.show : nil }
    show?(line)
  }
}
