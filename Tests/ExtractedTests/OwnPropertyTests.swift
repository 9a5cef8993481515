// SPDX-License-Identifier: GPL-2.0-only
import Exploration
import ExtractedSubjects
import XCTest

/// A property of one's own, as docs/guide.md shows it: what was registered first is given back last.
final class OwnPropertyTests: XCTestCase {
  struct Order: Domain {
    static let property = Property("order", 60)
    static let properties = [property]

    private let subject: Subject
    private var runs: ManifestDomain

    init(_ subject: Subject) throws {
      self.subject = subject
      runs = try ManifestDomain(subject)
    }

    var spaces: [StateSpace] { runs.spaces }
    var most: Int? { runs.most }

    mutating func run(
      _ state: StartingState, _ choices: UnsafeBufferPointer<UInt8>, _ report: inout Report
    ) {
      runs.run(state, choices, &report)
      report.look(at: PropertySet(Self.property))
      let calls = subject.world.events.filter { $0.what == .call && $0.hasCallee }
      let names = calls.map { subject.calls[Int($0.call)] }
      guard let failed = names.firstIndex(of: "inet_add_protocol"), calls[failed].value != 0,
        names.last != "unregister_inetaddr_notifier"
      else { return }
      report.broken(
        Self.property, in: "sctp_v4_add_protocol", at: calls[failed].pc,
        "the notifier stays although the protocol could not be added")
    }
  }

  func test_order() async throws {
    guard ExtractedSubject.isThere(.function) else { throw XCTSkip("nothing was extracted") }
    let extracted = try await ExtractedSubject.load(.function)
    guard extracted.provenance.subject == "net/sctp/protocol.c:sctp_v4_add_protocol" else {
      throw XCTSkip("another function was extracted")
    }
    nonisolated(unsafe) let subject = extracted.built
    let result = try Explorer.search(Order.self, jobs: 1, load: { _ in subject })
    XCTAssertTrue(result.isExhaustive)
    for (breach, entry) in result.findings.entries where breach.property == Order.property {
      XCTFail("\(breach.property): \(entry.message)")
    }
  }
}
