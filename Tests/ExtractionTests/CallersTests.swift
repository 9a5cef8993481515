// SPDX-License-Identifier: GPL-2.0-only
import XCTest

@testable import Extraction

/// What other files say of a function's answer.
final class CallersTests: XCTestCase {
  func test_mostFilesThatCallOne_callTheOtherToo() {
    let both = "int a(void)\n{\n\tbegin_it(1);\n\tend_it(1);\n}\n"
    let one = "int a(void)\n{\n\tbegin_it(1);\n\tdo_not_end_it(1);\n}\n"
    XCTAssertEqual(
      Callers(texts: [both, both, both, one]).most(of: ["end_it", "stop_it"], with: "begin_it"),
      ["end_it"])
    XCTAssertEqual(
      Callers(texts: [both, both, one]).most(of: ["end_it"], with: "begin_it"), [])
    XCTAssertEqual(
      Callers(texts: [both, both, both, one, one, one]).most(of: ["end_it"], with: "begin_it"), [])
  }

  func test_answerThatIsAssignedTestedOrReturned_isTaken() {
    let callers = Callers(texts: [
      """
      int a(void)
      {
      \tint ret = take_it(1);

      \tif (take_it(2))
      \t\treturn take_it(3);
      \treturn 0;
      }
      """
    ])
    let (taken, dropped) = callers.count(of: "take_it")
    XCTAssertEqual(taken, 3)
    XCTAssertEqual(dropped, 0)
  }

  func test_statementOfItsOwn_isNot_andADeclarationIsNoCall() {
    let callers = Callers(texts: [
      """
      int take_it(int which);
      void b(void)
      {
      \ttake_it(1);
      \tif (c())
      \t\ttake_it(2);
      \telse
      \t\ttake_it(3);
      \tdo_not_take_it(4);
      }
      """
    ])
    let (taken, dropped) = callers.count(of: "take_it")
    XCTAssertEqual(taken, 0)
    XCTAssertEqual(dropped, 3)
  }

  func test_testsNextToTheCall_sayWhatAPointerCanBe() {
    let callers = Callers(texts: [
      """
      \tx->one = find_it(x);
      \tif (IS_ERR(x->one))
      \t\treturn PTR_ERR(x->one);
      """,
      """
      \ttwo = find_it(y);
      \tif (!two)
      \t\treturn;
      """,
      "\tthree = find_it(z);\n\tuse(three);\n",
    ])
    let tests = callers.tests(of: "find_it")
    XCTAssertEqual(tests.error, 1)
    XCTAssertEqual(tests.null, 1)
    XCTAssertEqual(tests.none, 1)
    XCTAssertFalse(tests.isMostly(tests.error))
    XCTAssert(Callers.Tests(null: 0, error: 4, none: 1).isMostly(4))
    XCTAssertFalse(Callers.Tests(null: 0, error: 2, none: 0).isMostly(2))
  }
}
