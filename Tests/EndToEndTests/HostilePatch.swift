// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import KernelSource
import TestSupport

/// A patch that a reviewer may be sent to be harmed. It touches what a test has put up for it, and
/// the loopback.
struct HostilePatch: Sendable {
  enum Kind: String, Sendable, CaseIterable {
    case compileTime = "compile time"
    case loadTime = "load time"
    case runTime = "run time"
    case forgedVerdict = "forged verdict"
    case denialOfService = "denial of service"
    case terminal
  }

  /// What a payload may touch; each row has its own.
  struct Targets: Sendable {
    /// In the name of every file that is made, and in the arguments of every process.
    let mark: String
    let directory: String
    let cache: String
    /// Of a listener on the loopback.
    let port: UInt16
    /// A process that is there to be harmed.
    let victim: Int32

    var secret: String { "\(directory)/secret.h" }
    var canary: String { "\(directory)/canary" }
    /// A file that is there to be harmed.
    var spoiled: String { "\(directory)/victim" }
    /// Of what is done once in many runs.
    var once: String { "/tmp/\(mark)" }
    var shared: String { "/dev/shm/\(mark)" }
    var segment: UInt32 { UInt32(mark.suffix(7), radix: 16)! }

    func placed(in text: String) -> String {
      var text = text
      for (name, value) in [
        ("MARK", mark), ("SECRET", secret), ("CANARY", canary), ("VICTIM", spoiled),
        ("ONCE", once), ("SHARED", shared), ("CACHE", cache), ("DIRECTORY", directory),
        ("PID", "\(victim)"), ("HIGH", "\(port >> 8)"), ("LOW", "\(port & 255)"),
        ("SEGMENT", "\(segment)"),
      ] { text = text.replacingOccurrences(of: "@\(name)@", with: value) }
      return text
    }
  }

  static let file = "lib/argv_split.c"
  static let function = "argv_split"
  private static let free = "kfree(argv_str);"

  let name: String
  let kind: Kind
  /// Ahead of the function.
  var above = ""
  /// In the function's first error path.
  var body = ""
  /// Whether that path still frees what it has to.
  var leaks = false
  /// Behind the diff.
  var more = ""
  var options: [String] = []
  /// The patch itself, where it is no edit of the function.
  var content: (@Sendable (Targets, KernelTree) async throws -> Data)?

  /// The file to check.
  func patch(_ targets: Targets, of tree: KernelTree) async throws -> Data {
    if let content { return try await content(targets, tree) }
    var edits: [KernelEdit] = []
    if !above.isEmpty {
      edits.append(
        KernelEdit(Self.file, .insertBefore("\(Self.function)(gfp", targets.placed(in: above))))
    }
    if !body.isEmpty || leaks {
      let text = targets.placed(in: body) + (leaks ? ";" : Self.free)
      edits.append(KernelEdit(Self.file, in: Self.function, .replace(Self.free, with: text)))
    }
    let diff = try await KernelEdit.patch(edits, of: tree).content
    return diff + Data(targets.placed(in: more).utf8)
  }

  // MARK: What they are made of

  /// System calls, which no instrument sees.
  private static let calls = #"""
    static long hostile6(long n, long a, long b, long c, long d, long e, long f)
    {
    	register long r10 asm("r10") = d;
    	register long r8 asm("r8") = e;
    	register long r9 asm("r9") = f;
    	long r;

    	asm volatile("syscall" : "=a"(r)
    		: "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
    		: "rcx", "r11", "memory");
    	return r;
    }
    #define H(n, a, b, c) hostile6(n, (long)(a), (long)(b), (long)(c), 0, 0, 0)
    #define H6(n, a, b, c, d, e, f) \
    	hostile6(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
    static unsigned char hostile_data[65536];
    static long hostile_time[2] = { 0, 200000000 };
    static char *hostile_args[] = { "sh", "-c", "sleep 45; : @MARK@", 0 };
    static char *hostile_env[] = { 0 };
    static void hostile_sleep(void)
    {
    	H(35, hostile_time, 0, 0);
    }
    static int hostile_once(void)
    {
    	return H(2, "@ONCE@", 0301, 0644) != -17;
    }
    static void hostile_write(const char *path)
    {
    	long f = H(2, path, 0101, 0644);

    	H(1, f, "hostile\n", 8);
    	H(3, f, 0, 0);
    }
    static void hostile_send(const void *data, long size)
    {
    	static unsigned char place[16] = { 2, 0, @HIGH@, @LOW@, 127, 0, 0, 1 };
    	long s = H(41, 2, 1, 0);

    	if (!H(42, s, place, 16))
    		H(1, s, data, size);
    	H(3, s, 0, 0);
    }

    """#

  /// Something that system calls do, which has to be allowed.
  private static func native(
    _ name: String, kind: Kind = .runTime, leaks: Bool = false, allow: String = "asm",
    _ body: String
  ) -> HostilePatch {
    HostilePatch(
      name: name, kind: kind, above: calls, body: "{ \(body) }", leaks: leaks,
      options: ["--allow", allow])
  }

  private static func newFile(_ path: String, _ lines: [String], mode: String = "100644") -> String
  {
    "diff --git a/\(path) b/\(path)\nnew file mode \(mode)\n--- /dev/null\n+++ b/\(path)\n"
      + "@@ -0,0 +1,\(lines.count) @@\n" + lines.map { "+\($0)\n" }.joined()
  }

  private static func repeated(_ text: String, _ count: Int) -> String {
    String(repeating: text, count: count)
  }

  /// Writes the canary, and calls nothing.
  private static let naked = #"""
    mov $2, %eax\n\tlea 1f(%rip), %rdi\n\tmov $65, %esi\n\tmov $420, %edx\n\tsyscall\n\tret\n1: .asciz \"@CANARY@\"
    """#

  private static let up = repeated("../", 24)

  static let all: [HostilePatch] =
    compileTime + loadTime + runTime + forged + denials + terminals

  // MARK: Compile time

  private static let compileTime: [HostilePatch] = [
    HostilePatch(
      name: "include of a secret", kind: .compileTime, above: "#include \"@SECRET@\""),
    HostilePatch(
      name: "include by ..", kind: .compileTime, above: "#include \"\(up)@SECRET@\""),
    HostilePatch(
      name: "include of what a macro says", kind: .compileTime,
      above: "#define FILE \"@SECRET@\"\n#include FILE"),
    HostilePatch(
      name: "include of what a macro spells", kind: .compileTime,
      above: "#define TEXT(x) #x\n#define FILE(x) TEXT(x)\n#include FILE(@SECRET@)"),
    HostilePatch(
      name: "include by a link", kind: .compileTime, above: "#include \"hostile.h\"",
      more: newFile("lib/hostile.h", ["@SECRET@"], mode: "120000")
        + "\\ No newline at end of file\n"),
    HostilePatch(
      name: "#embed of a secret", kind: .compileTime,
      body: "{ static const char s[] = {\n#embed \"@SECRET@\"\n}; (void)s; }"),
    native(
      ".incbin of a secret", kind: .compileTime,
      #"extern const char hostile_bin[]; asm(".pushsection .rodata\nhostile_bin: .incbin \"@SECRET@\"\n.popsection"); hostile_send(hostile_bin, 64);"#
    ),
    HostilePatch(
      name: "assembler's .include", kind: .compileTime,
      body: #"asm(".include \"@SECRET@\"");"#, options: ["--allow", "asm"]),
    HostilePatch(
      name: "options in a makefile", kind: .compileTime,
      content: { targets, tree in
        let edits = [
          KernelEdit(
            file, .insertBefore("\(function)(gfp", "#include \"secret.h\"")),
          KernelEdit(
            "lib/Makefile",
            .append(
              "CFLAGS_argv_split.o := -I@DIRECTORY@ -include @SECRET@\nccflags-y += -I@DIRECTORY@")),
        ]
        let diff = try await KernelEdit.patch(edits, of: tree).content
        return Data(targets.placed(in: String(decoding: diff, as: UTF8.self)).utf8)
      }),
  ]

  // MARK: Load time

  private static let loadTime: [HostilePatch] = [
    HostilePatch(
      name: "constructor", kind: .loadTime,
      above: "static void __attribute__((constructor, naked, used)) hostile_load(void)\n"
        + "{\n\tasm(\"\(naked)\");\n}",
      body: "if (argc == 77) hostile_load();", options: ["--allow", "asm,constructor"]),
    HostilePatch(
      name: ".init_array by an attribute", kind: .loadTime,
      above: "static void __attribute__((naked, used)) hostile_load(void)\n"
        + "{\n\tasm(\"\(naked)\");\n}\n"
        + "static void (*hostile_at)(void) __attribute__((section(\".init_array\"), used))"
        + " = hostile_load;",
      body: "if (argc == 77) hostile_at();", options: ["--allow", "asm,constructor,section"]),
    HostilePatch(
      name: ".init_array by assembly", kind: .loadTime,
      body:
        "asm volatile(\".pushsection .text\\nhostile_load: \(naked)\\n.popsection\\n"
        + ".pushsection .init_array,\\\"aw\\\"\\n.quad hostile_load\\n.popsection\");",
      options: ["--allow", "asm,constructor"]),
    HostilePatch(
      name: "destructor", kind: .loadTime,
      above: calls + "static void hostile_end(void) __attribute__((destructor));\n"
        + "static void hostile_end(void) { hostile_write(\"@CANARY@\"); H(231, 0, 0, 0); }",
      body: "if (argc == 77) hostile_end();", leaks: true, options: ["--allow", "asm,constructor"]),
  ]

  // MARK: Run time

  private static let runTime: [HostilePatch] = [
    native(
      "secret sent to a listener",
      #"long f = H(2, "@SECRET@", 0, 0); long n = H(0, f, hostile_data, 100); hostile_send(hostile_data, n);"#
    ),
    native(
      "environment of the parent sent",
      #"""
      static char path[] = "/proc/0000000000/environ";
      long p = H(110, 0, 0, 0), i, n, f;
      for (i = 15; i > 5; i--, p /= 10) path[i] = '0' + p % 10;
      for (i = 6; path[i] == '0'; i++) ;
      for (n = 0; path[i + n]; n++) path[6 + n] = path[i + n];
      path[6 + n] = 0;
      f = H(2, path, 0, 0);
      n = H(0, f, hostile_data, 65536);
      hostile_send(hostile_data, n);
      """#),
    native("file written", #"hostile_write("@CANARY@");"#),
    native("file in the working directory", #"hostile_write("@MARK@");"#),
    native("file in shared memory", #"hostile_write("@SHARED@");"#),
    native("shared memory segment left", "H(29, @SEGMENT@, 4096, 01600);"),
    native("folder made", #"H(83, "@CANARY@", 0755, 0);"#),
    native(
      "file replaced by a link", #"H(87, "@VICTIM@", 0, 0); H(88, "/dev/null", "@VICTIM@", 0);"#),
    native("file renamed", #"H(82, "@VICTIM@", "@VICTIM@.gone", 0);"#),
    native("file removed", #"H(87, "@VICTIM@", 0, 0);"#),
    native("file cut off", #"H(76, "@VICTIM@", 0, 0);"#),
    native("file's mode changed", #"H(90, "@VICTIM@", 0777, 0);"#),
    native(
      "own memory opened as a file",
      #"long f = H(2, "/proc/self/mem", 2, 0); if (f >= 0) hostile_write("@CANARY@");"#),
    native("fork that goes on", "if (!H(57, 0, 0, 0)) for (;;) hostile_sleep();"),
    native(
      "fork, setsid, fork, exec",
      #"if (!H(57, 0, 0, 0)) { H(112, 0, 0, 0); if (!H(57, 0, 0, 0)) H(59, "/bin/sh", hostile_args, hostile_env); H(231, 0, 0, 0); }"#
    ),
    native(
      "clone as a child of the parent, exec",
      #"if (!H6(56, 0x8000 | 17, 0, 0, 0, 0, 0)) { H(59, "/bin/sh", hostile_args, hostile_env); H(231, 0, 0, 0); }"#
    ),
    native("exec in place", #"H(59, "/bin/sh", hostile_args, hostile_env);"#),
    native(
      "thread that goes on",
      #"""
      static char path[] = "@CANARY@";
      register long r8 asm("r8") = (long)path;
      register long r9 asm("r9") = (long)hostile_time;
      long r;
      asm volatile("syscall\n\ttest %%rax, %%rax\n\tjnz 1f\n\tmov %%r8, %%rbx\n\tmov %%r9, %%rbp\n"
      	"2: mov $35, %%eax\n\tmov %%rbp, %%rdi\n\txor %%esi, %%esi\n\tsyscall\n\t"
      	"mov $2, %%eax\n\tmov %%rbx, %%rdi\n\tmov $65, %%esi\n\tmov $420, %%edx\n\tsyscall\n\tjmp 2b\n1:"
      	: "=a"(r) : "a"(56), "D"(0x50f00), "S"(hostile_data + 65472), "d"(0), "r"(r8), "r"(r9)
      	: "rbx", "rcx", "r11", "r10", "memory");
      hostile_sleep();
      hostile_sleep();
      """#),
    native("traced by its parent, stopped", "H(101, 0, 0, 0); H(62, H(39, 0, 0, 0), 19, 0);"),
    native("another process traced", "H(101, 16, @PID@, 0); hostile_sleep(); H(231, 3, 0, 0);"),
    native("another process stopped", "H(62, @PID@, 19, 0);"),
    native("another process killed", "H(62, @PID@, 15, 0);"),
    native(
      "parent killed", "H(157, 1, 0, 0); H(62, H(110, 0, 0, 0), 9, 0); for (;;) hostile_sleep();"),
    native("itself killed", "H(62, H(39, 0, 0, 0), 9, 0);"),
    native(
      "signals blocked, then a fault",
      #"static unsigned long all = -1; H6(14, 0, &all, 0, 8, 0, 0); asm volatile("movb $1, 0");"#),
  ]

  // MARK: Forged verdicts

  private static let line = #"H(1, 1, "FORGED: clean\n", 14);"#

  private static let forged: [HostilePatch] = [
    HostilePatch(
      name: "#ifdef on the harness", kind: .forgedVerdict,
      body: "\n#ifdef KSHIM_RUNTIME_H\n\(free)\n#endif\n", leaks: true),
    HostilePatch(
      name: "the module's name", kind: .forgedVerdict,
      body: "if (KBUILD_MODNAME[1] == 's') \(free)", leaks: true),
    HostilePatch(
      name: "the sanitizer", kind: .forgedVerdict,
      body:
        "\n#if __has_feature(address_sanitizer) || defined(__SANITIZE_ADDRESS__)\n\(free)\n#endif\n",
      leaks: true),
    HostilePatch(
      name: "bytes that shift offsets", kind: .forgedVerdict,
      content: { _, tree in
        let text = try KernelEdit.text(of: function, in: file, of: tree)
        let byte = "\u{10FFE9}"
        return try await KernelEdit.patch(
          [
            KernelEdit(file, in: function, .append("#if 0\n\(text)#endif")),
            KernelEdit(file, in: function, .replace(free, with: ";")),
            KernelEdit(
              file,
              .insertBefore(
                "\(function)(gfp", "/*" + repeated(byte, text.utf8.count / 2) + "*/")),
          ], of: tree
        ).content
      }),
    HostilePatch(
      name: "runtime called by name", kind: .forgedVerdict,
      body: "kshim_free((unsigned long)argv_str, 0, 4096, 0);", leaks: true),
    HostilePatch(
      name: "runtime called by assembly", kind: .forgedVerdict,
      body:
        #"asm volatile("call ksh" "im_free" : : "D"(argv_str), "S"(0), "d"(4096), "c"(0) : "rax", "r8", "r9", "r10", "r11", "memory");"#,
      leaks: true),
    HostilePatch(
      name: "memory of the runtime made writable", kind: .forgedVerdict,
      body:
        #"asm volatile("syscall" : : "a"(10), "D"((long)argv & -4096), "S"(4096), "d"(7) : "rcx", "r11", "memory");"#,
      leaks: true),
    native("end with 0", kind: .forgedVerdict, leaks: true, "H(231, 0, 0, 0);"),
    native(
      "forged line, then the end", kind: .forgedVerdict, leaks: true, "\(line) H(231, 0, 0, 0);"),
    native(
      "forged line, then no output", kind: .forgedVerdict, leaks: true,
      #"long f = H(2, "/dev/null", 1, 0); \#(line) H(33, f, 1, 0); H(33, f, 2, 0);"#),
    native(
      "descriptors closed", kind: .forgedVerdict, leaks: true,
      "H(3, 0, 0, 0); H(3, 1, 0, 0); H(3, 2, 0, 0);"),
    native(
      "an end told on every descriptor", kind: .forgedVerdict, leaks: true,
      #"long i; for (i = 3; i < 256; i++) H(1, i, "", 1); H(231, 0, 0, 0);"#),
    native(
      "file in the cache", kind: .forgedVerdict, #"hostile_write("@CACHE@/kshim/results/@MARK@");"#),
  ]

  // MARK: Denial of service

  private static let denials: [HostilePatch] = [
    HostilePatch(
      name: "macro bomb", kind: .denialOfService,
      above: (0..<14).map { "#define B\($0) " + repeated("B\($0 + 1) ", 4) + "\n" }.joined()
        + "#define B14 1 +", body: "argc = B0 0;"),
    HostilePatch(
      name: "headers that include each other", kind: .denialOfService,
      above: "#include \"hostile0.h\"",
      more: (0..<30).map {
        newFile(
          "lib/hostile\($0).h",
          Array(repeating: "#include \"hostile\($0 + 1).h\"", count: 4))
      }.joined() + newFile("lib/hostile30.h", [""])),
    HostilePatch(
      name: "include of /dev/zero", kind: .denialOfService, above: "#include \"/dev/zero\""),
    HostilePatch(
      name: "60,000 parentheses", kind: .denialOfService,
      body: "argc = \(repeated("(", 60_000))1\(repeated(")", 60_000));"),
    HostilePatch(
      name: "60,000 blocks", kind: .denialOfService,
      body: repeated("{", 60_000) + repeated("}", 60_000)),
    HostilePatch(
      name: "100,000 operators", kind: .denialOfService,
      body: "argc = \(repeated("- ", 100_000))1;"),
    HostilePatch(
      name: "20,000 else if", kind: .denialOfService,
      body: "if (argc == 0) ; " + repeated("else if (argc == 1) ;\n", 20_000)),
    HostilePatch(
      name: "compiler told to crash", kind: .denialOfService,
      above: "#pragma clang __debug crash"),
    HostilePatch(
      name: "compiler told to use up its stack", kind: .denialOfService,
      above: "_Pragma(\"clang __debug overflow_stack\")"),
    HostilePatch(
      name: "array of 3 GiB", kind: .denialOfService,
      body: "{ static char big[3ul << 30]; big[1] = 1; }"),
    HostilePatch(
      name: "a billion instructions by .rept", kind: .denialOfService,
      body: #"asm(".rept 1000000000\nnop\n.endr");"#, options: ["--allow", "asm"]),
    HostilePatch(
      name: "object of 1.5 GiB", kind: .denialOfService,
      body: #"asm(".pushsection .data\n.space 0x60000000, 1\n.popsection");"#,
      options: ["--allow", "asm"]),
    HostilePatch(
      name: "loop in assembly", kind: .denialOfService, body: #"asm volatile("1: jmp 1b");"#,
      options: ["--allow", "asm"]),
    HostilePatch(name: "loop in C", kind: .denialOfService, body: "for (;;) argc++;"),
    native("itself stopped", kind: .denialOfService, "H(62, H(39, 0, 0, 0), 19, 0);"),
    native("waits for ever", kind: .denialOfService, "for (;;) H(34, 0, 0, 0);"),
    native(
      "2.5 GiB of memory", kind: .denialOfService,
      "long i; if (hostile_once()) { H6(9, 0, 2600ul << 20, 3, 0x8022, -1, 0); for (i = 0; i < 5; i++) hostile_sleep(); }"
    ),
    native(
      "500 processes", kind: .denialOfService,
      "long i, k; if (hostile_once()) for (i = 0; i < 500; i++) if (!H(57, 0, 0, 0)) { for (k = 0; k < 15; k++) hostile_sleep(); H(231, 0, 0, 0); } for (k = 0; k < 5; k++) hostile_sleep();"
    ),
    native(
      "300 MB of a file", kind: .denialOfService,
      #"long f, i; if (hostile_once()) { f = H(2, "@DIRECTORY@/fill", 0101, 0644); for (i = 0; i < 4800; i++) H(1, f, hostile_data, 65536); H(3, f, 0, 0); }"#
    ),
    HostilePatch(
      name: "packed patch of 300 MB", kind: .denialOfService,
      content: { targets, _ in
        try await packed("head -c 300000000 /dev/zero | gzip -1", in: targets)
      }),
    HostilePatch(
      name: "the same by xz", kind: .denialOfService,
      content: { targets, _ in
        try await packed("head -c 300000000 /dev/zero | xz -0", in: targets)
      }),
    HostilePatch(
      name: "10,000 mails", kind: .denialOfService,
      content: { _, _ in
        Data(
          (1...10_000).map {
            "From a Mon Sep 17 00:00:00 2001\nFrom: A <a@example>\nSubject: Re: \($0)\n\nyes\n\n"
          }.joined().utf8)
      }),
  ]

  private static func packed(_ script: String, in targets: Targets) async throws -> Data {
    let ran = try await Command.script(script, [], needs: ["gzip", "xz"])
    return ran.output
  }

  // MARK: Terminal

  private static let sequence = "\u{1b}]0;hostile\u{7}"

  private static let terminals: [HostilePatch] = [
    native("sequence written to standard error", kind: .terminal, #"H(1, 2, "\033]0;x\007", 6);"#),
    native(
      "sequence written to standard output", kind: .terminal, #"H(1, 1, "\033]0;x\007", 6);"#),
    native(
      "sequence written to the terminal", kind: .terminal, #"H(1, 0, "\033]0;x\007", 6);"#),
    native(
      "echo turned off", kind: .terminal,
      "static int t[16]; H(16, 0, 0x5401, t); t[3] &= ~8; H(16, 0, 0x5402, t);"),
    HostilePatch(
      name: "#error", kind: .terminal, above: "#error \(sequence)"),
    HostilePatch(
      name: "assertion", kind: .terminal, above: "_Static_assert(0, \"\(sequence)\");"),
    HostilePatch(
      name: "name of a file", kind: .terminal, leaks: true,
      more: """
        diff --git "a/lib/\\033[31mx.c" "b/lib/\\033[31mx.c"
        new file mode 100644
        --- /dev/null
        +++ "b/lib/\\033[31mx.c"
        @@ -0,0 +1 @@
        +int x;

        """),
    HostilePatch(
      name: "hunk that does not fit", kind: .terminal,
      content: { _, _ in
        Data(
          "--- a/\(file)\n+++ b/\(file)\n@@ -1,2 +1,2 @@\n x\(sequence)\n-y\n+z\(sequence)\n".utf8)
      }),
    HostilePatch(
      name: "subject of a mail", kind: .terminal, options: ["--each-commit"],
      content: { _, tree in
        let diff = try await KernelEdit.patch(
          [KernelEdit(file, in: function, .replace(free, with: ";"))], of: tree
        ).content
        return Data(
          ("From a Mon Sep 17 00:00:00 2001\nFrom: A <a@example>\n"
            + "Subject: =?utf-8?q?=5BPATCH=5D_=1B=5D0=3Bhostile=07?=\n\nx\n---\n\n").utf8) + diff
          + Data("-- \n2\n".utf8)
      }),
  ]
}
