// SPDX-License-Identifier: GPL-2.0-only
import XCTest

@testable import KVMRoots

final class RootStateTests: XCTestCase {
  func test_state_everyNumber_hasOneSpellingThatReadsBack() throws {
    for drive in Drive.allCases {
      let space = drive.space
      for number in stride(from: 0, to: space.count, by: 7) {
        let spelling = space.spelling(of: space.values(of: number))
        let read = try XCTUnwrap(space.values(spelled: spelling), spelling)
        XCTAssertEqual(space.number(of: read), number, "\(drive): \(spelling)")
        XCTAssertFalse(spelling.contains { $0.isWhitespace || $0 == ":" }, spelling)
      }
    }
  }

  func test_state_spaces_haveTheirPinnedSize() {
    XCTAssertEqual(
      Drive.allCases.map(\.space.count), [1280, 10240, 12288, 32, 24, 15120, 1280, 1152, 640, 48])
  }

  func test_state_wrongSpelling_isNone() {
    for wrong in ["", "shadow=4", "shadow=9,guest=4,direct=0,tdp=1,tables=none,me=0", "a=b"] {
      XCTAssertNil(Drive.special.space.values(spelled: wrong), wrong)
    }
  }
}
