// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// Something that is run once a round, and the quantities that it gives.
struct Probe {
  var gives: [Quantity]
  var measure: () async throws -> [Quantity: Double]
}

/// What the probes run, and where.
struct Bench {
  var now: Contender
  /// Built where a row needs it.
  var before: Contender
  var tree: FullTree
  var work: String
  /// The files of the baseline.
  var baseline: String
  /// One mutant in so many.
  var sample: Int

  /// The probes that give something of `wanted`, in the order of a round: what is compared stands
  /// side by side.
  func probes(for wanted: Set<Quantity>) -> [Probe] {
    let all = [
      Probe(gives: [.edit, .searchTwo]) { try await edit(now, .edit, search: .searchTwo, jobs: 2) },
      Probe(gives: [.editFree]) {
        try await edit(now, .editFree, jobs: 2, options: ["--no-jail"])
      },
      Probe(gives: [.memblock]) { [.memblock: try memblock().seconds] },
      Probe(gives: [.editBefore]) { try await edit(before, .editBefore, jobs: 2) },
      Probe(gives: [.syntax]) { [.syntax: try syntax().seconds] },
      Probe(gives: [.broken]) { try await broken(now, .broken) },
      Probe(gives: [.brokenBefore]) { try await broken(before, .brokenBefore) },
      Probe(gives: [.brokenKnown]) { try await brokenKnown(now, .brokenKnown) },
      Probe(gives: [.brokenKnownBefore]) { try await brokenKnown(before, .brokenKnownBefore) },
      Probe(gives: [.states, .searchOne]) {
        try await edit(now, search: .searchOne, rate: .states, jobs: 1)
      },
      Probe(gives: [.statesBefore]) { try await edit(before, rate: .statesBefore, jobs: 1) },
      Probe(gives: [.first, .again], measure: repeated),
      Probe(gives: [.mutants]) { [.mutants: try mutants(now)] },
      Probe(gives: [.mutantsBefore]) { [.mutantsBefore: try mutants(before)] },
      Probe(gives: [.compare]) { [.compare: try await compare().seconds] },
      Probe(gives: [.fourChecks], measure: fourChecks),
      Probe(gives: [.checkPeak, .checkOwn, .checkChild], measure: checkMemory),
      Probe(gives: [.comparePeak, .compareOwn, .compareChild]) {
        memory(.comparePeak, .compareOwn, .compareChild, [try await compare(isWatched: true)])
      },
    ]
    return all.filter { !wanted.isDisjoint(with: $0.gives) }
  }

  // MARK: Checks

  /// A patch that this benchmark has never made before.
  private func patch(_ name: String, _ edits: [Edit], of text: String? = nil) async throws
    -> String
  {
    let path = "\(work)/\(name).patch"
    try await Edit.write(edits, of: text ?? tree.pristine, to: path, in: work)
    return path
  }

  private func edit(
    _ kshim: Contender, _ time: Quantity? = nil, search: Quantity? = nil, rate: Quantity? = nil,
    jobs: Int, options: [String] = []
  ) async throws -> [Quantity: Double] {
    let patch = try await patch("edit", Edit.harmless())
    let (ran, exploration) = try kshim.check([patch], jobs: jobs, options: options)
    var measured: [Quantity: Double] = [:]
    if let time { measured[time] = ran.seconds }
    if let search { measured[search] = exploration.seconds }
    if let rate { measured[rate] = Double(exploration.scenarios) / exploration.seconds }
    return measured
  }

  /// Neither the base nor the patched text was ever seen: the base is a tree with an edit in it.
  private func broken(_ kshim: Contender, _ time: Quantity) async throws -> [Quantity: Double] {
    [time: try await brokenRun(kshim).seconds]
  }

  private func brokenRun(_ kshim: Contender, isWatched: Bool = false) async throws -> Measured {
    let base = try Edit.harmless().reduce(tree.pristine) { try $1.apply(to: $0) }
    let patch = try await patch("broken", Edit.breaking, of: base)
    try tree.write(base)
    defer { try? tree.write(tree.pristine) }
    return try kshim.check(
      kernel: tree.directory, [patch], jobs: 2, finds: true, isWatched: isWatched
    ).ran
  }

  private func brokenKnown(_ kshim: Contender, _ time: Quantity) async throws
    -> [Quantity: Double]
  {
    let patch = try await patch("broken", Edit.breaking + Edit.harmless())
    return [time: try kshim.check([patch], jobs: 2, finds: true).ran.seconds]
  }

  private func repeated() async throws -> [Quantity: Double] {
    let patch = try await patch("edit", Edit.harmless())
    let first = try now.check([patch], jobs: 2).ran
    let again = try now.check([patch], jobs: 2).ran
    return [.first: first.seconds, .again: again.seconds]
  }

  private func fourChecks() async throws -> [Quantity: Double] {
    var seconds = 0.0
    for _ in 0..<4 {
      let patch = try await patch("edit", Edit.harmless())
      seconds += try now.check([patch], jobs: 2).ran.seconds
    }
    return [.fourChecks: seconds]
  }

  /// A base and three versions; the base is an edit as well, so that nothing of it is kept.
  private func compare(isWatched: Bool = false) async throws -> Measured {
    var revisions: [String] = []
    for name in ["base", "v1", "v2", "v3"] {
      revisions.append(try await patch(name, Edit.harmless()))
    }
    return try now.run(
      ["compare", "--kernel", now.kernel, "--format", "json", "--jobs", "2"] + revisions,
      status: 0, isWatched: isWatched)
  }

  // MARK: Memory

  private func checkMemory() async throws -> [Quantity: Double] {
    let patch = try await patch("edit", Edit.harmless())
    let clean = try now.check([patch], jobs: 2, isWatched: true).ran
    let broken = try await brokenRun(now, isWatched: true)
    return memory(.checkPeak, .checkOwn, .checkChild, [clean, broken])
  }

  private func memory(_ peak: Quantity, _ own: Quantity, _ child: Quantity, _ runs: [Measured])
    -> [Quantity: Double]
  {
    let peaks = runs.compactMap(\.peak)
    let mostOwn = Double(peaks.map(\.own).max() ?? 0) / 1_000_000
    let mostChild = Double(peaks.map(\.child).max() ?? 0) / 1_000_000
    return [peak: max(mostOwn, mostChild), own: mostOwn, child: mostChild]
  }

  // MARK: Others

  private struct Mutation: Decodable {
    struct File: Decodable {
      struct Mutant: Decodable { var status: String }
      var mutants: [Mutant]
    }
    var files: [String: File]
  }

  /// How many mutants a second, with all that comes before them.
  private func mutants(_ kshim: Contender) throws -> Double {
    let seed = "\(UInt32.random(in: 0...UInt32.max))"
    let ran = try kshim.run(
      [
        "mutate", "--kernel", kshim.kernel, "--sample", "\(sample)", "--seed", seed,
        "--format", "json", "--jobs", "2",
      ], status: 0)
    let report = try JSONDecoder().decode(Mutation.self, from: Data(ran.output.utf8))
    return Double(report.files.values.reduce(0) { $0 + $1.mutants.count }) / ran.seconds
  }

  /// One pass of the compiler over the file, without kshim.
  func syntax() throws -> Measured {
    let standins = "\(work)/standins"
    let options = KernelOptions(
      tree: tree.directory, version: tree.version, baseline: baseline, standins: standins)
    let ran = try Measured.run(
      [try Machine.clang(), "-fsyntax-only"] + options.arguments()
        + ["\(tree.directory)/\(Edit.file)"], scratch: work)
    guard ran.status == 0 else {
      throw Trouble("clang does not take \(Edit.file)", evidence: ran.errors)
    }
    return ran
  }

  /// The kernel's own harness: made and run after its source was touched.
  func memblock() throws -> Measured {
    var changes: [String: String] = [:]
    let unpacked = "\(work)/liburcu-dev/usr/include"
    if FileManager.default.fileExists(atPath: unpacked) {
      changes["CPATH"] = "\(unpacked):\(unpacked)/x86_64-linux-gnu"
    }
    let script = "cd \"$1\" && touch ../../../mm/memblock.c && make -j2 && ./main"
    let ran = try Measured.run(
      ["bash", "-c", script, "memblock", "\(tree.directory)/tools/testing/memblock"],
      changes: changes, scratch: work)
    guard ran.status == 0 else {
      throw Trouble(
        "memblock's tests do not build or do not pass", evidence: ran.errors,
        remedy: "they need make, gcc, libasan and libubsan")
    }
    return ran
  }
}
