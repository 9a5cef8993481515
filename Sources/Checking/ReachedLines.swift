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
    let built = try builds.load(0)
    var domain = try ManifestDomain(built)
    Explorer.runAsChanged(in: &domain, built)
    builds.writeProfile(0, of: built)
    return try await builds.coverage(in: work).lines().mapValues {
      Set($0.filter { $0.value == 0 }.keys)
    }
  }
}
