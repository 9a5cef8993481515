// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import XCTest

@testable import KernelSource

/// A Debian archive of tiny packages in a directory, as the only one that apt sees.
struct DebianArchive {
  let test: KernelSourceTestCase
  /// Of the source's tarball.
  var blockSize = 4096
  private var packages = ""
  private var count = 0

  init(_ test: KernelSourceTestCase) { self.test = test }

  private var directory: String { "\(test.scratch)/archive" }

  /// For ``KernelStore``.
  var options: [String] {
    [
      "-o", "Dir::Etc::SourceList=\(directory)/sources.list",
      "-o", "Dir::Etc::SourceParts=/dev/null", "-o", "Dir::State::Lists=\(directory)/lists",
    ]
  }

  var store: KernelStore {
    KernelStore(cacheDirectory: test.cache, environment: [:], aptOptions: options)
  }

  /// Adds a package.
  ///
  /// - Parameter files: a directory with what it installs.
  mutating func add(
    _ name: String, _ version: String, source: String, architecture: String = "amd64",
    files: String
  ) async throws {
    count += 1
    let control = """
      Package: \(name)
      Source: \(source)
      Version: \(version)
      Architecture: \(architecture)
      Maintainer: Nobody <nobody@example.org>
      Description: made up

      """
    try test.write("archive/\(count)/DEBIAN/control", control)
    let said = try await test.shell(
      """
      cd archive; cp -a '\(files)/.' \(count)
      dpkg-deb --root-owner-group -Znone -b \(count) \(count).deb > /dev/null
      stat -c %s \(count).deb; sha256sum < \(count).deb
      """
    ).split(separator: "\n")
    packages +=
      control
      + "Filename: ./\(count).deb\nSize: \(said[0])\nSHA256: \(said[1].prefix(64))\n\n"
  }

  /// Adds `linux-source-9.4` with a kernel of a version.
  ///
  /// - Parameter release: three numbers, `9.4.1`.
  mutating func addSource(_ release: String, _ version: String) async throws {
    let tree = "archive/source/linux-source-9.4"
    try test.makeTree(tree)
    try test.write("\(tree)/lib/pool.txt", "pool\n")
    try test.write("\(tree)/mm/page.txt", "page\n")
    try await test.makeMore(tree)
    let level = release.split(separator: ".")[2]
    try await test.shell(
      """
      rm -rf files; sed -i 's/^SUBLEVEL.*/SUBLEVEL = \(level)/; s/-rc2//' \(tree)/Makefile
      mkdir -p files/usr/src
      tar --sort=name -c -C archive/source linux-source-9.4 |
        xz --block-size=\(blockSize) > files/usr/src/linux-source-9.4.tar.xz
      """)
    try await add(
      "linux-source-9.4", version, source: "linux", architecture: "all",
      files: "\(test.scratch)/files")
  }

  /// Adds `linux-headers-NAME`, as one of Debian's looks.
  mutating func addHeaders(
    _ name: String, _ version: String, source: String = "linux", whole: Bool = true
  ) async throws {
    let package = "linux-headers-\(name)"
    let top = "headers/usr/src/\(package)"
    try await test.shell(
      """
      rm -rf headers; mkdir -p \(top)/include/config/NUMA headers/lib/modules/\(name)
      ln -s ../../lib/linux-kbuild-9.4/scripts \(top)/scripts
      ln -s /usr/src/\(package) headers/lib/modules/\(name)/build
      : > \(top)/Module.symvers; : > \(top)/include/config/SMP
      """)
    if whole {
      for (file, text) in [
        (".config", "CONFIG_SMP=y # \(name)\n"), ("include/config/auto.conf", "CONFIG_SMP=y\n"),
        ("include/generated/autoconf.h", "#define CONFIG_SMP 1\n"),
        ("include/generated/uapi/linux/version.h", "#define LINUX_VERSION_CODE 1\n"),
        ("arch/x86/include/generated/asm/local64.h", "\n"),
      ] {
        try test.write("\(top)/\(file)", text)
      }
    }
    try await add(package, version, source: source, files: "\(test.scratch)/headers")
  }

  /// Makes apt know what was added.
  func publish() async throws {
    try test.write("archive/Packages", packages)
    try test.write("archive/sources.list", "deb [trusted=yes arch=amd64] file:\(directory) ./\n")
    let words = options.map { "'\($0)'" }.joined(separator: " ")
    try await test.shell(
      """
      mkdir -p archive/lists/partial archive/cache/archives/partial
      apt-get -qq \(words) -o APT::Sandbox::User=root -o Dir::Cache='\(directory)/cache' update
      """)
  }
}
