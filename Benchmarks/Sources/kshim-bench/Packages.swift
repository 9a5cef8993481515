// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// Debian packages, unpacked below a directory without root and without touching apt's own state.
struct Packages {
  let work: String

  /// The path of a package's file, downloaded: with the package lists that the system has, else
  /// with fresh ones of the same sources.
  func file(_ name: String) async throws -> String {
    let directory = "\(work)/packages"
    if let file = Self.file(name, in: directory) { return file }
    for folder in ["lists/partial", "cache/archives/partial"] {
      try FileManager.default.createDirectory(
        atPath: "\(directory)/\(folder)", withIntermediateDirectories: true)
    }
    SetUp.note("downloading \(name)")
    let apt = [
      "apt-get", "-q", "-o", "Dir::Cache=\(directory)/cache", "-o", "APT::Sandbox::User=root",
      "-o", "Acquire::Languages=none",
    ]
    do {
      try await SetUp.run(apt + ["download", name], in: directory)
    } catch {
      let fresh = apt + ["-o", "Dir::State::Lists=\(directory)/lists"]
      try await SetUp.run(fresh + ["update"], in: directory)
      try await SetUp.run(fresh + ["download", name], in: directory)
    }
    guard let file = Self.file(name, in: directory) else {
      throw Trouble("apt-get brought no \(name)", remedy: "look at apt's sources and the network")
    }
    return file
  }

  private static func file(_ name: String, in directory: String) -> String? {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
    return names.filter { $0.hasPrefix("\(name)_") && $0.hasSuffix(".deb") }.max()
      .map { "\(directory)/\($0)" }
  }

  /// The package's files below a directory of its own.
  func unpacked(_ name: String) async throws -> String {
    let directory = "\(work)/\(name)"
    if FileManager.default.fileExists(atPath: directory) { return directory }
    let file = try await file(name)
    try await SetUp.run(["dpkg-deb", "-x", file, "\(directory).part"])
    try FileManager.default.moveItem(atPath: "\(directory).part", toPath: directory)
    return directory
  }
}

/// The kernel that Debian packages, with the folders that its own tests need: a cached kernel of
/// kshim has only what kshim reads.
struct FullTree {
  let directory: String
  /// The source file that is edited, as it was unpacked.
  let pristine: String
  let version: String

  private static let folders = [
    "Makefile", "Kbuild", "arch/x86", "include", "lib", "mm", "scripts", "tools", "virt",
  ]

  /// - Parameter kernel: `debian:VERSION`.
  static func make(_ kernel: String, in work: String) async throws -> FullTree {
    guard let release = kernel.wholeMatch(of: /debian:(\d+\.\d+)/)?.1 else {
      throw Trouble("'\(kernel)' is no debian:VERSION", remedy: "name one as debian:6.12")
    }
    let package = "linux-source-\(release)"
    let directory = "\(work)/linux-\(release)"
    let kept = "\(directory).mmu.c"
    if !FileManager.default.fileExists(atPath: directory) {
      let file = try await Packages(work: work).file(package)
      SetUp.note("unpacking \(package)")
      try await SetUp.script(
        """
        package=$1 name=$2 directory=$3
        shift 3
        rm -rf "$directory.part"
        mkdir "$directory.part"
        dpkg-deb --fsys-tarfile "$package" | tar -x -O "./usr/src/$name.tar.xz" | xz -dc -T0 |
          tar -x -C "$directory.part" --strip-components=1 --no-same-owner "${@/#/$name/}"
        cp "$directory.part/\(Edit.file)" "$directory.mmu.c"
        mv "$directory.part" "$directory"
        """, [file, package, directory] + folders)
      try? FileManager.default.removeItem(atPath: file)
    }
    guard let pristine = try? String(contentsOfFile: kept, encoding: .utf8),
      let makefile = try? String(contentsOfFile: "\(directory)/Makefile", encoding: .utf8)
    else { throw Trouble("\(directory) is not whole", remedy: "remove it and \(kept)") }
    let numbers = ["VERSION", "PATCHLEVEL", "SUBLEVEL"].compactMap { name in
      makefile.split(separator: "\n").first { $0.hasPrefix("\(name) = ") }?
        .dropFirst(name.count + 3)
    }
    let tree = FullTree(
      directory: directory, pristine: pristine, version: numbers.joined(separator: "."))
    // What an interrupted run left in the file is taken out.
    try tree.write(pristine)
    return tree
  }

  /// Makes a text the contents of the source file.
  func write(_ text: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: "\(directory)/\(Edit.file)"))
  }
}
