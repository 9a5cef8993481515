// SPDX-License-Identifier: GPL-2.0-only
import Extraction
import Failures
import Foundation
import KernelSource
import Reporting

/// Checks of several functions of one revision, side by side, told as one verdict.
public struct FunctionsCheck: Sendable {
  public var functions: [FunctionName]
  /// What a patch changes and that is in no function.
  public var outside: [String] = []
  /// How many run at once.
  public var jobs: Int
  /// Makes the check of a subject.
  public var check: @Sendable (_ subject: String) -> Check
  /// Told what begins, in a few words.
  public var phase: (@Sendable (String) -> Void)?
  /// Told what came of a function, as it ends; not of one alone.
  public var ended: (@Sendable (Verdict.Function) -> Void)?

  public init(
    _ functions: [FunctionName], jobs: Int, phase: (@Sendable (String) -> Void)? = nil,
    check: @escaping @Sendable (_ subject: String) -> Check
  ) {
    self.functions = functions
    self.jobs = jobs
    self.check = check
    self.phase = phase
  }

  /// What came of one function.
  enum Outcome: Sendable {
    case verdict(Verdict)
    case failure(Failure)

    func told(_ name: FunctionName) -> Verdict.Function {
      switch self {
      case .verdict(let verdict): .init(name, verdict)
      case .failure(let failure):
        .init(
          file: name.file, function: name.function, status: .notJudged, why: failure.cause,
          exploration: nil)
      }
    }
  }

  /// - Parameter first: a verdict on what a model judges, which stands before the functions'.
  /// - Throws: ``Failure`` of kind tool where kshim itself fails; where one function alone was asked
  ///   for, also why it cannot be judged.
  public func verdict(
    of revision: Revision, base: Revision?, behind first: Verdict? = nil
  ) async throws -> Verdict {
    let outcomes = try await outcomes(revision, base)
    if functions.count == 1, first == nil, case .failure(let failure) = outcomes[0] {
      throw failure
    }
    var verdict = Self.told(functions, outcomes, revision, behind: first)
    verdict.leaveOut(outside)
    return verdict
  }

  private func outcomes(_ revision: Revision, _ base: Revision?) async throws -> [Outcome] {
    let count = functions.count
    let pace = Pace("functions")
    return try await withThrowingTaskGroup(of: (Int, Outcome).self) { group in
      var found: [Int: Outcome] = [:]
      var waiting = Array(functions.indices)
      var running: [String: Int] = [:]
      func begin() {
        guard let number = Self.next(of: &waiting, functions, running) else { return }
        let name = functions[number]
        running[name.file, default: 0] += 1
        phase?(count == 1 ? "\(name)" : "\(pace.text(found.count, of: count)): \(name)")
        group.addTask { (number, try await outcome(of: name, revision, base)) }
      }
      for _ in 0..<max(1, jobs) { begin() }
      while let (number, outcome) = try await group.next() {
        found[number] = outcome
        let name = functions[number]
        running[name.file, default: 0] -= 1
        begin()
        if running[name.file] == 0, !waiting.contains(where: { functions[$0].file == name.file }) {
          for one in [revision, base].compactMap(\.self) {
            _ = try await check("\(name)").worker.perform(
              ForgetWork(file: name.file, revision: one))
          }
        }
        if count > 1 { ended?(outcome.told(name)) }
      }
      return functions.indices.map { found[$0]! }
    }
  }

  /// Takes the one of whose file the fewest run: those of one file wait for each other.
  private static func next(
    of waiting: inout [Int], _ functions: [FunctionName], _ running: [String: Int]
  ) -> Int? {
    var best: (index: Int, count: Int)?
    for index in waiting.indices {
      let count = running[functions[waiting[index]].file] ?? 0
      if count < best?.count ?? .max { best = (index, count) }
      if count == 0 { break }
    }
    return best.map { waiting.remove(at: $0.index) }
  }

  private func outcome(
    of name: FunctionName, _ revision: Revision, _ base: Revision?
  ) async throws -> Outcome {
    var check = check("\(name)")
    check.sharesFiles = true
    if let refusal = Self.refusal(of: name, revision) { return .failure(refusal) }
    do {
      // What the base has not got is new, whatever it does.
      let isNew = base.map { !Self.has(name, $0) } ?? false
      let answer = try await check.answer(of: revision, base: isNew ? nil : base)
      await check.keep(answer)
      var verdict = answer.verdict
      if isNew {
        for index in verdict.findings.indices { verdict.findings[index].introduced = true }
        for index in verdict.notes.indices { verdict.notes[index].introduced = true }
      }
      return .verdict(verdict)
    } catch let failure as Failure where failure.kind != .tool {
      return .failure(failure)
    }
  }

  /// What can be told without a look into the file.
  private static func refusal(of name: FunctionName, _ revision: Revision) -> Failure? {
    let parts = name.file.split(separator: "/")
    let (cause, remedy): (String, String)
    if name.file.hasPrefix("/") || parts.contains("..") {
      (cause, remedy) = (
        "\(name.file) is no path from the kernel's top", "name it as drivers/base/dd.c"
      )
    } else if name.isOfProgram {
      (cause, remedy) = (
        "\(name.file) belongs to a program of its own, not to the kernel",
        "name a file of the kernel"
      )
    } else if parts.count > 2, parts[0] == "arch", !["x86", "um"].contains(parts[1]) {
      (cause, remedy) = (
        "\(name.file) is of another architecture", "name a file that a kernel for x86 is built from"
      )
    } else if name.file.hasSuffix(".S") || name.file.hasSuffix(".s") {
      (cause, remedy) = ("\(name.file) is assembly", "name a C file")
    } else if !name.file.hasSuffix(".c"), !name.file.hasSuffix(".h") {
      (cause, remedy) = ("\(name.file) is no C file", "name a C file")
    } else {
      return nil
    }
    return Failure(
      .request, asked: "check \(name) of \(revision.tree.spec)", cause: cause, place: name.file,
      remedy: remedy)
  }

  private static func has(_ name: FunctionName, _ revision: Revision) -> Bool {
    guard let path = revision.path(of: name.file),
      let text = FileManager.default.contents(atPath: path)
    else { return false }
    return SourceFunctions(Array(text)).contains(name.function)
  }

  // MARK: One verdict

  private static func told(
    _ functions: [FunctionName], _ outcomes: [Outcome], _ revision: Revision,
    behind first: Verdict?
  ) -> Verdict {
    var whole = Verdict(
      revision: .init(
        kernel: revision.tree.spec, version: revision.tree.version,
        patches: revision.patches.map { .init(file: $0.name, subject: $0.subject) }),
      subject: functions.count == 1
        ? "\(functions[0])" : "\(functions.count) function\(functions.count == 1 ? "" : "s")",
      findings: [], causes: [], notes: [],
      exploration: .init(scenarios: 0, runs: 0, seconds: 0, exhaustive: true),
      properties: [])
    let contents = revision.contents
    whole.revision.contains = contents.isEmpty ? nil : contents
    var list: [Verdict.Function] = []
    if functions.count == 1, first == nil, case .verdict(let only) = outcomes[0] {
      // As it stands.
      whole = only
      whole.functions = [.init(functions[0], only)]
      if only.findings.isEmpty, only.whyNotJudged != nil { whole.verdict = "not-judged" }
      return whole
    }
    if let first {
      whole.add(first)
      whole.subject = "\(first.subject) and \(whole.subject)"
    }
    for (name, outcome) in zip(functions, outcomes) {
      if case .verdict(let verdict) = outcome { whole.add(verdict) }
      list.append(outcome.told(name))
    }
    whole.tellOnce()
    whole.functions = list
    whole.verdict =
      !whole.findings.isEmpty
      ? "findings"
      : first == nil && !list.isEmpty && list.allSatisfy { $0.status == .notJudged }
        ? "not-judged" : "clean"
    return whole
  }
}

extension Verdict {
  /// Says that parts of a patch were not looked at.
  mutating func leaveOut(_ outside: [String]) {
    guard !outside.isEmpty else { return }
    exploration.limits =
      (exploration.limits ?? [])
      + ["what the patch changes outside of functions (\(outside.joined(separator: "; ")))"]
    exploration.exhaustive = false
  }

  /// The verdict on a patch of which nothing was looked at.
  public static func nothing(of revision: KernelSource.Revision, _ outside: [String]) -> Verdict {
    var verdict = Verdict(
      revision: .init(
        kernel: revision.tree.spec, version: revision.tree.version,
        patches: revision.patches.map { .init(file: $0.name, subject: $0.subject) }),
      subject: "no function", findings: [], causes: [], notes: [],
      exploration: .init(scenarios: 0, runs: 0, seconds: 0, exhaustive: outside.isEmpty),
      properties: [])
    verdict.leaveOut(outside)
    if !outside.isEmpty { verdict.verdict = "not-judged" }
    return verdict
  }
}

extension Verdict.Source {
  /// Adds how often another search ran the same text.
  fileprivate mutating func add(_ other: Verdict.Source) {
    guard let more = other.counts else { return }
    guard let mine = counts else {
      (counts, branches) = (more, other.branches)
      return
    }
    counts = zip(mine, more).map { left, right in
      left.map { $0 + (right ?? 0) } ?? right
    }
    guard var known = branches, let new = other.branches, known.map(\.line) == new.map(\.line)
    else { return }
    for index in known.indices {
      known[index].taken += new[index].taken
      known[index].notTaken += new[index].notTaken
    }
    branches = known
  }
}

extension Verdict.Function {
  init(_ name: FunctionName, _ verdict: Verdict) {
    let why = verdict.whyNotJudged
    self.init(
      file: name.file, function: name.function,
      status: !verdict.findings.isEmpty ? .findings : why == nil ? .clean : .notJudged,
      why: verdict.findings.isEmpty ? why : nil, exploration: verdict.exploration)
  }
}

extension Verdict {
  /// Why nothing is known of a function though it was run; nil where it came to its end.
  var whyNotJudged: String? {
    if exploration.isPatchRun == false {
      return "no run comes to what the patch changes"
    }
    // One run may break several properties.
    let assumedRuns = (assumed ?? []).map(\.failing).max() ?? 0
    if let runs = exploration.runs, runs > 0, assumedRuns >= runs {
      if let service = exploration.answeredBy {
        return
          "kshim answers it by a rule of \(service) wherever it is called, for what it is there for would be a defect of any other function: judge those that call it"
      }
      return "each run ends at \(exploration.limits?.joined(separator: ", ") ?? "what is assumed")"
    }
    let ended = properties.first { $0.id == "lock-imbalance" }?.checked ?? 0
    guard ended == 0 else { return nil }
    let limit = exploration.limits?.joined(separator: ", ")
    return "it never comes to its end" + (limit.map { ": \($0)" } ?? "")
  }

  /// Adds what another check of the same revision found.
  mutating func add(_ other: Verdict) {
    let known = findings.count
    let causesKnown = causes.count
    findings += other.findings.map {
      var finding = $0
      finding.subject = other.subject
      finding.cause = $0.cause.map { $0 + causesKnown }
      return finding
    }
    causes += other.causes.map {
      var cause = $0
      cause.findings = $0.findings.map { $0 + known }
      return cause
    }
    notes += other.notes
    if let more = other.sources { show(more) }
    let (mine, more) = (exploration, other.exploration)
    exploration.scenarios = mine.scenarios + more.scenarios
    exploration.runs = (mine.runs ?? 0) + (more.runs ?? more.scenarios)
    exploration.seconds = mine.seconds + more.seconds
    exploration.exhaustive = mine.exhaustive && more.exhaustive
    exploration.bound = mine.bound ?? more.bound
    for property in other.properties {
      if let index = properties.firstIndex(where: { $0.id == property.id }) {
        properties[index].checked += property.checked
        properties[index].broken += property.broken
      } else {
        properties.append(property)
      }
    }
    if let more = other.followed {
      followed = (followed ?? []) + more.filter { !(followed ?? []).contains($0) }
    }
  }

  /// Adds text. What several checks took out is shown once, and counts together.
  private mutating func show(_ more: [Source]) {
    var shown = sources ?? []
    for source in more {
      guard
        let index = shown.firstIndex(where: {
          ($0.file, $0.firstLine, $0.lines.count)
            == (source.file, source.firstLine, source.lines.count)
        })
      else {
        shown.append(source)
        continue
      }
      shown[index].add(source)
    }
    sources = shown
  }

  /// Tells once what several functions show at one place, as a helper does that is judged alone and
  /// through its callers: of the function that the place is in, else of the first.
  mutating func tellOnce() {
    struct Place: Hashable {
      var property: String
      var file: String
      var line: Int
      var function: String
      var introduced: Bool
      /// One function may show several there.
      var number: Int
    }
    var places: [Place: [Int]] = [:]
    var order: [Place] = []
    for index in findings.indices {
      let finding = findings[index]
      // What a model shows stands for itself.
      guard finding.subject.flatMap(FunctionName.init) != nil else { continue }
      var place = Place(
        property: finding.property, file: finding.file, line: finding.line,
        function: finding.function, introduced: finding.introduced, number: 0)
      while places[place]?.contains(where: { findings[$0].subject == finding.subject }) ?? false {
        place.number += 1
      }
      if places[place] == nil { order.append(place) }
      places[place, default: []].append(index)
    }
    var repeated: Set<Int> = []
    for place in order {
      let indices = places[place]!
      guard indices.count > 1 else { continue }
      let own = "\(place.file):\(place.function)"
      let kept = indices.first { findings[$0].subject == own } ?? indices[0]
      let others = indices.filter { $0 != kept }
      findings[kept].also = others.compactMap { findings[$0].subject }
      repeated.formUnion(others)
    }
    guard !repeated.isEmpty else { return }
    self = keeping(findings.indices.filter { !repeated.contains($0) })
  }
}
