// SPDX-License-Identifier: GPL-2.0-only
import KernelSource
import XCTest

/// Text that is no UTF-8 comes out as it went in.
final class ByteTextTests: XCTestCase {
  func test_anyBytes_comeBack() {
    var random = SystemRandomNumberGenerator()
    for round in 0..<2000 {
      // Mostly what begins or continues a sequence.
      let bytes = (0..<Int.random(in: 0...24, using: &random)).map { _ in
        Bool.random(using: &random)
          ? UInt8.random(in: 0...255, using: &random)
          : [0x80, 0xBF, 0xC3, 0xE2, 0xED, 0xF0, 0xF4, 0x8F, 0xBE, 0x41].randomElement(
            using: &random)!
      }
      XCTAssertEqual(String(bytes: bytes).bytes, bytes, "round \(round): \(bytes)")
    }
  }

  func test_whatIsUTF8_isThatText() {
    let text = "r\u{E9}sum\u{E9} \u{1F427}"
    XCTAssertEqual(String(bytes: Array(text.utf8)), text)
  }

  func test_eachWrongByte_isOneCharacter() {
    XCTAssertEqual(
      String(bytes: [0x41, 0xE9, 0x42]).unicodeScalars.map(\.value), [0x41, 0x10FFE9, 0x42])
  }

  /// A text that holds such a character as UTF-8 is not mistaken for the byte.
  func test_theCharacterItself_isFourBytes() {
    let bytes = Array("\u{10FFE9}".utf8)
    XCTAssertEqual(String(bytes: bytes).unicodeScalars.count, 4)
    XCTAssertEqual(String(bytes: bytes).bytes, bytes)
  }
}
