// SPDX-License-Identifier: GPL-2.0-only
import Exploration
import Extraction
import KernelSource

/// Which lines of a function that no manifest describes are run where a change of it is looked at.
package enum ReachedLines {
  /// Lines of code that none of these runs comes to, by file.
  ///
  /// - Parameter work: a directory for what is compiled; it need not be there.
  package static func missed(
    by subject: String, _ revision: Revision, installation: Installation, in work: String
  ) async throws -> [String: Set<Int>] {
    let builds = try await Builds.make(
      subject, revision, jobs: 1, counting: true, installation: installation,
      sharing: SourceFiles(), in: work)
    let counting = try builds.loadCounting(0)
    var domain = try ManifestDomain(counting)
    Explorer.runAsChanged(in: &domain, counting)
    let coverage = Coverage(
      extraction: builds.extraction, module: builds.countingPath,
      profiles: [builds.writeProfile(of: counting, worker: 0)], work: work)
    let map = try LineMap(path: "\(builds.extraction.directory)/unit.c")
    var times: [String: [Int: Int]] = [:]
    for function in try await coverage.functions() {
      guard let first = function.regions.map({ $0[0] }).min(),
        let last = function.regions.map({ $0[2] }).max()
      else { continue }
      for line in first...max(first, last) {
        guard let at = map.place(of: line), let count = function.times(line) else { continue }
        times[at.file, default: [:]][at.line] = max(times[at.file]?[at.line] ?? 0, count)
      }
    }
    return times.mapValues { Set($0.filter { $0.value == 0 }.keys) }
  }
}
