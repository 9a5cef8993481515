// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation
import KernelSource

/// Where a check compiles: gone when it ends, or swept by the next one after a crash or Ctrl-C.
package struct WorkDirectory {
  private static let prefix = ScratchDirectory.check
  private let scratch: ScratchDirectory

  package var path: String { scratch.path }

  package init() throws {
    let parent = FileManager.default.temporaryDirectory.path
    ScratchDirectory.sweep()
    do {
      scratch = try ScratchDirectory(prefix: Self.prefix, in: parent)
    } catch {
      throw DiskTrouble.failure(asked: "compile the subject", temporary: parent, error)
    }
  }

  package func remove() { scratch.remove() }
}
