// SPDX-License-Identifier: GPL-2.0-only
import ArgumentParser
import Foundation

@main
struct BenchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kshim-bench",
    abstract: "Measure what kshim promises, as ratios, on this machine.",
    discussion: """
      What is compared runs in turns, a round each, so that drift of the machine cancels. The first \
      time it builds the baseline and unpacks a kernel, which takes some minutes and 3 GB. Nothing \
      else should run beside it.

      Exit status: 0 every bound is met, 1 one is not or could not be measured.

      Rows:
      \(Row.all.map { "  \($0.id.padding(toLength: 16, withPad: " ", startingAt: 0))\($0.title)" }
        .joined(separator: "\n"))

      Examples:
        kshim-bench
        kshim-bench --row edit --row states --rounds 3
        kshim-bench --runs 3 -o results.json        the worst of three runs counts
        kshim-bench --kshim /tmp/other/kshim --row memblock
        make bench BENCH='--row edit'
      """)

  @Option(
    name: .customLong("row"), parsing: .singleValue,
    help: ArgumentHelp("Only this row; may be repeated.", valueName: "id"))
  var names: [String] = []

  @Option(help: ArgumentHelp("How often each is measured in a run.", valueName: "n"))
  var rounds = 5

  @Option(help: ArgumentHelp("How many runs; the worst counts.", valueName: "n"))
  var runs = 1

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "Where JSON is kept. Default: Benchmarks/results/DATE-COMMIT.json.", valueName: "file"))
  var output: String?

  @Option(help: ArgumentHelp("What is measured. Default: .build/release/kshim.", valueName: "path"))
  var kshim: String?

  @Option(help: ArgumentHelp("The kshim to compare with.", valueName: "commit"))
  var baseline = "73ce32b522fa33264f0e357b2b3583c71658e60b"

  @Option(help: ArgumentHelp("What is checked: debian:VERSION.", valueName: "kernel"))
  var kernel = "debian:6.12"

  @Option(help: ArgumentHelp("Of mutants, one in so many.", valueName: "n"))
  var sample = 1

  @Option(
    help: ArgumentHelp(
      "Where kernels, caches and the baseline's build are kept. Default: Benchmarks/.build/work.",
      valueName: "dir"))
  var work: String?

  func validate() throws {
    let known = Row.all.map(\.id)
    for name in names where !known.contains(name) {
      throw ValidationError("there is no row '\(name)'; rows are \(known.joined(separator: ", "))")
    }
    guard rounds > 0, runs > 0, sample > 0 else {
      throw ValidationError("--rounds, --runs and --sample take a number from 1")
    }
  }

  func run() async throws {
    let rows = names.isEmpty ? Row.all : Row.all.filter { names.contains($0.id) }
    let root = try Self.root()
    let machine = await Machine.read()
    if machine.load > 0.5 {
      SetUp.note("something else runs on this machine (load \(machine.load)); ratios may suffer")
    }
    let commit = try await SetUp.run(
      ["git", "-C", root, "describe", "--always", "--dirty", "--exclude=*"]
    ).trimmingCharacters(in: .newlines)
    defer { Contender.removeTemporary() }
    let bench = try await prepare(root, rows)
    var samples: [Samples] = []
    for number in 1...runs {
      samples.append(await measure(bench, rows, label: runs > 1 ? "run \(number), " : ""))
    }
    let date = ISO8601DateFormatter().string(from: Date())
    let results = Results(
      date: date, commits: .init(kshim: commit, baseline: "\(baseline.prefix(7))"),
      linux: bench.tree.version, machine: machine, rounds: rounds, rows: rows, runs: samples)
    print(results.text, terminator: "")
    let stamp = date.replacingOccurrences(of: ":", with: "")
    let file = URL(
      fileURLWithPath: output ?? "\(root)/Benchmarks/results/\(stamp)-\(commit).json")
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try results.json().write(to: file, options: .atomic)
    SetUp.note("kept in \(file.path)")
    if !results.areMet { throw ExitCode(1) }
  }

  /// The repository: above the running program.
  private static func root() throws -> String {
    var path = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    while path.path != "/" {
      path.deleteLastPathComponent()
      let mark = path.appendingPathComponent("kernel-extract/subjects").path
      if FileManager.default.fileExists(atPath: mark) { return path.path }
    }
    throw Trouble("this program is not in a clone of kshim", remedy: "build it with make bench")
  }

  /// Gets and builds what the rows need, and runs each of it once.
  private func prepare(_ root: String, _ rows: [Row]) async throws -> Bench {
    let program = kshim ?? "\(root)/.build/release/kshim"
    guard FileManager.default.isExecutableFile(atPath: program) else {
      throw Trouble("there is no kshim at \(program)", remedy: "build it with make build")
    }
    let work = URL(fileURLWithPath: work ?? "\(root)/Benchmarks/.build/work").path
    try FileManager.default.createDirectory(atPath: work, withIntermediateDirectories: true)
    let tree = try await FullTree.make(kernel, in: work)
    let files = try await Contender.archive(baseline, of: root, work: work)
    let before = Contender(
      name: "\(baseline.prefix(7))", program: "\(files)/.build/debug/kshim", work: work,
      kernel: kernel)
    let wanted = Set(rows.flatMap(\.quantities))
    let bench = Bench(
      now: Contender(
        name: "now", program: URL(fileURLWithPath: program).path, work: work, kernel: kernel),
      before: before, tree: tree, work: work, baseline: files, sample: sample)
    if !wanted.subtracting([.memblock, .syntax]).isEmpty {
      try bench.now.prepare(version: tree.version)
    }
    if !wanted.isDisjoint(with: Quantity.ofBaseline) {
      try await before.build(in: files)
      try before.prepare(version: tree.version)
    }
    if wanted.contains(.memblock) {
      if !Self.hasURCU {
        do {
          _ = try await Packages(work: work).unpacked("liburcu-dev")
        } catch { SetUp.note("\(error)") }
      }
      // What fails here fails in the row as well, with its reason.
      _ = try? bench.memblock()
    }
    return bench
  }

  private static var hasURCU: Bool {
    ["/usr/include/urcu", "/usr/include/x86_64-linux-gnu/urcu"]
      .contains { FileManager.default.fileExists(atPath: "\($0)/uatomic.h") }
  }

  private func measure(_ bench: Bench, _ rows: [Row], label: String) async -> Samples {
    var samples = Samples()
    var probes = bench.probes(for: Set(rows.flatMap(\.quantities)))
    for round in 1...rounds {
      SetUp.note("\(label)round \(round) of \(rounds)")
      for (index, probe) in probes.enumerated() {
        do {
          samples.add(try await probe.measure())
        } catch {
          SetUp.note("not measured: \(probe.gives.map(\.name).joined(separator: ", ")): \(error)")
          samples.drop(probe.gives, "\(error)")
          probes[index].gives = []
        }
      }
      probes.removeAll { $0.gives.isEmpty }
    }
    return samples
  }
}
