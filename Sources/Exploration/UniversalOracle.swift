// SPDX-License-Identifier: GPL-2.0-only
import Shims

/// Judges the steps of any subject: what is wrong whatever the code is for. docs/properties.md says
/// exactly what each rule claims, and what it keeps silent about.
struct UniversalOracle {
  private let subject: Subject
  private var events = StepEvents()
  /// The first event of the next step.
  private var position = 0
  /// The first event behind the set-up.
  private var begin = 0
  private var isUninitialised = false

  /// Of a function that no manifest describes; nil where one does.
  private let ledger: Ledger?
  private let baseline = Baseline()
  private let stageJudge: StageJudge?
  /// Calls that may keep what they get, and those that nobody asks whether they fail.
  private let unknown: [UInt16: UInt]
  private let keepers: Set<UInt16>
  /// Calls after which the end of what they get is for its `release`.
  private let initialisers: Set<UInt16>
  let unused: Set<UInt16>
  /// Of those, what others ask.
  let neglected: Set<UInt16>
  /// Of those, what others of the file ask.
  private let neglectedHere: Set<UInt16>
  private let neglectedAlways: Set<UInt16>
  /// What is lost where these fail, nobody asked whether they did.
  private let stores: Set<UInt16>
  /// Who calls these cannot say that they failed.
  private let mute: Set<UInt16>
  /// What NULL is good for.
  private let isForNull: Set<UInt16>
  /// What says to somebody else that something failed.
  private let reporters: Set<UInt16>
  private let firstInput: UInt16
  /// What the text names.
  private let errnos: Set<String>

  init(_ subject: Subject, _ plan: Plan) {
    self.subject = subject
    ledger = plan.inputs.map { _ in Ledger(plan, subject) }
    stageJudge = plan.inputs.map { StageJudge(subject, plan, firstInput: UInt16($0)) }
    unknown = Dictionary(
      plan.unknown.compactMap { name, mask in subject.call(name).map { ($0, mask) } },
      uniquingKeysWith: |)
    keepers = subject.calls(plan.traits["keeps"])
    initialisers = subject.calls(plan.traits["initialises"])
    unused = subject.calls(plan.unused)
    neglected = subject.calls(plan.neglected)
    neglectedAlways = subject.calls(plan.neglectedAlways)
    neglectedHere = subject.calls(plan.neglectedHere)
    stores = subject.calls(plan.stores)
    mute = subject.calls(plan.mute)
    reporters = subject.calls(plan.traits["reports"])
    isForNull = subject.calls(plan.traits["tolerates"])
    firstInput = plan.inputs.map(UInt16.init) ?? UInt16.max
    errnos = plan.errnos
  }

  /// Begins a scenario.
  ///
  /// - Parameter position: behind the events of its set-up.
  mutating func begin(at position: Int) {
    self.position = position
    begin = position
    isUninitialised = false
  }

  /// Judges the step that was just made.
  ///
  /// - Parameters:
  ///   - held: what the caller has from this call and earlier ones.
  ///   - isReleased: whether the targets' objects are given back with it.
  ///   - isOrdinary: whether every input that was looked at has its ordinary value.
  /// - Returns: whether the step ends in the same way whatever holds what nothing has set.
  mutating func judge(
    _ target: Plan.Target, _ world: World, _ result: UInt64?, held: [UInt64], isReleased: Bool,
    isOrdinary: Bool, by stages: Consistency?,
    _ report: inout Report
  ) -> Bool {
    let step = position
    position = events.take(
      world.events, from: position, function: target.name, into: &report)
    var goesOn = true
    if let sign = report.parting(world, result) {
      goesOn = !sign.isEnd
      if !isUninitialised {
        report.broken(.uninitialised, in: target.name, at: sign.pc, sign.sentence)
      }
      isUninitialised = true
    }
    // What such a value leads to is no further finding.
    guard !isUninitialised, let returned = events.returned, world.happened.pointee.ended == 0
    else { return goesOn }
    let end = returned.pc
    let outcome = Outcome(target.result, returned.value)
    var held = held
    if ledger != nil, outcome.isFailure { report.returnsError() }
    if ledger != nil {
      baseline.take(world, prefix: report.choices.count, hasFailed: outcome.isFailure)
      handsOnNull(target, outcome, world, &report)
    }
    if let ledger {
      let own = world.events[step..<position]
      ledger.judge(
        own, in: world, outcome, returned.value, target.name, by: stages, &report)
      // Who gets a pointer may keep it.
      // Where the function fails, what it only had set up is still its own.
      for event in own where event.what == .call {
        if initialisers.contains(event.call) { held.append(event.arg.0) }
        guard let kept = unknown[event.call], StepEvents.errno(event.value) == nil,
          !outcome.isFailure || keepers.contains(event.call)
        else { continue }
        let arguments = [event.arg.0, event.arg.1, event.arg.2, event.arg.3]
        held += (0..<4).filter { kept >> $0 & 1 != 0 }.map { arguments[$0] }
      }
    }
    if outcome == .success, target.result == .pointer,
      world.events[step..<position].contains(where: {
        $0.what == .free && $0.freed == .live
          && ($0.arg.0 >> 12 == returned.value >> 12
            || world.virtualAddress($0.arg.0) >> 12 == returned.value >> 12)
      })
    {
      report.broken(
        .useAfterFree, in: target.name, at: end, "the function returns memory that it freed")
    }
    leaks(target, world, held, isReleased, &report)
    if let stageJudge, outcome.isFailure {
      stageJudge.judge(target.name, world, by: stages, baseline, &report)
    }
    locks(target, world, &report)
    answers(target, world, from: step, returned, &report)
    if outcome.isFailure {
      report.look(at: .init(.partialState))
      if let place = world.dangling {
        report.broken(
          .partialState, in: target.name, at: place == 0 ? end : place,
          "the function fails, and what is left still names memory that it freed")
      }
      let raised = ledger == nil ? 0 : world.raised
      if raised != 0 {
        report.broken(
          .partialState, in: target.name, at: raised,
          "the function fails, and a count that it raised is not lowered again")
      }
      // Who says that it is under way, or to come again, may keep it there.
      if ledger != nil, report.faults > 0, !outcome.isOpen {
        let listed = world.listed
        if listed != 0 {
          report.broken(
            .partialState, in: target.name, at: listed,
            "the function fails, and what it was handed is left in a list")
        }
      }
    }
    if ledger == nil { warns(target, world, isOrdinary, &report) }
    return true
  }

  // MARK: Memory and locks

  private func leaks(
    _ target: Plan.Target, _ world: World, _ held: [UInt64], _ isReleased: Bool,
    _ report: inout Report
  ) {
    report.look(at: .init(.leak))
    for event in world.lost(held: held, isReleased: isReleased) {
      report.broken(
        .leak, in: target.name, at: event.pc,
        "memory is allocated and nothing names it afterwards")
    }
  }

  /// A lock that the code itself has taken before: what its callers hold, nobody says.
  private func locks(_ target: Plan.Target, _ world: World, _ report: inout Report) {
    for event in events.assertions
    where world.events[begin...].contains(where: {
      $0.what == .lock && $0.arg.0 == event.arg.0
        && $0.lockMode.isSection == event.lockMode.isSection
    }) {
      report.broken(
        .lockImbalance, in: target.name, at: event.pc,
        event.demand)
    }
  }

  private func warns(
    _ target: Plan.Target, _ world: World, _ isOrdinary: Bool, _ report: inout Report
  ) {
    guard isOrdinary, world.decisions.allSatisfy({ $0.choice == 0 }) else { return }
    report.look(at: .init(.warnUnexpected))
    guard let first = events.warned.first else { return }
    report.broken(
      .warnUnexpected, in: target.name, at: first.pc,
      "a WARN fires although nothing failed and the state is the ordinary one")
  }

  // MARK: Failures

  /// An answer at the boundary that could have been another.
  private struct Answer {
    var call: UInt16
    var isOrdinary: Bool
    var allocates: Bool
    /// The errno that a failure stands for; nil where the answer says of no failure which.
    var errno: Int32?
    var pc: UInt64
  }

  private func answer(_ decision: kshim_decision, _ events: UnsafeBufferPointer<Event>) -> Answer {
    let call = events[Int(decision.event)]
    var answer = Answer(
      call: decision.call, isOrdinary: decision.choice == 0, allocates: false, errno: nil,
      pc: call.pc)
    var isRefused = false
    for event in events[Int(decision.event)...].dropFirst() {
      guard event.call == call.call, event.what != .call else { break }
      guard event.what == .allocation else { continue }
      answer.allocates = true
      if event.value == 0 { isRefused = true }
    }
    guard !answer.isOrdinary else { return answer }
    let value = Int64(bitPattern: call.value)
    let narrow = call.value >> 32 == 0 ? Int64(Int32(truncatingIfNeeded: call.value)) : value
    if isRefused {
      answer.errno = StepEvents.enomem
    } else if (-4095..<0).contains(narrow) {
      answer.errno = Int32(narrow)
    }
    return answer
  }

  /// An allocation that failed, and what gets NULL in its place.
  private func handsOnNull(
    _ target: Plan.Target, _ outcome: Outcome, _ world: World, _ report: inout Report
  ) {
    let decisions = world.decisions
    guard let last = decisions.lastIndex(where: { $0.choice != 0 }),
      decisions[last].call < firstInput,
      baseline.isPlaced(last) || baseline.isKept(last) || !baseline.handed(last).isEmpty
    else { return }
    let all = world.events
    let failed = answer(decisions[last], all)
    guard failed.errno == StepEvents.enomem else { return }
    report.look(at: .init(.unchecked))
    let name = subject.calls[Int(failed.call)].replacing("_noprof", with: "")
    // Not a branch goes another way, and what is left has NULL where it has the memory else.
    if outcome == .success || outcome == .unknown,
      baseline.isKept(last) && baseline.isSame(world, last) || baseline.isLeftNull(world, last)
    {
      report.broken(
        .unchecked, in: target.name, at: failed.pc,
        "\(name)() fails, nobody tests for it, and NULL is left in place of the memory")
      return
    }
    if outcome.isFailure, let place = baseline.overwritten(world, last) {
      report.look(at: .init(.partialState))
      report.broken(
        .partialState, in: target.name, at: place,
        "the function fails, and NULL is left where it was not before")
    }
    for event in all[Int(decisions[last].event)...].dropFirst()
    where event.what == .call && !isForNull.contains(event.call) {
      let given = event.arguments
      guard
        baseline.handed(last).contains(where: {
          $0.pc == event.pc && $0.argument < given.count && given[$0.argument] == 0
        })
      else { continue }
      report.broken(
        .unchecked, in: target.name, at: failed.pc,
        "\(name)() fails, and NULL is handed to \(subject.calls[Int(event.call)])()")
      return
    }
  }

  /// What the function makes of the failures that it met and did not get over.
  private func answers(
    _ target: Plan.Target, _ world: World, from step: Int, _ returned: Event,
    _ report: inout Report
  ) {
    let outcome = Outcome(target.result, returned.value)
    let all = world.events
    if target.result == .void, let last = world.decisions.last(where: { $0.choice != 0 }),
      neglectedHere.contains(last.call), !mute.contains(last.call)
    {
      report.look(at: .init(.unchecked))
      report.broken(
        .unchecked, in: target.name, at: all[Int(last.event)].pc,
        "\(subject.calls[Int(last.call)])() fails, and nobody asks as others of the file do")
    }
    guard outcome != .unknown else { return }
    let answers = world.decisions.filter { Int($0.event) >= step && Int($0.event) < position }
      .filter {
        $0.call < firstInput && (!unused.contains($0.call) || neglectedAlways.contains($0.call))
      }
      .map { answer($0, all) }
    // A second try, or another way to get memory, makes good for what failed.
    let failed = answers.indices.filter { index in
      let one = answers[index]
      return one.errno != nil
        && !answers[(index + 1)...].contains {
          $0.isOrdinary && ($0.call == one.call || $0.allocates && one.allocates)
        }
    }.map { answers[$0] }
    guard let first = failed.first else { return }
    let callee = "\(subject.calls[Int(first.call)])()"
    switch outcome {
    case .success:
      // What was to be kept is nowhere.
      if stores.contains(first.call) {
        report.look(at: .init(.errorSwallowed))
        report.broken(
          .errorSwallowed, in: target.name, at: first.pc,
          "\(callee) fails, nobody asks, and the function succeeds")
        return
      }
      if failed.allSatisfy({ mute.contains($0.call) }) { return }
      if neglectedAlways.contains(first.call) {
        guard failed.count == 1 else { return }
        report.look(at: .init(.errorSwallowed))
        report.broken(
          .errorSwallowed, in: target.name, at: first.pc,
          "\(callee) fails, nobody asks as others do, and the function succeeds")
        return
      }
      if let last = world.decisions.lastIndex(where: { $0.choice != 0 }),
        all[Int(world.decisions[last].event)...].contains(where: {
          $0.what == .call && reporters.contains($0.call)
        })
      {
        return
      }
      // Who goes on as if nothing had been may do without.
      if ledger != nil, !baseline.differs(world) { return }
      report.look(at: .init(.errorSwallowed))
      report.broken(
        .errorSwallowed, in: target.name, at: first.pc,
        "\(callee) fails and the function \(target.result == .errno ? "returns 0" : "succeeds")")
    case .errno(let errno):
      report.look(at: .init(.errorSwallowed))
      // What else than memory fails with, nobody said.
      guard ledger == nil || failed.allSatisfy(\.allocates) else { return }
      // Where something else was amiss too, the errno may be about that.
      guard answers.allSatisfy({ $0.isOrdinary || $0.errno != nil }) else { return }
      // Some count what is wrong in another way.
      if ledger != nil, !errnos.contains(String(Errno.name(errno).drop { $0 == "-" })) { return }
      report.look(at: .init(.wrongErrno))
      // What an unknown callee fails with nobody knows.
      if !answers.contains(where: {
        $0.errno == errno || !$0.isOrdinary && unknown[$0.call] != nil
      }) {
        report.broken(
          .wrongErrno, in: target.name, at: first.pc,
          "\(callee) fails with \(Errno.name(first.errno!)) and the function returns \(Errno.name(errno))"
        )
      }
    case .null, .failed: report.look(at: .init(.errorSwallowed))
    case .unknown: break
    }
  }
}
