// SPDX-License-Identifier: GPL-2.0-only
import KernelSource

/// Manifests and rules that this process has read.
enum ReadManifests {
  private static let manifests = FileMemo<Manifest>()
  private static let services = FileMemo<Manifest.Services>()

  static func manifest(at path: String) throws -> Manifest {
    try manifests.content(of: path) { try ManifestReader(path: path).manifest() }
  }

  static func services(at path: String) throws -> Manifest.Services {
    try services.content(of: path) { try ManifestReader(path: path).services() }
  }
}
