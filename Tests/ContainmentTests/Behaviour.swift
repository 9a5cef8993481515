// SPDX-License-Identifier: GPL-2.0-only

/// Something that ends a program, and how it must be told.
struct Behaviour: Sendable {
  /// As the comment in the code says that marks its line.
  var name: String
  /// For the table.
  var title: String
  var property: String
  /// The target that does it, in Tests/Behaviours/behaviours.inc.
  var entry: String
  /// The same for a kernel: statements, and the functions that they need.
  var statement: String
  var function = ""

  /// One for each pair of a shadow's and a guest's level, first of shadow MMUs and then of direct
  /// ones. Endless ones are not at a guest's level of 2 or 4, to which many scenarios come in the end.
  static let all: [Behaviour] = [
    Behaviour(
      name: "read-null", title: "reads through NULL", property: "crash", entry: "read_null",
      statement: "return *(volatile int *)NULL;"),
    Behaviour(
      name: "write-null", title: "writes through NULL", property: "crash", entry: "write_null",
      statement: "*(volatile int *)NULL = 1;"),
    Behaviour(
      name: "read-wild", title: "reads through a wild pointer", property: "crash",
      entry: "read_wild", statement: "return *(volatile int *)0x123456789000;"),
    Behaviour(
      name: "write-wild", title: "writes through a wild pointer", property: "crash",
      entry: "write_wild", statement: "*(volatile int *)0xdead000000000100 = 1;"),
    Behaviour(
      name: "past-page", title: "writes past a page's end", property: "out-of-bounds",
      entry: "past_page",
      statement: "((volatile char *)get_zeroed_page(GFP_KERNEL_ACCOUNT))[PAGE_SIZE] = 1;"),
    Behaviour(
      name: "big-frame", title: "needs a frame that is larger than the stack", property: "crash",
      entry: "big_frame", statement: "return kshim_frame();",
      function: """
        static noinline int kshim_frame(void)
        { /* big-frame */
        \tvolatile char room[1 << 20];

        \troom[0] = 1;
        \treturn room[0];
        }
        """),
    Behaviour(
      name: "recursion", title: "calls itself without an end", property: "crash",
      entry: "recursion", statement: "return kshim_descend(1);",
      function: """
        static noinline int kshim_descend(int depth)
        { /* recursion */
        \tvolatile int here = depth;

        \treturn here < 0 ? 0 : kshim_descend(depth + 1) + here;
        }
        """),
    Behaviour(
      name: "illegal-instruction", title: "reaches an illegal instruction", property: "crash",
      entry: "illegal_instruction", statement: "__builtin_trap();"),
    Behaviour(
      name: "division", title: "divides by a variable that is zero", property: "crash",
      entry: "division", statement: "return 1 / *(volatile int *)&kshim_zero;",
      function: "static int kshim_zero;"),
    Behaviour(
      name: "division-folded", title: "divides by a zero that the compiler knows",
      property: "crash", entry: "division_folded", statement: "return 1 / none;"),
    Behaviour(
      name: "bug", title: "reaches BUG()", property: "crash", entry: "bug", statement: "BUG();"),
    Behaviour(
      name: "panic", title: "calls panic()", property: "crash", entry: "panics",
      statement: "panic(\"kshim\");"),
    Behaviour(
      name: "endless-loop", title: "loops without an end", property: "hang",
      entry: "endless_loop", statement: "for (;;) cpu_relax();"),
    Behaviour(
      name: "exit", title: "calls do_exit()", property: "crash", entry: "exits",
      statement: "do_exit(0);"),
    Behaviour(
      name: "double-lock", title: "takes a lock twice", property: "double-lock",
      entry: "double_lock",
      statement: "write_lock(&vcpu->kvm->mmu_lock), write_lock(&vcpu->kvm->mmu_lock);"),
    Behaviour(
      name: "foreign-unlock", title: "releases a lock that it does not hold",
      property: "lock-imbalance", entry: "foreign_unlock",
      statement: "write_unlock(&vcpu->kvm->mmu_lock);"),
    Behaviour(
      name: "wild-jump", title: "calls through a wild pointer", property: "crash",
      entry: "wild_jump", statement: "return ((int (*volatile)(void))0x123456789000)();"),
    Behaviour(
      name: "write-constant", title: "writes to a constant", property: "crash",
      entry: "write_constant", statement: "*(volatile int *)&kshim_constant = 2;",
      function: "static const int kshim_constant = 1;"),
    Behaviour(
      name: "write-text", title: "writes to its own code", property: "crash",
      entry: "write_text", statement: "*(volatile char *)kshim_behave = 0;"),
    Behaviour(
      name: "past-array", title: "reads past the end of an array of its frame",
      property: "out-of-bounds", entry: "past_array", statement: "return kshim_past_array();",
      function: """
        static noinline int kshim_sum(const volatile int *array, int count)
        {
        \tint sum = 0;

        \twhile (count-- > 0)
        \t\tsum += *array++; /* past-array */
        \treturn sum;
        }

        static noinline int kshim_past_array(void)
        {
        \tint array[3] = { 1, 2, 3 };

        \treturn kshim_sum(array, 4);
        }
        """),
    Behaviour(
      name: "past-global", title: "writes past the end of an array that outlives the call",
      property: "out-of-bounds", entry: "past_global",
      statement: "kshim_fill(kshim_first, 4); return kshim_sum(kshim_second, 3);",
      function: """
        static int kshim_first[3], kshim_second[3];

        static noinline void kshim_fill(volatile int *array, int count)
        {
        \twhile (count-- > 0)
        \t\t*array++ = 1; /* past-global */
        }
        """),
    Behaviour(
      name: "past-string", title: "copies a string that is longer than its room",
      property: "out-of-bounds", entry: "past_string", statement: "return kshim_past_string();",
      function: """
        static noinline int kshim_past_string(void)
        {
        \tchar room[4];

        \tstrcpy(room, "five"); /* past-string */
        \treturn *(volatile char *)room;
        }
        """),
    Behaviour(
      name: "out-of-scope", title: "reads a variable of a block that was left",
      property: "use-after-free", entry: "out_of_scope", statement: "return kshim_out_of_scope();",
      function: """
        static noinline int kshim_out_of_scope(void)
        {
        \tvolatile int *left;

        \t{
        \t\tvolatile int inner = 1;

        \t\tleft = &inner;
        \t}
        \treturn *left; /* out-of-scope */
        }
        """),
  ]
}
