// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// Whether a cached tree is what this user's kshim unpacked.
extension KernelStore {
  enum TreeState {
    case whole, damaged, untidy, unsealed

    func existing(_ record: CacheRecord) -> Existing {
      switch self {
      case .whole, .damaged: .damaged
      case .untidy: .untidy
      case .unsealed: .unsealed(record)
      }
    }
  }

  /// What was not touched since it was last read is not read again.
  func state(of directory: String, _ record: CacheRecord) async -> TreeState {
    // Without a key nobody can be told from anybody else.
    if seal.trouble() != nil {
      return await record.isWhole(directory, environment) ? .whole : .damaged
    }
    guard var sealed = TreeSeal(inTree: directory, by: seal) else { return .unsealed }
    guard sealed.record == TreeSeal.digest(inTree: directory), sealed.parts.first?.path == "" else {
      return .damaged
    }
    // One that was sealed when kshim was interrupted is not there yet.
    let added = Set(record.added.map(\.path))
    sealed.parts.removeAll { !$0.path.isEmpty && !added.contains($0.path) }
    let paths = sealed.parts.map(\.path)
    let stamps = TreeScan(of: directory, parts: paths.map { record.paths(of: $0) }, .stamps)
    let touched = paths.indices.filter { stamps.digests[$0] != sealed.parts[$0].stamps }
    if !touched.isEmpty {
      let parts = TreeSeal.parts(of: directory, record, touched.map { paths[$0] }, all: paths)
      for (index, part) in zip(touched, parts) {
        guard part.contents == sealed.parts[index].contents else {
          // What was added comes again by itself.
          return index == 0 ? .damaged : .untidy
        }
        sealed.parts[index] = part
      }
      try? sealed.write(inTree: directory, by: seal)
    }
    return stamps.strays.isEmpty && added.count == paths.count - 1 ? .whole : .untidy
  }

  /// What tells a cached tree that is no longer what was unpacked from any other; nil where it is that.
  func changes(_ directory: String) async -> String? {
    guard let record = CacheRecord(inTree: directory) else { return nil }
    if await state(of: directory, record) == .whole { return nil }
    return TreeScan(of: directory, parts: [record.allKept], .stamps).digests.joined()
  }

  /// Removes what is not as it was unpacked, apart from what was unpacked first: an interrupted kshim
  /// left it there, or somebody else.
  ///
  /// - Returns: whether that could be done.
  func tidy(_ directory: String, _ record: CacheRecord, _ spec: String) -> Bool {
    guard var sealed = TreeSeal(inTree: directory, by: seal) else { return false }
    let paths = sealed.parts.map(\.path)
    let scan = TreeScan(of: directory, parts: paths.map { record.paths(of: $0) }, .contents)
    var record = record
    let whole = Set(
      zip(paths, zip(scan.digests, sealed.parts)).filter { $1.0 == $1.1.contents }.map(\.0))
    record.keep { whole.contains($0) }
    let kept = record.added.map(\.path)
    sealed.parts.removeAll { !$0.path.isEmpty && !kept.contains($0.path) }
    do {
      try record.writeAdded(
        inTree: directory, draft: "\(directory)/\(SourceArchive.folder)/\(KeptFile.unfinished)added"
      )
      try sealed.write(inTree: directory, by: seal)
      let left = sealed.parts.map { record.paths(of: $0.path) }
      let strays = TreeScan(of: directory, parts: left, chosen: [], .stamps).strays
      for path in strays { try FileManager.default.removeItem(atPath: "\(directory)/\(path)") }
      if let first = strays.first {
        let more = strays.count > 1 ? " and \(strays.count - 1) more" : ""
        remark("what was not unpacked there is removed from \(spec) in the cache: \(first)\(more)")
      }
      return true
    } catch {
      return false
    }
  }

  /// A tree that nobody sealed, if it was there before the cache had a key. It is sealed now.
  func earlier(_ key: CacheKey, _ record: CacheRecord) async -> KernelTree? {
    let directory = "\(kernelsDirectory)/\(key.name)"
    guard seal.isEarlier(key.name, in: kernelsDirectory),
      await record.isWhole(directory, environment), let use = try? Self.use(directory)
    else { return nil }
    remark(
      "\(key.spec) in the cache was unpacked before there was a key to seal it with: it is taken as it is"
        + " (kshim kernels fetch unpacks it anew)")
    let sealed = TreeSeal(of: directory, record, added: record.added)
    if (try? sealed.write(inTree: directory, by: seal)) != nil {
      seal.forget(key.name, in: kernelsDirectory)
      _ = tidy(directory, record, key.spec)
    }
    return try? KernelTree(directory: directory, spec: key.spec, use: use)
  }
}
