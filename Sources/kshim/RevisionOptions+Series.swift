// SPDX-License-Identifier: GPL-2.0-only
import Checking
import Failures
import KernelSource

extension RevisionOptions {
  /// The commits of the range that `--kernel` names, then the patches, each on top of what comes
  /// before it.
  ///
  /// - Throws: `Failure` of kind request where there is neither a range nor a patch, or where the
  ///   patches do not apply one after another.
  func series() async throws -> Series {
    let files = try await patchFiles()
    let store = KernelStore.own
    let range = try await store.range(kernelName) { Terminal.status($0) }
    guard range != nil || !files.isEmpty else {
      throw Failure(
        .request, asked: "check each commit",
        cause: "\(kernelName) is one revision, and there is no patch",
        remedy: "name a range, --kernel DIRECTORY@BASE..HEAD, or patches with --patch")
    }
    var series =
      range.map { Series($0, name: kernelName) }
      ?? Series(name: kernelName, steps: [], outside: [:])
    guard !files.isEmpty else {
      Terminal.status("")
      return series
    }
    let tree = try await store.resolve(kernelName) { Terminal.status($0) }
    Terminal.status("")
    let whole = try await store.revision(tree: tree, patches: files)
    defer { whole.close() }
    Self.tell(whole)
    var parent = "base"
    if let range {
      parent = range.head.id
    } else {
      series.outside[parent] = { try await store.revision(tree: tree, patches: []) }
    }
    for number in 1...files.count {
      let part = Array(files.prefix(number))
      let file = files[number - 1]
      let id = "\(number)"
      series.steps.append(
        Series.Step(
          id: id, label: "\(number)/\(files.count)", title: file.subject ?? file.name,
          file: file.name, replayOptions: replayOptions(number, of: files),
          parents: [parent],
          open: { try await store.revision(tree: tree, patches: part, mayChangeNothing: true) }))
      parent = id
    }
    return series
  }
}
