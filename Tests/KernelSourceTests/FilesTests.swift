// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import XCTest

@testable import KernelSource

/// How files are found, told apart and kept.
final class FilesTests: KernelSourceTestCase {
  func test_below_findsFilesAndLinksOnceAndFollowsNone() throws {
    for path in ["a/x.h", "a/b/x.h", "a/b/y.h", "c.h", "d/x.h"] { _ = try write(path, "") }
    try FileManager.default.createSymbolicLink(
      atPath: "\(scratch)/a/link", withDestinationPath: "\(scratch)/d")
    XCTAssertEqual(
      Files.below(["a", "a/b", "c.h", "none"], in: scratch),
      ["a/b/x.h", "a/b/y.h", "a/link", "a/x.h", "c.h"])
    XCTAssertEqual(
      Files.below(["a", "c.h"], in: scratch) { $0 == "x.h" }, ["a/b/x.h", "a/x.h"])
  }

  func test_digest_isSHA256() throws {
    _ = try write("abc", "abc")
    let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    XCTAssertEqual(Digest.of("abc"), known)
    let file = "\(scratch)/abc"
    XCTAssertEqual(Digest.of(files: [file, "\(scratch)/no"]), [file: known])
  }

  func test_stamp_changesWithTheContent() throws {
    _ = try write("f", "1")
    let before = FileStamp("\(scratch)/f")
    XCTAssertEqual(FileStamp("\(scratch)/f"), before)
    _ = try write("f", "22")
    XCTAssertNotEqual(FileStamp("\(scratch)/f"), before)
    XCTAssertNil(FileStamp("\(scratch)/no").text)
  }

  func test_keptFile_isWholeOrNotThere() throws {
    let path = "\(scratch)/kept/file"
    XCTAssertNil(KeptFile.read(path))
    try KeptFile.write(Data("one\ntwo".utf8), to: path)
    XCTAssertEqual(KeptFile.read(path), Data("one\ntwo".utf8))
    let whole = try XCTUnwrap(FileManager.default.contents(atPath: path))
    for damaged in [whole.dropLast(), whole + Data([0]), Data(), Data("x\none\ntwo".utf8)] {
      try damaged.write(to: URL(fileURLWithPath: path))
      XCTAssertNil(KeptFile.read(path))
      XCTAssertFalse(FileManager.default.fileExists(atPath: path))
    }
    try whole.write(to: URL(fileURLWithPath: path))
    XCTAssertEqual(KeptFile.aged(in: "\(scratch)/kept"), [path])
    XCTAssertThrowsError(try KeptFile.place(at: "\(path)/below") { _ in })
  }
}
