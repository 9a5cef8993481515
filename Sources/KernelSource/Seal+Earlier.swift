// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// Caches that were there before the key: of kernels that an earlier kshim unpacked, or that came
/// with a cache from elsewhere, nobody can say who made them. They are taken as they are when their
/// cache is first seen, and never later.
extension Seal {
  /// By the directory of kernels: the trees that were there at first, each with the digest of its
  /// records.
  private typealias Caches = [String: [String: String]]

  /// Beside the key, for it is what nobody else may change.
  private var list: String { "\(directory)/caches.json" }

  /// Whether a tree without a seal may be taken as it is.
  func isEarlier(_ name: String, in kernels: String) -> Bool {
    let cache = realPath(kernels)
    note(kernels)
    guard let known = caches()[cache]?[name] else { return false }
    return known == Self.digest("\(cache)/\(name)")
  }

  /// Remembers a cache, and what is in it, when it is first seen.
  func note(_ kernels: String) {
    let cache = realPath(kernels)
    guard !Self.isSeen(cache, caches()) else { return }
    change { caches in
      guard !Self.isSeen(cache, caches) else { return }
      caches = caches.filter { FileKind($0.key) == .directory }
      var trees: [String: String] = [:]
      let names = (try? FileManager.default.contentsOfDirectory(atPath: cache)) ?? []
      for name in names where !name.hasPrefix(".") {
        let path = "\(cache)/\(name)"
        if TreeSeal(inTree: path, by: self) == nil {
          trees[name] = Self.digest(path)
        }
      }
      caches[cache] = trees
    }
  }

  private static func isSeen(_ cache: String, _ caches: Caches) -> Bool {
    caches[cache] != nil || caches[everywhere] != nil
  }

  /// Stands for every cache.
  private static let everywhere = "*"

  /// Takes no tree as it is any more: somebody else may have sealed some.
  func distrust() { change { $0 = [Self.everywhere: [:]] } }

  /// A tree that is sealed now is no longer one of those.
  func forget(_ name: String, in kernels: String) {
    let cache = realPath(kernels)
    guard caches()[cache]?[name] != nil else { return }
    change { $0[cache]?[name] = nil }
  }

  private static func digest(_ tree: String) -> String? {
    let files = [KernelTree.recordName, CacheRecord.addedName].map {
      Digest.of(file: "\(tree)/\($0)")
    }
    return files[0].map { "\($0) \(files[1] ?? "")" }
  }

  private func caches() -> Caches {
    KeptFile.read(list, by: self, isQuiet: true).flatMap {
      try? JSONDecoder().decode(Caches.self, from: $0)
    }
      ?? [:]
  }

  private func change(_ body: (inout Caches) -> Void) {
    guard trouble() == nil, let lock = try? FileLock.wait("\(directory)/.lock") else { return }
    defer { lock.release() }
    var caches = caches()
    body(&caches)
    try? KeptFile.write(JSONEncoder().encode(caches), to: list, by: self)
  }
}
