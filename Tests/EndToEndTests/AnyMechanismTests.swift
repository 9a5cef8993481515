// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import KernelSource
import Reporting
import TestSupport
import XCTest

/// What has to be known of the kernel for a failure to be reached, and for what is left after it to be
/// told: each on functions of its own, which a patch adds to a file.
final class AnyMechanismTests: EndToEndTestCase {
  private static let file = "lib/genalloc.c"
  private static let header = "include/linux/genalloc.h"
  private static let anchor = "static inline size_t chunk_size("

  private static let declared = """
    #include <linux/kref.h>
    #include <linux/list.h>
    struct sk_buff;
    struct own_box {
    \tstruct list_head node;
    \tstruct kref users;
    \tint count;
    };
    struct own_end {
    \tint length;
    \tu8 rest[] __aligned(8);
    };
    struct own_rest {
    \tchar text[600];
    \tint state;
    };
    struct own_request {
    \tu32 version, count;
    };
    struct own_command {
    \tint number;
    };
    int own_work(void *what);
    struct own_box *own_next_box(struct own_box *box);
    struct own_box *boxget(void);
    void boxput(struct own_box *box);
    void *own_slot_get(struct own_box *box);
    void own_slot_put(struct own_box *box);
    struct sk_buff *own_message_alloc(int size);

    """

  private static let included = """
    #include <linux/blk-mq.h>
    #include <linux/ctype.h>
    #include <linux/pm_runtime.h>
    #include <linux/uaccess.h>
    #include <net/netlink.h>
    static LIST_HEAD(own_boxes);
    static struct own_state {
    \tstruct mutex lock;
    \tbool ready;
    } own_state = {
    \t.lock = __MUTEX_INITIALIZER(own_state.lock),
    };
    void own_ready(void)
    {
    \town_state.ready = true;
    }
    void own_lower(struct own_box *box)
    {
    \tbox->count--;
    \tboxput(box);
    \town_slot_put(box);
    }
    void own_forget(int size)
    {
    \tstruct sk_buff *message = own_message_alloc(size);

    \tnlmsg_free(message);
    }
    static int own_last(void)
    {
    \tvoid *memory = kmalloc(8, GFP_KERNEL);

    \tif (!memory)
    \t\treturn -ENOMEM;
    \tif (own_work(memory))
    \t\treturn -EIO;
    \tkfree(memory);
    \treturn 0;
    }

    """

  /// Adds a function and judges it.
  private func properties(of function: String, _ text: String) async throws -> [String] {
    let tree = try await store.need(["lib", "include"], of: kernel())
    let patch = try await patch(
      "own.patch",
      [
        KernelEdit(Self.header, .insertBefore("struct device;\n", Self.declared)),
        KernelEdit(Self.file, .insertBefore(Self.anchor, Self.included + text)),
      ], of: tree)
    let ran = try await kshim(
      "check", "--patch", patch, "--function", "\(Self.file):\(function)", "--format", "json")
    return try verdict(ran).findings.filter { $0.function == function || $0.function == "own_last" }
      .map(\.property)
  }

  private func assertFound(
    _ property: String, in function: String, _ text: String, line: UInt = #line
  ) async throws {
    let found = try await properties(of: function, text)
    XCTAssert(found.contains(property), "\(function): \(found)", line: line)
  }

  // MARK: What is left

  func test_deviceIsKeptAwake() async throws {
    func text(_ put: String) -> String {
      """
      int own_wake(struct device *dev)
      {
      \tint error = pm_runtime_resume_and_get(dev);

      \tif (error < 0)
      \t\treturn error;
      \terror = own_work(dev);
      \tif (error) {
      \t\t\(put)
      \t\treturn error;
      \t}
      \tpm_runtime_put_autosuspend(dev);
      \treturn 0;
      }

      """
    }
    try await assertFound("unreleased", in: "own_wake", text(""))
    let found = try await properties(of: "own_wake", text("pm_runtime_put_noidle(dev);"))
    XCTAssertEqual(found, [])
  }

  func test_whatWasHandedIsLeftInAList() async throws {
    func text(_ undo: String) -> String {
      """
      int own_enlist(struct own_box *box)
      {
      \tint error;

      \tlist_add_tail(&box->node, &own_boxes);
      \terror = own_work(box);
      \tif (error)
      \t\t\(undo)
      \treturn error;
      }

      """
    }
    try await assertFound("partial-state", in: "own_enlist", text("error = -EIO;"))
    let found = try await properties(of: "own_enlist", text("list_del_init(&box->node);"))
    XCTAssertEqual(found, [])
  }

  func test_whatWasAllocatedMayStandInAListOfAnArgument() async throws {
    let found = try await properties(
      of: "own_keep",
      """
      int own_keep(struct own_box *box)
      {
      \tstruct own_box *kept = kzalloc(sizeof(*kept), GFP_KERNEL);

      \tif (!kept)
      \t\treturn -ENOMEM;
      \tlist_add_tail(&kept->node, &box->node);
      \treturn own_work(box);
      }

      """)
    XCTAssertEqual(found, [])
  }

  func test_countIsRaised() async throws {
    func text(_ undo: String) -> String {
      """
      int own_raise(struct own_box *box)
      {
      \tint error;

      \tbox->count++;
      \terror = own_work(box);
      \tif (error)
      \t\t\(undo)
      \treturn error;
      }

      """
    }
    try await assertFound("partial-state", in: "own_raise", text("error = -EIO;"))
    let found = try await properties(of: "own_raise", text("box->count--;"))
    XCTAssertEqual(found, [])
  }

  func test_statusIsAFailure() async throws {
    func text(_ undo: String) -> String {
      """
      blk_status_t own_status(struct own_box *box)
      {
      \tif (!own_slot_get(box))
      \t\treturn BLK_STS_RESOURCE;
      \tif (own_work(box)) {
      \t\t\(undo)
      \t\treturn BLK_STS_IOERR;
      \t}
      \treturn BLK_STS_OK;
      }

      """
    }
    try await assertFound("unreleased", in: "own_status", text(""))
    let found = try await properties(of: "own_status", text("own_slot_put(box);"))
    XCTAssertEqual(found, [])
  }

  func test_verbsOfOneWordArePairs() async throws {
    try await assertFound(
      "unreleased", in: "own_borrow",
      """
      int own_borrow(void)
      {
      \tstruct own_box *box = boxget();

      \treturn own_work(box) ? -EIO : 0;
      }

      """)
  }

  func test_whatIsPutIntoAMessageIsNotGivenBack() async throws {
    try await assertFound(
      "unreleased", in: "own_send",
      """
      int own_send(void)
      {
      \tstruct sk_buff *message = own_message_alloc(8);

      \tif (nla_put_u32(message, 1, 2))
      \t\treturn -EMSGSIZE;
      \tnlmsg_free(message);
      \treturn 0;
      }

      """)
  }

  // MARK: What has to be for the failure to be reached

  func test_userSendsWhatIsAskedFor() async throws {
    try await assertFound(
      "leak", in: "own_asked",
      """
      long own_asked(void __user *argument)
      {
      \tstruct own_request request;

      \tif (copy_from_user(&request, argument, sizeof(request)))
      \t\treturn -EFAULT;
      \tif (request.version != 7 || !request.count)
      \t\treturn -EINVAL;
      \treturn own_last();
      }

      """)
  }

  func test_kindsOfCharactersAreTheKernels() async throws {
    try await assertFound(
      "leak", in: "own_blank",
      """
      int own_blank(void)
      {
      \treturn isspace(' ') && !isspace('x') ? own_last() : 0;
      }

      """)
  }

  func test_pointerThatIsIndexedPointsToSeveral() async throws {
    try await assertFound(
      "leak", in: "own_several",
      """
      int own_several(struct own_box *boxes)
      {
      \tfor (int i = 0; i < 3; i++)
      \t\tboxes[i].count = 0;
      \treturn own_last();
      }

      """)
  }

  func test_endOfAnObjectIsAnotherOne() async throws {
    try await assertFound(
      "leak", in: "own_behind",
      """
      int own_behind(struct own_end *end)
      {
      \tstruct own_rest *rest = (struct own_rest *)end->rest;

      \trest->state = 1;
      \treturn own_last();
      }

      """)
  }

  func test_objectStandsBehindAnother() async throws {
    try await assertFound(
      "leak", in: "own_before",
      """
      int own_before(struct own_command *command)
      {
      \tstruct request *request = blk_mq_rq_from_pdu(command);

      \trequest->timeout = 1;
      \treturn own_last();
      }

      """)
  }

  func test_bitsBehindAMaskAreTried() async throws {
    try await assertFound(
      "leak", in: "own_masked",
      """
      int own_masked(unsigned int flags)
      {
      \tif ((flags & 0xf0) != 0x30)
      \t\treturn -EINVAL;
      \treturn own_last();
      }

      """)
  }

  func test_walkToNullEnds() async throws {
    try await assertFound(
      "leak", in: "own_walk",
      """
      int own_walk(struct own_box *box)
      {
      \tfor (; (box = own_next_box(box)) != NULL;)
      \t\tbox->count = 0;
      \treturn own_last();
      }

      """)
  }

  func test_countThatIsAskedForCanBeGone() async throws {
    try await assertFound(
      "leak", in: "own_revive",
      """
      int own_revive(struct own_box *box)
      {
      \tif (kref_get_unless_zero(&box->users))
      \t\treturn 0;
      \treturn own_last();
      }

      """)
  }

  func test_whatTheFileSetsElsewhereIsSet() async throws {
    try await assertFound(
      "leak", in: "own_when_ready",
      """
      int own_when_ready(void)
      {
      \tif (!own_state.ready)
      \t\treturn 0;
      \treturn own_last();
      }

      """)
  }
}
