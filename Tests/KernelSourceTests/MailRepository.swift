// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import XCTest

@testable import KernelSource

/// A test with a git repository of a made-up kernel, and changes of it as `git format-patch`
/// writes them.
class MailTestCase: KernelSourceTestCase {
  /// Each change is one commit on the base.
  private static let changes = [
    "line": "sed -i 's/line 10$/new 10/' arch/x86/poem.txt",
    "two":
      "sed -i 's/line 4$/new 4/;s/line 16$/new 16/' arch/x86/poem.txt; echo 3 >> virt/guest.txt",
    "utf8": "sed -i 's/Grüße/Viele Grüße/' include/utf8.txt",
    "latin": #"sed -i 's/caf/grand caf/' include/latin.txt"#,
    "crlf": "sed -i 's/two/zwei/' include/crlf.txt",
    "no-newline": "printf 'a\\nc' > include/no-newline.txt",
    "gains-newline": "printf 'a\\nb\\n' > include/no-newline.txt",
    "long": "sed -i 's/y = 2/y = 22/' include/long.txt",
    "blanks": "sed -i 's/last/final /' include/blanks.txt",
    "rename":
      "git mv arch/x86/poem.txt arch/x86/verse.txt; sed -i 's/line 2$/new 2/' arch/x86/verse.txt",
    "pure-rename": "git mv virt/guest.txt virt/host.txt",
    "copy": "cp arch/x86/poem.txt include/copy.txt; sed -i 's/line 9$/new 9/' include/copy.txt",
    "mode": "chmod +x virt/guest.txt",
    "new": "mkdir -p include/deep/er; echo fresh > include/deep/er/new.txt",
    "empty": "touch include/empty.txt",
    "delete": "git rm -q virt/guest.txt",
    "binary": "printf 'x\\000y\\001' > include/new.bin",
    "binary-delta":
      "printf '\\377\\376' | dd of=include/data.bin bs=1 seek=700 conv=notrunc status=none",
    "space": "echo more >> 'include/with space.txt'",
    "umlaut": "echo more >> include/ümlaut.txt",
    "umlaut-rename": "git mv include/ümlaut.txt 'include/ö \"x\".txt'",
    "quote": "echo more >> 'include/quo\"te.txt'",
    "link": "ln -s poem.txt arch/x86/link.txt",
    "dashes": "sed -i '/^-- old/d;s/^++ old/++ new/' include/dashes.txt",
    "from": "sed -i 's/then/now/' include/from.txt",
    "form-feed": "printf 'a\\fb\\vc\\n' > include/feed.txt",
  ]

  /// Makes `linux`, a tree, `repository`, the same in git, a file in `mails` for each change, and
  /// in `series` three patches that build on each other with a cover letter, as v1 and v2.
  func makeRepository() async throws -> KernelTree {
    let packed = "\((scratch as NSString).deletingLastPathComponent)/\(Self.packedName)"
    if FileKind(packed) == .nothing {
      try await buildRepository()
      try await shell("tar -cf '\(packed)' linux repository mails series")
    } else {
      try await shell("tar -xf '\(packed)'")
    }
    return try await store.resolve("\(scratch)/linux")
  }

  /// It is made once for the tests of a class.
  private class var packedName: String { "kshim-test-\(getpid())-\(Self.self).tar" }

  override class func tearDown() {
    try? FileManager.default.removeItem(atPath: "\(NSTemporaryDirectory())/\(packedName)")
    super.tearDown()
  }

  private func buildRepository() async throws {
    let tree = try makeTree("linux")
    try write("linux/include/utf8.txt", "Hallo\nGrüße aus Köln\nEnde\n")
    try write("linux/include/crlf.txt", "one\r\ntwo\r\nthree\r\n")
    try write("linux/include/no-newline.txt", "a\nb")
    try write(
      "linux/include/long.txt",
      "x = 1;\n\(String(repeating: "a long = line ", count: 20))end\ny = 2;\n\tz = 3;\n")
    try write("linux/include/blanks.txt", "first\n\n\nends in blanks  \n\t\nlast\n\n")
    try write("linux/include/with space.txt", "space\n")
    try write("linux/include/ümlaut.txt", "umlaut\n")
    try write("linux/include/quo\"te.txt", "quote\n")
    try write("linux/include/dashes.txt", "-- old\n++ old\n--\n-- \nend\n")
    try write("linux/include/from.txt", "a\nFrom here\nthen\nFrom A Mon Jan  1 00:00:00 2001\nb\n")
    let bytes = (0..<4096).map { UInt8(truncatingIfNeeded: $0 &* $0 / 7) }
    try Data(bytes).write(to: URL(fileURLWithPath: "\(tree)/include/data.bin"))
    try Data("th\u{e9} caf\u{e9}\nend\n".unicodeScalars.map { UInt8($0.value) })
      .write(to: URL(fileURLWithPath: "\(tree)/include/latin.txt"))
    var script = """
      cp -r linux repository; cd repository; git init -q -b base .; git config core.autocrlf false
      git add -A; git commit -q -m base; mkdir ../mails ../series

      """
    for (name, edit) in Self.changes.sorted(by: { $0.key < $1.key }) {
      script += """
        git checkout -q -b change-\(name) base; \(edit)
        git add -A; git commit -q -m 'test: Change \(name)' -m 'Some text.'
        git format-patch -q -C --find-copies-harder --binary --stdout base > ../mails/\(name)

        """
    }
    script += """
      for version in 1 2; do
        git checkout -q -b series-$version base
        for n in 1 2 3; do
          sed -i "s/^line 10.*/line 10 $version.$n/" arch/x86/poem.txt
          git commit -q -a -m "test: Step $n" -m 'Some text.'
        done
        git format-patch -q --cover-letter --thread -v$version -o ../series base
      done
      git checkout -q --detach base
      """
    try await shell(script)
  }

  func data(_ path: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: "\(scratch)/\(path)"))
  }

  func text(_ path: String) throws -> String { String(decoding: try data(path), as: UTF8.self) }

  /// One of the series' mails; 0 is the cover letter.
  func step(_ number: Int, v version: Int = 1) throws -> Data {
    let names = names(in: "\(scratch)/series")
    let prefix = "v\(version)-000\(number)-"
    return try data("series/\(try XCTUnwrap(names.first { $0.hasPrefix(prefix) }))")
  }

  // MARK: Trees

  /// What is in a directory that git fills: bytes by path, a link's target, no directories.
  func files(in directory: String) throws -> [String: Data] {
    var files: [String: Data] = [:]
    for case let name as String in FileManager.default.enumerator(atPath: directory) ?? .init()
    where !name.hasPrefix(".git") {
      files[name] = try content("\(directory)/\(name)")
    }
    return files
  }

  /// The same for a revision.
  func files(of revision: Revision) throws -> [String: Data] {
    var files = try files(in: revision.tree.directory)
    for path in revision.deleted { files[path] = nil }
    for (path, copy) in revision.overlay { files[path] = try content(copy) }
    return files
  }

  private func content(_ path: String) throws -> Data? {
    if let target = try? FileManager.default.destinationOfSymbolicLink(atPath: path) {
      return Data("-> \(target)".utf8)
    }
    guard FileKind(path) == .file else { return nil }
    return try Data(contentsOf: URL(fileURLWithPath: path))
  }

  /// What git makes of a file, with less context where it does not fit; nil where it refuses.
  func byGit(_ command: String, _ input: Data) async throws -> [String: Data]? {
    try input.write(to: URL(fileURLWithPath: "\(scratch)/input"))
    let status = try await shell(
      """
      cd repository
      for context in '' -C2 -C1; do
        rm -rf .git/rebase-apply; git reset -q --hard base; git clean -q -f -d -x
        if git \(command) $context ../input > ../git.log 2>&1; then echo done; break; fi
      done
      """)
    return status.contains("done") ? try files(in: "\(scratch)/repository") : nil
  }

  /// The files at a branch of the repository.
  func atBranch(_ branch: String) async throws -> [String: Data] {
    try await shell("cd repository; git reset -q --hard \(branch); git clean -q -f -d -x")
    return try files(in: "\(scratch)/repository")
  }

  /// Reads a file's patches with kshim.
  func read(_ content: Data, _ name: String = "mail.mbox") async throws -> [PatchFile] {
    let path = "\(scratch)/\(name)"
    try content.write(to: URL(fileURLWithPath: path))
    return try await PatchFile.read([path])
  }
}
