// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation

/// Downloads a Debian package with apt, without root and without touching apt's own state.
///
/// First with the package lists that the system has. If they lack the package, with a private
/// list for each suite that may have it, on the mirror that the system already uses.
struct Apt {
  /// A directory for lists, cache and the downloaded file.
  let scratch: String
  let environment: [String: String?]
  /// More options for every call.
  let options: [String]

  /// A package that was downloaded.
  struct Download: Sendable, Equatable {
    let name: String
    /// Debian's.
    let version: String
    /// The path of the `.deb`.
    let file: String
    /// The options that make apt see the list that it is in, until another list is asked.
    let list: [String]

    /// As apt takes it.
    var label: String { "\(name)=\(version)" }
  }

  /// The package with a kernel's source.
  ///
  /// - Throws: `DebianUnavailable` where the network does not answer or no suite has the
  ///   package; `Failure` where apt is missing or knows no Debian mirror, and where the suites have
  ///   only other versions than the one that is named.
  func source(
    of kernel: DebianKernel, asked: String, _ progress: @Sendable (String) -> Void
  ) async throws -> Download {
    for directory in ["lists/partial", "cache/archives/partial", "deb"] {
      try FileManager.default.createDirectory(
        atPath: "\(scratch)/\(directory)", withIntermediateDirectories: true)
    }
    var seen: [String] = []
    let found = try await search(kernel, for: kernel.package, asked: asked, progress) { list in
      guard kernel.release != nil else { return try await download(kernel.package, list, progress) }
      let versions = try await packages([kernel.package], list).map(\.version)
      seen += versions
      guard let version = versions.first(where: kernel.takes) else { return nil }
      return try await download("\(kernel.package)=\(version)", list, progress)
    }
    if let found { return found }
    guard seen.isEmpty else {
      let releases = Set(seen.map(DebianKernel.release)).sorted {
        $0.compare($1, options: .numeric) == .orderedDescending
      }
      throw Failure(
        .request, asked: asked,
        cause: "Debian carries no version \(kernel.version) of \(kernel.package)",
        remedy: "name one that it carries: "
          + releases.map { "debian:\($0)" }.joined(separator: ", "))
    }
    guard !kernel.suites.isEmpty else {
      throw Failure(
        .request, asked: asked,
        cause: "Debian \(kernel.version) is neither known to kshim nor in this system's"
          + " package lists",
        remedy: "name one of \(DebianKernel.list), or a directory or tarball of that kernel"
          + DebianKernel.question(for: kernel.version))
    }
    throw DebianUnavailable(
      failure: Failure(
        // Not the request's fault: kshim itself offers this version.
        .tool, asked: asked,
        cause: "no Debian suite in reach carries \(kernel.package) any longer"
          + " (looked in \(kernel.suites.joined(separator: ", ")))",
        remedy: "name a directory or tarball of that kernel, or another of \(DebianKernel.list)"))
  }

  /// The package with the configuration that a kernel's packages for x86-64 were built with, and
  /// with what was generated for it: the headers of the same build as the source.
  ///
  /// - Returns: nil where no list that has the source has them.
  /// - Throws: `DebianUnavailable` where the network does not answer.
  func headers(
    of kernel: DebianKernel, source: Download, asked: String,
    _ progress: @Sendable (String) -> Void
  ) async throws -> Download? {
    try await search(
      kernel, for: "the configuration of \(source.label)", asked: asked, first: source.list,
      progress
    ) { list in
      let built = try await packages([source.label], list).first
      let names = try await run(["pkgnames", "linux-headers-"], list, program: "apt-cache")
      let plain = names.outputText.split(separator: "\n").map(String.init)
        .filter(DebianKernel.areHeaders)
      guard let built, !plain.isEmpty else { return nil }
      let found = try await packages(plain, list).first {
        ($0.source, $0.version) == (built.source, built.version)
      }
      guard let found else { return nil }
      return try await download("\(found.name)=\(found.version)", list, progress)
    }
  }

  // MARK: Searching

  /// What apt wrote when a package that is listed could not be had.
  private struct TransferError: Error {
    let lines: [String]
  }

  /// Asks the system's own package lists, then a private one for each suite of a kernel.
  ///
  /// - Parameters:
  ///   - first: the options for a list to ask in place of the system's own.
  ///   - body: given the options that make apt see a list; nil where that does not have it.
  private func search(
    _ kernel: DebianKernel, for package: String, asked: String, first: [String]? = nil,
    _ progress: @Sendable (String) -> Void, _ body: (_ list: [String]) async throws -> Download?
  ) async throws -> Download? {
    // The system's lists may name a package that the mirror has replaced since; then its
    // download fails and fresh lists are asked.
    if let found = try? await body(first ?? common) { return found }
    guard !kernel.suites.isEmpty else { return nil }
    let mirrors = try await self.mirrors(asked: asked)
    for suite in kernel.suites {
      let addresses = mirrors.filter { $0.isSecurity == suite.hasSuffix("-security") }
      guard !addresses.isEmpty else { continue }
      progress("looking for \(package) in Debian \(suite)")
      let list = try privateList(suite, addresses.map(\.address))
      let update = try await run(["update"], list)
      do {
        if let found = try await body(list) { return found }
      } catch let error as TransferError {
        throw offline(asked, error.lines)
      }
      // A suite that the mirror does not carry answers 404, and the next one may do. Any other
      // failed fetch is the network's.
      let failed = update.errorLines.filter {
        $0.contains("Failed to fetch") && !$0.contains(" 404 ")
      }
      if !failed.isEmpty { throw offline(asked, failed) }
    }
    return nil
  }

  /// Every version of some packages that the lists have, each package's newest first.
  private func packages(_ names: [String], _ list: [String]) async throws -> [DebianPackage] {
    let shown = try await run(["show"] + names, list, program: "apt-cache")
    return DebianPackage.read(shown.outputText)
  }

  /// - Parameter package: `NAME`, or `NAME=VERSION`.
  /// - Returns: nil where the lists do not have the package.
  private func download(
    _ package: String, _ list: [String], _ progress: @Sendable (String) -> Void
  ) async throws -> Download? {
    let found = try await run(["download", "--print-uris", package], list)
    // 'ADDRESS' NAME SIZE HASH
    let fields = found.outputText.split(separator: "\n").last { $0.hasPrefix("'") }?
      .split(separator: " ")
    guard found.succeeded, let fields, fields.count >= 3 else { return nil }
    // PACKAGE_VERSION_ARCHITECTURE.deb. Where no package has the name, apt takes it as a pattern
    // and offers another.
    let parts = fields[1].split(separator: "_")
    let name = String(package.prefix { $0 != "=" })
    guard parts.count == 3, parts[0] == name else { return nil }
    let version = parts[1].removingPercentEncoding ?? String(parts[1])
    let what = "downloading \(name) \(version)"
    let size = Int(fields[2]) ?? 0
    progress("\(what) (\(KernelStore.size(size)))")
    let file = "\(scratch)/deb/\(fields[1])"
    // What an attempt with other lists left of the same file is not to be continued.
    try? FileManager.default.removeItem(atPath: file)
    let result = try await watching(
      file, of: size, { progress("\(what): \($0)") },
      making: { try await run(["download", package], list) })
    guard result.succeeded, FileKind(file) == .file else {
      throw TransferError(lines: result.errorLines)
    }
    return Download(name: name, version: version, file: file, list: list)
  }

  /// Tells how far a file has come while it is made.
  private func watching<Result: Sendable>(
    _ file: String, of size: Int, _ progress: (String) -> Void,
    making make: @Sendable @escaping () async throws -> Result
  ) async throws -> Result {
    let began = ContinuousClock.now
    return try await withThrowingTaskGroup(of: Result?.self) { group in
      func wait() {
        group.addTask {
          try? await Task.sleep(for: .milliseconds(200))
          return nil
        }
      }
      defer { group.cancelAll() }
      group.addTask { try await make() }
      wait()
      while let ended = try await group.next() {
        if let made = ended { return made }
        var status = stat()
        if size > 0, stat(file, &status) == 0, status.st_size > 0 {
          let seconds = (ContinuousClock.now - began) / .seconds(1)
          progress(Self.told(Int(status.st_size), of: size, seconds: seconds))
        }
        wait()
      }
      throw CancellationError()
    }
  }

  /// `45 MB of 150 MB, 12 MB/s, 9 s left`
  static func told(_ done: Int, of size: Int, seconds: Double) -> String {
    let rate = Double(done) / max(seconds, 0.1)
    return "\(KernelStore.size(done)) of \(KernelStore.size(size)),"
      + " \(KernelStore.size(Int(rate)))/s" + Pace.left(Double(max(0, size - done)) / rate)
  }

  private func offline(_ asked: String, _ lines: [String]) -> DebianUnavailable {
    let reason = lines.first.map { line in
      // "W: Failed to fetch ADDRESS  REASON": the reason is what a sentence can carry.
      line.components(separatedBy: "  ").last ?? line
    }
    return DebianUnavailable(
      failure: Failure(
        .tool, asked: asked,
        cause: "the Debian mirror does not answer"
          + (reason.map { " (\($0.trimmingCharacters(in: .whitespaces)))" } ?? ""),
        evidence: Array(lines.prefix(3)),
        remedy: "try again with a network, or name a directory or tarball of a kernel"))
  }

  // MARK: Mirrors

  private struct Mirror: Hashable {
    let address: String
    let isSecurity: Bool
  }

  /// The Debian mirrors of the system's apt configuration; no address is built in.
  private func mirrors(asked: String) async throws -> [Mirror] {
    let targets = try await run(
      ["indextargets", "--format", "$(REPO_URI) $(RELEASE) $(ORIGIN) $(COMPONENT)"],
      options)
    var mirrors = targets.outputText.split(separator: "\n").compactMap { line -> Mirror? in
      let fields = line.split(separator: " ").map(String.init)
      guard fields.count == 4, fields[2] == "Debian", fields[3] == "main" else { return nil }
      return mirror(fields[0], fields[1])
    }
    if mirrors.isEmpty {
      // Without downloaded lists apt cannot tell an origin, but it can tell what it would fetch.
      let fetches = try await run(["update", "--print-uris"], options)
      mirrors = fetches.outputText.split(separator: "\n").compactMap { line -> Mirror? in
        guard let match = line.firstMatch(of: /^'(.*)\/dists\/(.*)\/InRelease'/),
          DebianKernel.isSuite(String(match.2))
        else { return nil }
        return mirror(String(match.1), String(match.2))
      }
    }
    guard !mirrors.isEmpty else {
      throw Failure(
        .tool, asked: asked, cause: "apt on this system knows no Debian mirror",
        evidence: Array(targets.errorLines.prefix(3)),
        remedy: "name a directory or tarball of a kernel, or DIRECTORY@REVISION")
    }
    var seen: Set<Mirror> = []
    return mirrors.filter { seen.insert($0).inserted }
  }

  private func mirror(_ address: String, _ suite: String) -> Mirror {
    let plain = address.hasSuffix("/") ? String(address.dropLast()) : address
    let isSecurity = suite.hasSuffix("-security") || suite.hasSuffix("/updates")
    return Mirror(address: plain, isSecurity: isSecurity)
  }

  // MARK: Running apt

  /// Options of every call: nothing is written outside of the scratch directory, and nothing
  /// waits long for a network that is not there. The files are checked by signature and hash,
  /// so a sandbox user, who could not enter the directory, adds nothing.
  private var common: [String] {
    [
      "-q", "-o", "Dir::Cache=\(scratch)/cache", "-o", "APT::Sandbox::User=root",
      "-o", "Acquire::Languages=none", "-o", "Acquire::Retries=1",
      "-o", "Acquire::http::Timeout=20", "-o", "Acquire::https::Timeout=20",
    ] + options
  }

  /// Options that make apt see one suite only.
  private func privateList(_ suite: String, _ addresses: [String]) throws -> [String] {
    let rings = ["gpg", "pgp"].map { "/usr/share/keyrings/debian-archive-keyring.\($0)" }
    let ring = rings.first { FileKind($0) == .file }
    let options = "arch=amd64" + (ring.map { " signed-by=\($0)" } ?? "")
    let lines = addresses.map { "deb [\(options)] \($0) \(suite) main\n" }
    let file = "\(scratch)/sources.list"
    try lines.joined().write(toFile: file, atomically: false, encoding: .utf8)
    return common + [
      "-o", "Dir::Etc::SourceList=\(file)", "-o", "Dir::Etc::SourceParts=/dev/null",
      "-o", "Dir::State::Lists=\(scratch)/lists",
    ]
  }

  private func run(
    _ arguments: [String], _ list: [String], program: String = "apt-get"
  ) async throws -> Command.Result {
    try await Command.run(
      program, list + arguments, environment: environment, directory: "\(scratch)/deb")
  }
}
