// SPDX-License-Identifier: GPL-2.0-only
import Exploration
import ExtractedSubjects
import XCTest

@testable import KVMRoots

/// Drives the C target: one scenario at a time, or every scenario of a target.
class RootsTestCase: XCTestCase {
  private(set) var subject: ExtractedSubject!
  private(set) var slots: RootSlots!
  private(set) var setup: RootSetup!

  override func setUp() async throws {
    guard ExtractedSubject.isThere else {
      throw XCTSkip("nothing was extracted yet; type: make extract KERNEL=debian:6.12")
    }
    subject = try await ExtractedSubject.load()
    slots = try RootSlots(subject.built)
    setup = RootSetup(slots: slots)
  }

  var world: World { subject.built.world }

  /// A fresh world in a state, with the first decisions answered as given: 1 is the failure.
  func start(_ state: RootState, deciding choices: [UInt8] = []) {
    choices.withUnsafeBufferPointer { world.reset($0) }
    setup.apply(state, to: world)
  }

  /// Calls a target. Returns its result as the kernel's int.
  func call(_ entry: UInt32, _ argument: UInt64 = 0) throws -> Int32 {
    Int32(truncatingIfNeeded: try XCTUnwrap(world.call(entry, argument), "the step was ended"))
  }

  var now: RootSnapshot { RootSnapshot(world, slots) }

  func events(_ kind: EventKind) -> [Event] {
    world.events.filter { $0.what == kind }
  }

  /// Pages that were allocated and are still in use.
  var pagesLeft: [UInt64] {
    events(.allocation).map(\.value).filter { $0 != 0 && world.load($0) != nil }
  }

  /// How many lists of decisions a state has.
  func paths(of drive: Drive, _ state: String) throws -> Int {
    var domain = try RootDomain(subject.built)
    let number = try XCTUnwrap(domain.state(drive: drive.rawValue, spelled: state), state)
    return Explorer.scenarios(of: domain.state(number), in: &domain, subject.built)
  }

  /// How many scenarios a drive has, for each text that was counted: a search that silently
  /// shrinks fails. On another text (a tree of one's own) the properties must hold all the same, and
  /// the number is only told; the default kernel's must be known.
  func searchEvery(
    _ drive: Drive, scenarios pins: [String: Int], file: StaticString = #filePath,
    line: UInt = #line
  ) throws {
    nonisolated(unsafe) let built = subject.built
    let result = try Explorer.search(
      RootDomain.self, jobs: 1, load: { _ in built }, drives: [drive.rawValue])
    XCTAssertTrue(result.isExhaustive, file: file, line: line)
    for (cause, entry) in result.findings.entries {
      XCTFail(
        "\(cause.property): \(entry.message) (\(entry.failing) scenarios)", file: file, line: line)
    }
    let provenance = subject.provenance
    if let pin = pins[provenance.textSHA256] {
      XCTAssertEqual(
        result.scenarios, pin, "scenarios of \(drive.rawValue)", file: file, line: line)
    } else if provenance.kernel == "debian:6.12", provenance.patches.isEmpty {
      XCTFail(
        "\(drive.rawValue) has \(result.scenarios) scenarios on \(provenance.kernel), whose text is "
          + "\(provenance.textSHA256) now: count it again", file: file, line: line)
    } else {
      XCTAssertGreaterThanOrEqual(result.scenarios, drive.space.count, file: file, line: line)
      print(
        "note: \(drive.rawValue) has \(result.scenarios) scenarios on Linux "
          + "\(provenance.version), a text that nobody counted yet")
    }
  }
}

/// SHA-256 of texts that scenarios were counted on: Linux 6.1.192 and 6.12.117 of Debian.
enum CountedText {
  static let debian6v1 = "7fea2f531aaba4ad5a2c383bf35e76d0bdf90ea95368b8bb8b1d73c5f0ce0c3d"
  static let debian6v12 = "b51e97003a4b752eb70ab2e5c7ed78e73fe3e7c138f037cf9822efafe1894a2c"
}

extension RootSnapshot {
  /// The special tables that are there.
  var tables: Tables {
    [Tables.pae, .pml4, .pml5].reduce([]) { has($1) ? $0.union($1) : $0 }
  }
}
