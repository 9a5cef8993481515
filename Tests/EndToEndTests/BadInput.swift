// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import KernelSource
import TestSupport

/// Something wrong that a user hands in, and what kshim says of it.
struct BadInput: Sendable {
  let arguments: [String]
  /// Contents by name, in the test's directory, which is the working directory.
  var files: [String: Data] = [:]
  var status: Int32 = 2
  /// What the message holds: the cause, and the place where there is one.
  let says: [String]
  /// Standard input.
  var input: String?

  init(
    _ arguments: [String], _ files: [String: Data] = [:], status: Int32 = 2, input: String? = nil,
    says: String...
  ) {
    self.arguments = arguments
    self.files = files
    self.status = status
    self.input = input
    self.says = says
  }

  static let all =
    usage + options + kernels + outputs + functions + patches + mails + manifests
    + rules + scenarios

  private static let tree = ["--kernel", "debian:6.12"]
  private static let check = ["check"] + tree + ["--no-cache"]
  private static let file = "lib/argv_split.c"

  private static func text(_ text: String) -> Data { Data(text.utf8) }

  // MARK: Command lines

  private static let usage = [
    BadInput(["nonsense"], says: "Unexpected argument 'nonsense'"),
    BadInput(["check", "--nonsense"], says: "Unknown option '--nonsense'"),
    BadInput(["check", "extra"], says: "Unexpected argument 'extra'"),
    BadInput(["check", "--kernel"], says: "Missing value for '--kernel"),
    BadInput(["check", "--patch"], says: "Missing value for '--patch"),
    BadInput(["kernels", "nonsense"], says: "Unexpected argument 'nonsense'"),
    BadInput(["kernels", "path"], says: "Missing expected argument '<name>'"),
    BadInput(["kernels", "fetch"], says: "Missing expected argument '<name>'"),
    BadInput(["init"], says: "Missing expected argument '<function>'"),
    BadInput(["replay"], says: "Missing expected argument '<scenario>'"),
    BadInput(["compare"], says: "two or more revisions, not 0"),
    BadInput(["compare", "base"], says: "two or more revisions, not 1"),
    BadInput(["subjects", "all"], says: "Unexpected argument 'all'"),
  ]

  private static let options = [
    BadInput(["check", "--jobs", "0"], says: "--jobs takes a number from 1 to 256, not 0"),
    BadInput(["check", "--jobs", "-1"], says: "--jobs takes a number from 1 to 256, not -1"),
    BadInput(["check", "--jobs", "257"], says: "--jobs takes a number from 1 to 256, not 257"),
    BadInput(["check", "--jobs", "many"], says: "'many' is invalid for '--jobs"),
    BadInput(["check", "--jobs", "99999999999999999999"], says: "is invalid for '--jobs"),
    BadInput(["check", "--seconds", "0"], says: "--seconds takes a number from 1 to 86400, not 0"),
    BadInput(["check", "--seconds", "-5"], says: "--seconds takes a number", "not -5"),
    BadInput(["check", "--seconds", "1e3"], says: "'1e3' is invalid for '--seconds"),
    BadInput(["check", "--take", "0"], says: "--take takes a number from 1, not 0"),
    BadInput(["check", "--take", "-1"], says: "--take takes a number from 1, not -1"),
    BadInput(["check", "--take", "x"], says: "'x' is invalid for '--take"),
    BadInput(["check", "--format", "prose"], says: "'prose' is invalid for '--format"),
    BadInput(["compare", "a", "b", "--format", "xml"], says: "'xml' is invalid for '--format"),
    BadInput(["replay", "--as", "prose", "a:b:-"], says: "'prose' is invalid for '--as"),
    BadInput(
      ["check", "--allow", "everything"],
      says: "--allow takes asm, constructor, section, not 'everything'"),
    BadInput(["check", "--allow", ""], says: "--allow takes asm, constructor, section, not ''"),
    BadInput(["check", "--allow", "asm,,section"], says: "--allow takes", "not ''"),
    BadInput(
      ["check", "--subject", "a", "--manifest", "b"],
      says: "--manifest says what is judged; leave out --subject"),
    BadInput(
      ["check", "--subject", "a", "--function", "a:b"],
      says: "--function says what is judged; leave out --subject"),
    BadInput(["mutate", "--sample", "0"], says: "--sample takes a number from 1, not 0"),
    BadInput(["mutate", "--sample", "-1"], says: "--sample takes a number from 1, not -1"),
    BadInput(["mutate", "--seed", "-1"], says: "'-1' is invalid for '--seed"),
    BadInput(["mutate", "--list", "--format", "json"], says: "--list prints text"),
    BadInput(
      ["kernels", "prune", "--older-than", "-1"], says: "--older-than takes a number from 0, not -1"
    ),
    BadInput(
      ["kernels", "prune", "--larger-than", "many"], says: "'many' is invalid for '--larger-than"),
    BadInput(
      ["extract", "--file", "lib"], says: "'swift test' links one function at a time"),
  ]

  // MARK: Kernels

  private static let kernels = [
    BadInput(["check", "--kernel", ""], says: "its name is empty"),
    BadInput(["check", "--kernel", "/none/such"], says: "no directory or file /none/such"),
    BadInput(["check", "--kernel", "/dev/null"], says: "a file whose name ends in none of .tar"),
    BadInput(["check", "--kernel", "debian:"], says: "\"\" is not a kernel version"),
    BadInput(["check", "--kernel", "debian:six"], says: "\"six\" is not a kernel version"),
    BadInput(
      ["check", "--kernel", "debian:6.12/../x"], says: "\"6.12/../x\" is not a kernel version"),
    BadInput(["kernels", "fetch", "debian:six"], says: "\"six\" is not a kernel version"),
    BadInput(
      ["check", "--kernel", "empty"], ["empty/none": Data()],
      says: "it is no kernel: it has no Makefile", "where:", "/empty"),
    BadInput(
      ["check", "--kernel", "plain"], ["plain/Makefile": text("all:\n")],
      says: "its Makefile sets no VERSION", "/plain/Makefile"),
    BadInput(
      ["check", "--kernel", "other"], ["other/Makefile": text("VERSION = 6\n")],
      says: "it has no arch/x86", "/other"),
    BadInput(
      ["check", "--kernel", "file"], ["file": Data()], says: "a file whose name ends in none of"),
    BadInput(
      ["check", "--kernel", "cut.tar.xz"], ["cut.tar.xz": Data([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0])],
      says: "the tarball is damaged", "/cut.tar.xz"),
    BadInput(
      ["check", "--kernel", "bad.tar"], ["bad.tar": text("no archive")],
      says: "the tarball is damaged", "/bad.tar"),
    BadInput(
      ["check", "--kernel", "plain@HEAD"], ["plain/Makefile": Data()],
      says: "git cannot read a repository there", "/plain"),
    BadInput(
      ["check", "--kernel", "plain@a..b"], ["plain/Makefile": Data()],
      says: "git cannot read a repository there"),
    BadInput(["kernels", "path", "debian:6.12", "/etc"], says: "\"/etc\" is no path of a kernel"),
    BadInput(["kernels", "path", "debian:6.12", "../x"], says: "\"../x\" is no path of a kernel"),
  ]

  // MARK: Outputs

  private static let outputs = [
    BadInput(check + ["-o", "none/x"], says: "none/x cannot be written", "where:"),
    BadInput(
      check + ["-o", "folder"], ["folder/x": Data()], says: "folder cannot be written", "where:"),
    BadInput(check + ["-o", ""], says: "its name is empty"),
    BadInput(check + ["-o", "/proc/x"], says: "/proc/x cannot be written"),
    BadInput(
      check + ["--html", "file"], ["file": Data()], says: "file cannot be written", "where:"),
    BadInput(
      ["extract"] + tree + ["--into", "/proc/none"], status: 4,
      says: "the output directory cannot be written", "/proc/none"),
  ]

  // MARK: Functions

  private static let functions = [
    BadInput(["check", "--function", "argv_split"], says: "--function takes FILE:FUNCTION"),
    BadInput(check + ["--function", "\(file):"], says: "--function takes FILE:FUNCTION"),
    BadInput(check + ["--function", ":argv_split"], says: "--function takes FILE:FUNCTION"),
    BadInput(["init", "argv_split"], says: "init takes FILE:FUNCTION"),
    BadInput(
      check + ["--function", "\(file):none_such"], says: "defines no function none_such", file),
    BadInput(
      check + ["--function", "\(file):argv_split;rm"], says: "defines no function argv_split;rm",
      "did you mean argv_split?"),
    BadInput(
      check + ["--function", "lib/none.c:x"], says: "this kernel has no lib/none.c"),
    BadInput(
      check + ["--function", "/etc/passwd:main"], says: "/etc/passwd is no path from the kernel's"),
    BadInput(
      check + ["--function", "../x.c:main"], says: "../x.c is no path from the kernel's top"),
    BadInput(check + ["--file", "lib/none.c"], says: "no C file there that defines a function"),
    BadInput(check + ["--file", "/etc"], says: "\"/etc\" is no path of a kernel"),
    BadInput(check + ["--file", "../"], says: "\"..\" is no path of a kernel"),
    BadInput(
      check + ["--subject", "none"], says: "there is no subject 'none'", "use one of: kvm-mmu-roots"
    ),
    BadInput(check + ["--subject", "../x"], says: "there is no subject '../x'"),
    BadInput(["init"] + tree + ["\(file):none"], says: "defines no function none"),
    BadInput(
      ["mutate"] + tree + ["--list", "--operator", "none"], says: "there is no operator 'none'",
      "use one of: drop-free"),
  ]

  // MARK: Patches

  private static let head = "--- a/\(file)\n+++ b/\(file)\n"

  private static func patch(
    _ name: String, _ content: Data, _ more: [String] = [], says: String...
  ) -> BadInput {
    BadInput(check + ["--patch", name] + more, [name: content], saying: says)
  }

  private init(_ arguments: [String], _ files: [String: Data], saying says: [String]) {
    self.arguments = arguments
    self.files = files
    self.says = says
  }

  private static func patch(
    _ name: String, _ content: String, _ more: [String] = [], says: String...
  ) -> BadInput {
    BadInput(check + ["--patch", name] + more, [name: text(content)], saying: says)
  }

  private static let patches = [
    BadInput(check + ["--patch", "none.patch"], says: "patch none.patch: there is no such file"),
    BadInput(check + ["--patch", ""], says: "cannot read a patch: its name is empty"),
    BadInput(
      check + ["--patch", "folder"], ["folder/x": Data()], says: "patch folder: it is a directory"),
    BadInput(check + ["--patch", "/dev/zero"], says: "it holds more than 64 MiB"),
    BadInput(
      check + ["--patch", "-", "--patch", "-"], says: "standard input is named more than once"),
    BadInput(check + ["--patch", "-"], input: "", says: "patch standard input: it is empty"),
    BadInput(
      check + ["--patch", "-"], input: "text\n", says: "standard input: it is not a patch"),
    patch("empty.patch", "", says: "empty.patch: it is empty"),
    patch("binary.patch", Data((0...255).map { UInt8($0) }), says: "git finds no diff in it"),
    patch("prose.patch", "This is no patch.\n", says: "git finds no diff in it"),
    patch("names.patch", head, says: "git finds no diff in it"),
    patch(
      "stale.patch", head + "@@ -40,2 +40,2 @@\n kshim_context\n-kshim_old\n+kshim_new\n",
      says: "a hunk does not fit \(file) at line 40", "where:  \(file):40", "-kshim_old"),
    patch("cut.patch", head + "@@ -1,5 +1,6 @@\n a\n", says: "git cannot read it", "cut.patch:5"),
    patch(
      "count.patch", head + "@@ -1,1 +1,900 @@\n+a\n", says: "git cannot read it", "count.patch:5"),
    patch("head.patch", head + "@@ -x,1 +1 @@\n+a\n", says: "git cannot read it", "head.patch:3"),
    patch(
      "returns.patch",
      (head + "@@ -1,2 +1,2 @@\n a\n-b\n+c\n").replacingOccurrences(of: "\n", with: "\r\n"),
      says: "end in CR LF"),
    patch(
      "up.patch", "--- a/../../x\n+++ b/../../x\n@@ -0,0 +1 @@\n+a\n",
      says: "it touches ../../x, which is outside of the kernel tree"),
    patch(
      "absolute.patch", "--- /etc/x\n+++ /etc/x\n@@ -0,0 +1 @@\n+a\n",
      says: "it changes etc/x, which is no path of a kernel"),
    patch(
      "git.patch",
      "diff --git a/.git/config b/.git/config\nnew file mode 100644\n--- /dev/null\n"
        + "+++ b/.git/config\n@@ -0,0 +1 @@\n+a\n",
      says: ".git/config, which is no path of a kernel"),
    patch(
      "strip.patch", "--- argv_split.c\n+++ argv_split.c\n@@ -1 +1 @@\n-a\n+b\n",
      says: "it changes argv_split.c, which is no path of a kernel"),
    patch(
      "there.patch",
      "diff --git a/\(file) b/\(file)\nnew file mode 100644\n--- /dev/null\n+++ b/\(file)\n"
        + "@@ -0,0 +1 @@\n+a\n", says: "already exists in working directory"),
    patch(
      "gone.patch", "--- a/lib/none.c\n+++ b/lib/none.c\n@@ -1 +1 @@\n-a\n+b\n",
      says: "lib/none.c: No such file or directory"),
    patch(
      "rename.patch",
      "diff --git a/lib/none.c b/lib/other.c\nsimilarity index 100%\nrename from lib/none.c\n"
        + "rename to lib/other.c\n", says: "lib/none.c: No such file or directory"),
    patch(
      "folder.patch", "--- a/lib\n+++ b/lib\n@@ -1 +1 @@\n-a\n+b\n",
      says: "it changes lib, which is a directory"),
    patch(
      "line.patch", head + "@@ -1 +1 @@\n-\(String(repeating: "x", count: 2_000_000))\n+c\n",
      says: "a hunk does not fit", "xxx...\n"),
    patch("zero.patch", head + "@@ -1 +1 @@\n-a\0b\n+c\n", says: "a hunk does not fit"),
    patch(
      "escape.patch", head + "@@ -1 +1 @@\n-\u{1b}[31m\n+c\n", says: "a hunk does not fit",
      "-\\u001b[31m"),
    patch(
      "take.patch", head + "@@ -1 +1 @@\n-a\n+b\n", ["--take", "9"],
      says: "--patch names only 1 patch", "give --take a number up to 1"),
    patch("cut.gz", Data([0x1f, 0x8b, 8, 0, 0, 0]), says: "gzip cannot unpack it", "| gzip:"),
    patch(
      "cut.xz", Data([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 0]), says: "xz cannot unpack it", "| xz:"),
    patch("cut.bz2", "BZh9", says: "bzip2 cannot unpack it"),
  ]

  // MARK: Mails

  private static func mail(_ subject: String, _ body: String, _ more: String = "") -> String {
    "From a Mon Sep 17 00:00:00 2001\nFrom: A <a@example>\nSubject: \(subject)\n\(more)\n"
      + "text\n---\n\(body)-- \n2\n\n"
  }

  private static let added = head + "@@ -0,0 +1 @@\n+/* one */\n"
  private static let other = head + "@@ -0,0 +1 @@\n+/* two */\n"

  private static let mails = [
    patch("cover.mbox", mail("[PATCH 0/1] none", ""), says: "its mail has no patch", "mail 1"),
    patch(
      "replies.mbox", mail("Re: a", "") + mail("Re: b", ""), says: "none of its 2 mails has a patch"
    ),
    patch(
      "gap.mbox", mail("[PATCH 1/3] a", added) + mail("[PATCH 3/3] c", other),
      says: "patch 2/3 of the series is missing"),
    patch(
      "twice.mbox", mail("[PATCH 1/1] a", added) + mail("[PATCH 1/1] a", other),
      says: "two patches in it claim one place"),
    patch(
      "mixed.mbox", mail("[PATCH 1/2] a", added) + mail("[PATCH] b", other),
      says: "it holds a series and a patch without a number"),
    patch(
      "two.mbox", mail("[PATCH 1/2] a", added) + mail("[PATCH 2/3] b", other),
      says: "it holds patches of two series"),
    patch(
      "base64.mbox", mail("[PATCH] a", added, "Content-Transfer-Encoding: base64\n"),
      says: "its mail has no patch"),
    patch(
      "charset.mbox", mail("[PATCH] a", added, "Content-Type: text/plain; charset=klingon\n"),
      says: "git cannot read the mail", "cannot convert from klingon"),
    patch(
      "many.mbox", String(repeating: mail("Re: a", ""), count: 2001),
      says: "it holds 2001 mails, and of one file 2000 are read"),
    patch(
      "sequence.mbox", mail("=?utf-8?q?=1B=5D0=3Bx=07?=", ""), says: "\\u001b]0;x\\u0007"),
  ]

  // MARK: Manifests

  /// - Parameter lines: behind the subject's name.
  private static func manifest(
    _ name: String, _ lines: String, status: Int32 = 2, says: String...
  ) -> BadInput {
    var input = BadInput(
      check + ["--manifest", "\(name).yaml"],
      ["\(name).yaml": text("subject: \(name)\n\(lines)")], saying: says)
    input.status = status
    return input
  }

  private static func document(_ name: String, _ content: Data, says: String...) -> BadInput {
    BadInput(check + ["--manifest", name], [name: content], saying: says)
  }

  private static let whole = "title: t\nsource: \(file)\ntargets: [argv_split]\n"

  private static let manifests = [
    BadInput(check + ["--manifest", "none.yaml"], says: "there is no such file", "where:"),
    BadInput(check + ["--manifest", "folder"], ["folder/x": Data()], says: "no such file"),
    document("a.yml", Data(), says: "it is not called NAME.yaml"),
    document("a.yaml", Data(), says: "the file is empty", "/a.yaml:1"),
    document("a.yaml", text("- a\n"), says: "must be a mapping", "/a.yaml:1"),
    document("a.yaml", text("a\n"), says: "must be a mapping"),
    document("a.yaml", text("subject: a\n\ttitle: b\n"), says: "a tab character", "/a.yaml:2"),
    document(
      "a.yaml", text("a: " + String(repeating: "[", count: 20_000)), says: "it is not valid YAML"),
    document(
      "a.yaml", text("subject: a\ntitle: ") + Data([0xff, 0xfe, 10]),
      says: "bytes that are no UTF-8", "/a.yaml:2"),
    document(
      "a.yaml", Data(repeating: 0x23, count: 5 << 20), says: "the file holds more than 4 MiB"),
    document(
      "a.yaml", text("subject: b\n\(whole)"), says: "subject 'b' stands in a file of another name"),
    manifest("a", "", says: "no key '"),
    manifest(
      "a", whole + "target: x\n", says: "unknown key 'target'", "/a.yaml:5", "did you mean targets?"
    ),
    manifest(
      "a", "title: t\n" + whole, says: "key 'title' stands twice in one mapping", "/a.yaml:3"),
    manifest("a", "title: t\nsource: \(file)\n", says: "no key 'targets'"),
    manifest(
      "a", "title: t\nsource: \(file)\ntargets: []\n", says: "targets is empty", "/a.yaml:4"),
    manifest("a", "title: t\nsource: \(file)\ntargets: x\n", says: "must be a list", "/a.yaml:4"),
    manifest(
      "a", "title: t\nsource: \(file)\ntargets: [x, x]\n", says: "function 'x' is listed twice"),
    manifest(
      "a", "title: t\nsource: [x]\ntargets: [x]\n", says: "source must be text", "/a.yaml:3"),
    manifest(
      "a", "title: t\nsource: /etc/passwd\ntargets: [x]\n",
      says: "'/etc/passwd' is no path from the kernel's top", "/a.yaml:3"),
    manifest(
      "a", "title: t\nsource: ../x.c\ntargets: [x]\n", says: "'../x.c' is no path from the kernel's"
    ),
    manifest(
      "a", "title: t\nsource: lib/none.c\ntargets: [x]\n", says: "this kernel has no lib/none.c"),
    manifest(
      "a", "title: t\nsource: \(file)\ntargets: [none]\n", says: "there is no function none"),
    manifest("a", whole + "glue: none.c\n", says: "there is no glue 'none.c'", "/a.yaml:5"),
    manifest(
      "a", whole + "boundary:\n  kfree: {explodes: true}\n", says: "boundary 'kfree'", "/a.yaml:6"),
    manifest(
      "a", whole + "boundary:\n  kfree: [x]\n", says: "/a.yaml:6"),
    manifest(
      "a", whole + "boundary:\n  kstrndup: {returns: [none_such]}\n", status: 3,
      says: "an expression of the manifest does not fit this kernel", "/a.yaml:6"),
    manifest(
      "a", "title: t\nsource: lib/seq_buf.c\ntargets: [seq_buf_putmem_hex]\n", status: 3,
      says: "seq_buf_putmem_hex uses the variable hex_asc", "where:  lib/seq_buf.c:",
      "add 'hex_asc: VALUE' under 'variables:'"),
  ]

  private static func rules(_ content: String, says: String...) -> BadInput {
    BadInput(
      check + ["--function", "\(file):argv_split", "--rules", "r.yaml"],
      ["r.yaml": text(content)], saying: says)
  }

  private static let rules = [
    BadInput(check + ["--rules", "none.yaml"], says: "there is no such file", "/none.yaml"),
    BadInput(
      check + ["--rules", "folder"], ["folder/x": Data()], says: "it is no file", "/folder"),
    rules("", says: "the file is empty", "/r.yaml:1"),
    rules("[1]\n", says: "must be a mapping", "/r.yaml:1"),
    rules(
      "boundery:\n  f: {ignored: true}\n", says: "unknown key 'boundery'", "did you mean boundary?"),
    rules("boundary:\n  f: {explodes: 1}\n", says: "boundary 'f'", "/r.yaml:2"),
    rules("boundary:\n  f: {frees: nothing}\n", says: "/r.yaml:2"),
    rules("boundary: {f: {ignored: true}\n", says: "it is not valid YAML", "/r.yaml:"),
  ]

  // MARK: Scenarios

  private static func scenario(_ spelling: String, says: String...) -> BadInput {
    BadInput(["replay"] + tree + ["--", spelling], [:], saying: says)
  }

  private static let scenarios = [
    scenario("nonsense", says: "replay 'nonsense': it is not a scenario"),
    scenario("a:b", says: "it is not a scenario"),
    scenario("a:b:c:d", says: "it is not a scenario"),
    scenario("a::-", says: "it is not a scenario"),
    scenario(":b:-", says: "it is not a scenario"),
    scenario("a:b:1", says: "'1' is not a decision"),
    scenario("a:b:gzp", says: "'gzp' is not a decision"),
    scenario("a:b:gzp999", says: "'gzp999' is not a decision"),
    scenario("a:b:gzp0..gzp0", says: "'' is not a decision"),
    scenario("a:b:\u{1b}[31m0", says: "'\\u001b[31m0' is not a decision"),
    scenario(String(repeating: "x", count: 100_000), says: "xxx...': it is not a scenario"),
    scenario("foo:bar:-", says: "foo is no target of kvm-mmu-roots", Defect.special),
    scenario(
      "\(Defect.special):shadow=9:-", says: "there is no state 'shadow=9'", "'shadow=4,guest=4"),
    scenario(
      "\(Defect.special):\(String(repeating: "x", count: 50_000)):-",
      says: "xxx...' of \(Defect.special)"),
    scenario("\(String(repeating: "y", count: 50_000)):a=1:-", says: "yyy... is no target"),
  ]
}
