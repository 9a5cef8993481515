// SPDX-License-Identifier: GPL-2.0-only
import Failures
import XCTest

@testable import Extraction

/// How clang's words and make's rules are read.
final class CompilerReportTests: XCTestCase {
  private let report = CompilerReport(
    asked: "compile s from k", tree: "/t/linux: a", isPatched: true, manifestPath: "/k/s.yaml")

  func test_messages_areReadWhateverIsAroundThem() {
    let messages = CompilerReport.messages([
      "In file included from a.c:1:", "a.c:2:1: warning: odd", "    2 | odd",
      "dir: x/a.c:12:3: error: call to 'f': no", "   12 |   f();", "      |   ^",
      "a.c:1:1: note: here", "    1 | here", "b.c:7:9: fatal error: 'x.h' file not found",
      "clang: error: linker command failed", "error: unsupported", "2 errors generated.",
    ])
    XCTAssertEqual(messages.map(\.file), ["dir: x/a.c", "b.c", "", ""])
    XCTAssertEqual(messages.map(\.line), [12, 7, 0, 0])
    XCTAssertEqual(
      messages.map(\.text),
      ["call to 'f': no", "'x.h' file not found", "linker command failed", "unsupported"])
    XCTAssertEqual(messages.map(\.shown.count), [2, 0, 0, 0])
  }

  func test_failure_speaksOfTheKernelsOwnPath() {
    let failure = report.failure([
      "kshim-harness:1:1: error: no", "/t/linux: a/include/x.h:5:6: error: static assertion failed",
    ])
    XCTAssertEqual(failure.kind, .build)
    XCTAssertEqual(failure.place, "include/x.h:5")
    XCTAssertEqual(failure.cause, "include/x.h does not compile: static assertion failed")
    XCTAssertEqual(failure.remedy, "mend the patch at that line")
  }

  func test_failureWithoutAPlace_isTheToolsOwn() {
    XCTAssertEqual(report.failure([]).kind, .tool)
    let failure = report.failure(["clang: error: unable to execute command"])
    XCTAssertEqual(failure.kind, .tool)
    XCTAssertEqual(failure.cause, "unable to execute command")
  }

  func test_failureOfTheHarness_isTheManifests() {
    let failure = report.failure(["kshim-harness:3:1: error: no", "    3 | value = x;"])
    XCTAssertEqual(failure.kind, .build)
    XCTAssertEqual(failure.place, "/k/s.yaml")
    XCTAssertEqual(failure.evidence, ["    3 | value = x;"])
  }

  func test_prerequisites_areReadWithTheirEscapes() {
    XCTAssertEqual(
      Extraction.prerequisites(rule: "unit.o: unit.c \\\n  /a\\ b/c.h \\\n /d$$e.h /f\\#.h\n"),
      ["unit.c", "/a b/c.h", "/d$e.h", "/f#.h"])
  }

  func test_conditionals_areTakenWithTheirPartners() {
    func balanced(_ text: String, _ part: String) -> String {
      let range = text.range(of: part)!
      let start = text.utf8.distance(from: text.startIndex, to: range.lowerBound)
      let bytes = Array(text.utf8)
      let result = Conditionals.balanced(start..<(start + part.utf8.count), in: bytes)
      return String(decoding: bytes[result], as: UTF8.self)
    }
    XCTAssertEqual(
      balanced("a\nf()\n{\n#if X\n x\n#endif\n}\nb\n", "f()\n{\n#if X\n x\n#endif\n}"),
      "f()\n{\n#if X\n x\n#endif\n}")
    XCTAssertEqual(
      balanced(
        "#if A\n#endif\n# ifdef X\nf(a)\n#else\nf()\n#endif\n{\n}\nb\n",
        "f(a)\n#else\nf()\n#endif\n{\n}"),
      "# ifdef X\nf(a)\n#else\nf()\n#endif\n{\n}")
    XCTAssertEqual(
      balanced(
        "#if A\n#if B\n#endif\nf()\n#endif\n{\n#if C\n}\n#if D\n#endif\n#endif\nb\n",
        "f()\n#endif\n{\n#if C\n}"),
      "#if A\n#if B\n#endif\nf()\n#endif\n{\n#if C\n}\n#if D\n#endif\n#endif\n")
    XCTAssertEqual(balanced("#endif", "#endif"), "#endif")
    XCTAssertEqual(balanced("a\n#if", "#if"), "#if")
  }
}
