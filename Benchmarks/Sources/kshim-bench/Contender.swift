// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// One build of kshim that is measured, with a cache of its own.
struct Contender {
  var name: String
  /// The program.
  var program: String
  /// The work directory of the benchmark.
  var work: String
  var kernel: String

  /// Numbers of the search, as the verdict tells them.
  struct Exploration: Decodable {
    var scenarios: Int
    /// What was run for them; a kshim that runs each says nothing of it.
    var runs: Int?
    var seconds: Double
  }

  private struct Verdict: Decodable {
    struct Revision: Decodable { var version: String }
    var revision: Revision
    var exploration: Exploration
  }

  /// Builds the program in the files of a commit, as that commit's own `make check` does.
  func build(in directory: String) async throws {
    guard !FileManager.default.isExecutableFile(atPath: program) else { return }
    SetUp.note("building kshim of \(name); this takes some minutes, once")
    try await SetUp.run(["make", "build"], in: directory)
    guard !FileManager.default.isExecutableFile(atPath: program) else { return }
    throw Trouble(
      "'make build' of \(name) makes no \(program)", remedy: "name an older --baseline")
  }

  /// The files of a commit, unpacked.
  static func archive(_ commit: String, of repository: String, work: String) async throws -> String
  {
    let directory = "\(work)/kshim-\(commit.prefix(7))"
    if FileManager.default.fileExists(atPath: directory) { return directory }
    do {
      try await SetUp.script(
        """
        mkdir -p "$3.part"
        git -C "$1" archive "$2" | tar -x -C "$3.part"
        mv "$3.part" "$3"
        """, [repository, commit, directory])
    } catch {
      throw Trouble(
        "commit \(commit.prefix(7)) cannot be had from \(repository) (\(error))",
        remedy: "run it in a clone with the whole history: git fetch --unshallow")
    }
    return directory
  }

  /// A temporary directory of its own: what another kshim leaves there is not to be swept now.
  private static let temporary = Result {
    let path = FileManager.default.temporaryDirectory.path + "/bench-of-kshim-\(getpid())"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return path
  }

  static func removeTemporary() {
    if let path = try? temporary.get() { try? FileManager.default.removeItem(atPath: path) }
  }

  /// Runs a command of this kshim.
  ///
  /// - Parameter status: the one exit status that is right.
  func run(_ arguments: [String], status: Int32, isWatched: Bool = false) throws -> Measured {
    let cache = "\(work)/cache-\(name)"
    try FileManager.default.createDirectory(atPath: cache, withIntermediateDirectories: true)
    let ran = try Measured.run(
      [program] + arguments,
      changes: ["XDG_CACHE_HOME": cache, "TMPDIR": try Self.temporary.get()],
      isWatched: isWatched, scratch: work)
    guard ran.status == status else {
      throw Trouble(
        "'kshim \(arguments.first ?? "")' of \(name) ends with \(ran.status), not \(status)",
        evidence: ran.errors)
    }
    return ran
  }

  /// A check, and what its verdict says of the search.
  ///
  /// - Parameter kernel: nil is this contender's own.
  func check(
    kernel: String? = nil, _ patches: [String], jobs: Int, finds: Bool = false,
    isWatched: Bool = false, options: [String] = []
  ) throws -> (ran: Measured, exploration: Exploration) {
    let ran = try run(
      ["check", "--kernel", kernel ?? self.kernel, "--format", "json", "--jobs", "\(jobs)"]
        + options + patches.flatMap { ["--patch", $0] }, status: finds ? 1 : 0, isWatched: isWatched
    )
    return (ran, try verdict(ran).exploration)
  }

  private func verdict(_ ran: Measured) throws -> Verdict {
    do {
      return try JSONDecoder().decode(Verdict.self, from: Data(ran.output.utf8))
    } catch {
      throw Trouble("the verdict of \(name) has not the expected keys (\(error))")
    }
  }

  /// Gets the kernel, fills the caches and the kept result of the unchanged kernel.
  ///
  /// - Parameter version: of the tree that the others are measured on.
  func prepare(version: String) throws {
    SetUp.note("\(name) checks \(kernel) once, unmeasured")
    let ran = try run(["check", "--kernel", kernel, "--format", "json"], status: 0)
    let own = try verdict(ran).revision.version
    guard own == version else {
      throw Trouble(
        "\(name) has Linux \(own) in its cache, the benchmark \(version)",
        remedy: "remove \(work) and run again")
    }
  }
}
