// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// A replay as a file of `swift test`: it passes where the scenario breaks no property.
struct ReplayTest {
  var replay: Replay

  /// The same for the same scenario, another one for another: FNV-1a in 32 bits.
  private var number: String {
    let hash = replay.scenario.utf8.reduce(UInt32(0x811c_9dc5)) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }

  var text: String {
    let names = replay.domain.split(separator: ".").map(String.init)
    let (module, domain) = (names.first ?? "", names.last ?? "")
    let type = "Replay\(number)Tests"
    let broken =
      replay.broken.isEmpty
      ? ["// It breaks nothing."]
      : replay.broken.map { broken in
        let at = broken.line > 0 ? " (\(replay.source):\(broken.line))" : ""
        return "// It breaks \(broken.property): \(broken.message)\(at)"
      }
    let outcome =
      replay.broken.isEmpty
      ? "passes as long as the revision that was extracted keeps every property here"
      : "fails as long as the revision that was extracted has the defect"
    let options = replay.replayOptions.trimmingCharacters(in: .whitespaces)
    return """
      // SPDX-License-Identifier: GPL-2.0-only
      //
      // A scenario of \(replay.subject) on Linux \(replay.revision.version), as 'kshim replay --as test' prints it.
      \(broken.joined(separator: "\n"))
      // In kshim's sources, with this text as Tests/\(module)Tests/\(type).swift:
      //
      //   kshim extract \(options)
      //   swift test --disable-swift-testing --filter \(type)
      //
      // \(outcome).
      import Exploration
      import TestSupport
      import XCTest

      @testable import \(module)

      final class \(type): XCTestCase {
        func test_scenario_keepsEveryProperty() async throws {
          let scenario = try Scenario(
            "\(replay.scenario)")
          let subject = try await ExtractedSubject.load(\(replay.subject.contains(":") ? ".function" : ""))
          var domain = try \(domain)(subject.built)
          // Mended code may ask for other decisions.
          let found = try Explorer.replay(
            scenario, in: &domain, subject: subject.built, isExact: false)
          for (breach, entry) in found.entries { XCTFail("\\(breach.property.id): \\(entry.message)") }
        }
      }

      """
  }
}
