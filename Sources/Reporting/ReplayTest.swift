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
    replay.domain == "Exploration.ManifestDomain" ? unmodelled : modelled
  }

  private var type: String { "Replay\(number)Tests" }

  /// What the scenario is, as comments.
  private var header: String {
    let broken =
      replay.broken.isEmpty
      ? ["// It breaks nothing."]
      : replay.broken.map { broken in
        let at = broken.line > 0 ? " (\(replay.source):\(broken.line))" : ""
        return "// It breaks \(broken.property): \(broken.message)\(at)"
      }
    return """
      // SPDX-License-Identifier: GPL-2.0-only
      //
      // A scenario of \(replay.subject) on Linux \(replay.revision.version), as 'kshim replay --as test' prints it.
      \(broken.joined(separator: "\n"))
      """
  }

  /// The commands, and what comes of them, as comments.
  private var commands: String {
    let outcome =
      replay.broken.isEmpty
      ? "passes as long as the revision that was extracted keeps every property here"
      : "fails as long as the revision that was extracted has the defect"
    let options = replay.replayOptions.trimmingCharacters(in: .whitespaces)
    return """
      //   kshim extract \(options)
      //   swift test --disable-swift-testing --filter \(type)
      //
      // \(outcome).
      """
  }

  /// Of a function that no manifest describes, or of a manifest: for any package.
  private var unmodelled: String {
    """
    \(header)
    // Any package can have it whose Package.swift names kshim's library (version 6.0 or newer of its tools):
    //
    //   dependencies: [.package(name: "kshim", path: \(Self.literal(replay.package)))],
    //   targets: [.testTarget(name: "KernelTests", dependencies: [.product(name: "ExtractedSubjects", package: "kshim")])]
    //
    // So can kshim's own, as Tests/ExtractedTests/\(type).swift. Then:
    //
    \(commands)
    import ExtractedSubjects
    import XCTest

    final class \(type): XCTestCase {
      func test_scenario_keepsEveryProperty() async throws {
        let broken = try await ExtractedSubject.broken(
          by: \(Self.literal(replay.scenario)),
          of: \(Self.literal(replay.subject)))
        for sentence in broken { XCTFail(sentence) }
      }
    }

    """
  }

  /// In Swift.
  private static func literal(_ text: String) -> String {
    let escaped = text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
    return "\"\(escaped)\""
  }

  /// Of a subject with a model, which kshim's sources alone have.
  private var modelled: String {
    let names = replay.domain.split(separator: ".").map(String.init)
    let (module, domain) = (names.first ?? "", names.last ?? "")
    return """
      \(header)
      // In kshim's sources, with this text as Tests/\(module)Tests/\(type).swift:
      //
      \(commands)
      import Exploration
      import ExtractedSubjects
      import XCTest

      @testable import \(module)

      final class \(type): XCTestCase {
        func test_scenario_keepsEveryProperty() async throws {
          let scenario = try Scenario(
            "\(replay.scenario)")
          let subject = try await ExtractedSubject.load()
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
