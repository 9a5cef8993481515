// SPDX-License-Identifier: GPL-2.0-only
import ArgumentParser
import Checking
import Extraction
import KernelSource
import Reporting
import Synchronization

struct CheckCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Search every scenario of a revision and say what breaks.",
    discussion: """
      Without patches the kernel itself is judged. With patches what they introduce decides \
      the exit status: when something is found, the base is searched too. A range of commits is \
      judged as one change, or with --each-commit one after another; so are several patches. What \
      was searched before is not searched again where nothing that it reads has changed.

      Examples:
        kshim check --kernel debian:6.1
        kshim check --kernel ~/linux --patch v1.patch
        kshim check --kernel ~/linux --function drivers/base/dd.c:driver_attach
        kshim check --kernel ~/linux --file lib/genalloc.c --seconds 10
        b4 am -o- MESSAGE-ID | kshim check --kernel ~/linux --patch -
        kshim check --kernel ~/linux@v6.12..       what HEAD has and v6.12 has not
        kshim check --kernel ~/linux@v6.12.. --each-commit
        kshim check --each-commit --patch 1.patch --patch 2.patch
        git bisect run kshim check --kernel . --bisect
        kshim check --kernel ~/linux --patch v1.patch --format note
        kshim check --kernel ~/linux --format sarif -o kshim.sarif --html report
      """)

  @OptionGroup var revision: RevisionOptions
  @OptionGroup var search: SearchOptions
  @OptionGroup var report: ReportOptions
  @OptionGroup var html: HTMLOptions
  @OptionGroup var jail: JailOptions

  @Option(
    help: ArgumentHelp(
      "text, json, ktap, junit, sarif, lcov (what was run, for genhtml), b4, checkpatch (lines as checkpatch's), or note (for a cover letter).",
      valueName: "format"))
  var format = ReportFormat.text

  @Flag(help: "Let findings that were there before the patches, and notes, fail too.")
  var strict = false

  @Flag(help: "Tell what was there before the patches in full too, not in a line each.")
  var old = false

  @Flag(help: "Tell every cause in full, not only the ten simplest.")
  var all = false

  @Flag(help: "One verdict for each commit of a range, and for each patch.")
  var eachCommit = false

  @Flag(help: "Use no result of an earlier check, and keep none.")
  var noCache = false

  @Flag(help: "Exit with 125 where the revision cannot be judged, for 'git bisect run'.")
  var bisect = false

  func validate() throws {
    if eachCommit, format == .lcov {
      throw ValidationError(
        "--format lcov is of one text, and --each-commit has one for each step; leave out one of them"
      )
    }
  }

  func run() async throws {
    try report.check()
    try html.check()
    _ = try search.subject.locate()
    if eachCommit { try await tell(eachReport()) } else { try await tellWhole() }
  }

  private func tell(_ judged: CheckReport) throws {
    var result = judged
    if let root = try? Installation.locate().root {
      result.page = {
        try? String(contentsOfFile: "\(root)/docs/properties/\($0).md", encoding: .utf8)
      }
    }
    Terminal.status("")
    try report.write(
      result.rendered(
        as: format, usesColour: report.output == nil && Terminal.usesColour, isStrict: strict,
        showsOld: old,
        // Both go to one terminal.
        hasToldFunctions: report.output == nil && Terminal.isTerminal, showsAll: all,
        columns: report.output == nil ? Terminal.columns : nil))
    try html.write(HTMLReport(result))
    let code = result.exitCode(isStrict: strict)
    if code != 0 { throw ExitCode(code) }
  }

  private func tellWhole() async throws {
    let sources = try PatchFile.sources(revision.patches)
    // What is wrong with the patches or the kernel is told first.
    let check = Result { try self.check(Step()) }
    let asked = try? check.get()
    let isSubject = search.subject.function == nil && search.subject.file == nil
    let request =
      isSubject && !isDetailed ? asked.flatMap { self.request(of: $0.subject, sources) } : nil
    if let request, let known = await asked?.results?.verdict(of: request) {
      KernelStore.own.use(request.directory)
      return try tell(wholeReport(known))
    }
    try startWorker()
    async let source = modelled
    let (revision, base) = try await self.revision.resolve(
      sources, needing: search.subject.needs)
    defer {
      revision.close()
      base?.close()
    }
    // A patch to what a model judges is looked at beside the search.
    let isOpen = search.subject.isOpen && revision.isChanged
    let reading = Task { isOpen ? ChangedFunctions(of: revision) : nil }
    let modelled = await source
    let isModelled = revision.path(of: modelled) != "\(revision.tree.directory)/\(modelled)"
    if let named = try search.subject.functions(in: revision) {
      return try await tell(named, revision, base, behind: nil)
    }
    if isOpen, !isModelled, let changed = await reading.value {
      if !changed.functions.isEmpty {
        return try await tell(
          changed.functions, revision, base, behind: nil, outside: changed.outside)
      }
      if changed.isFar(from: modelled) {
        return try tell(wholeReport(.nothing(of: revision, changed.outside)))
      }
    }
    let answer = try await check.get().answer(of: revision, base: base)
    let changed = await reading.value
    let rest = changed?.functions(notIn: answer.verdict) ?? []
    if !rest.isEmpty {
      try await check.get().keep(answer)
      return try await tell(
        rest, revision, base, behind: answer.verdict, outside: changed?.outside ?? [])
    }
    if let changed, changed.functions.isEmpty, !answer.reads(anyOf: changed.files) {
      try await check.get().keep(answer)
      return try tell(wholeReport(.nothing(of: revision, changed.outside)))
    }
    var verdict = answer.verdict
    verdict.revision.base = base?.commit?.id
    if base?.commit != nil {
      verdict.revision.head = revision.commit.map { .init(id: $0.id, subject: $0.subject) }
    }
    Session.endWorkers()
    // Nobody waits for what only a later check is served by.
    let told = Result { try tell(wholeReport(verdict)) }
    try await check.get().keep(answer, as: request)
    try told.get()
  }

  /// Functions that no manifest describes.
  private func tell(
    _ functions: [FunctionName], _ revision: Revision, _ base: Revision?, behind first: Verdict?,
    outside: [String] = []
  ) async throws {
    var checks = try await checks(functions, of: revision.tree)
    checks.outside = outside
    var verdict = try await checks.verdict(of: revision, base: base, behind: first)
    verdict.revision.base = base?.commit?.id
    if base?.commit != nil {
      verdict.revision.head = revision.commit.map { .init(id: $0.id, subject: $0.subject) }
    }
    let options =
      functions.count == 1 && first == nil
      ? "--function \(Shell.quoted("\(functions[0])")) " : ""
    try tell(
      CheckReport([
        .init(
          label: nil, title: nil, outcome: .verdict(verdict),
          replayOptions: options + revisionOptions)
      ]))
  }

  /// - Parameter prefix: stands before what a line on a terminal tells.
  private func checks(
    _ functions: [FunctionName], of tree: KernelTree, prefix: String = ""
  ) async throws -> FunctionsCheck {
    var asked: Set<String> = []
    // What is included tells of more; the tree stays where it is.
    while KernelStore.own.isOwn(tree) {
      let files = Set(functions.map(\.file)).sorted()
      let more = files.flatMap { FunctionName(file: $0, function: "").needs(in: tree) }
        .filter { asked.insert($0).inserted }
      guard !more.isEmpty else { break }
      _ = try await KernelStore.own.need(more, of: tree) { Terminal.status(prefix + $0) }
    }
    let (installation, _) = try search.subject.locate()
    let results = ResultCache(
      directory: noCache ? nil : "\(KernelStore.own.cacheDirectory)/results",
      installation: installation)
    let seconds = search.seconds
    let worker = jail.worker(installation, kernels: [revision.kernelName], jobs: search.workers)
    var checks = FunctionsCheck(
      functions, jobs: search.workers, phase: { Terminal.status(prefix + $0) },
      check: { subject in
        var check = Check(subject: subject, jobs: 1, installation: installation)
        check.worker = worker
        check.results = results
        check.isDetailed = isDetailed
        check.remark = { Terminal.error("kshim: \($0)") }
        check.seconds = seconds
        return check
      })
    checks.ended = { Terminal.line(prefix + $0.line(usesColour: Terminal.usesColour)) }
    return checks
  }

  /// Whether more is shown than a verdict says.
  private var isDetailed: Bool { html.html != nil || format == .lcov }

  private var revisionOptions: String { revision.replayOptions }

  /// The file whose functions a model judges.
  private var modelled: String {
    (try? Installation.locate().source(of: Subjects.standard)) ?? ""
  }

  /// What is asked for; nil where the kernel's name does not say where its files lie, and with
  /// `--no-cache`.
  private func request(of subject: String, _ sources: [PatchFile.Source]) -> Request? {
    guard !noCache, let directory = KernelStore.own.place(of: revision.kernelName) else {
      return nil
    }
    return Request(
      subject: subject, kernel: revision.kernelName, directory: directory, patches: sources,
      take: revision.take, allowed: (try? search.subject.allowed()) ?? [])
  }

  private func wholeReport(_ verdict: Verdict) -> CheckReport {
    CheckReport([
      .init(
        label: nil, title: nil, outcome: .verdict(verdict),
        replayOptions: search.subject.replayOptions + revision.replayOptions)
    ])
  }

  private func eachReport() async throws -> CheckReport {
    try startWorker()
    var series = try await revision.series()
    for index in series.steps.indices {
      series.steps[index].replayOptions =
        search.subject.replayOptions + series.steps[index].replayOptions
    }
    let step = Step()
    let count = series.count
    if search.subject.isOpen {
      let check = SeriesCheck(modelled: modelled, whole: try check(step)) { functions, tree in
        try await self.checks(functions, of: tree, prefix: step.prefix)
      }
      let report = try await check.report(of: series) { step.begin("\($0) of \(count): ") }
      if let report { return report }
    }
    return try await check(step).report(of: series) { step.begin("\($0) of \(count): ") }
  }

  private func startWorker() throws {
    let (installation, subject) = try search.subject.locate()
    // It starts while the kernel is read.
    jail.worker(installation, kernels: [revision.kernelName], jobs: search.workers)
      .warmUp(ReadyWork(subject, installation))
  }

  private func check(_ step: Step) throws -> Check {
    let (installation, subject) = try search.subject.locate()
    var check = Check(
      subject: subject, jobs: search.workers, installation: installation,
      progress: SearchOptions.progress { Terminal.status(step.prefix + $0) },
      phase: { Terminal.status(step.prefix + $0) })
    check.isDetailed = isDetailed
    check.remark = { Terminal.error("kshim: \($0)") }
    check.worker = jail.worker(installation, kernels: [revision.kernelName], jobs: search.workers)
    check.results = ResultCache(
      directory: noCache ? nil : "\(KernelStore.own.cacheDirectory)/results",
      installation: installation)
    return check
  }

  /// Which step of a series is judged, for the line on a terminal.
  private final class Step: Sendable {
    private let stored = Mutex("")
    var prefix: String { stored.withLock { $0 } }
    func begin(_ prefix: String) { stored.withLock { $0 = prefix } }
  }
}

extension ReportFormat: ExpressibleByArgument {}
