// SPDX-License-Identifier: GPL-2.0-only
import Shims

/// What a function that no manifest describes does in one scenario, so that it can be held against what
/// it does in another revision.
public struct Conduct: Sendable, Codable {
  /// What a callee's name says, see Sources/Extraction/Trait.swift.
  struct Says: Codable {
    var gives = false
    /// Of what gives back what a pointer names.
    var frees = false
    var isSilent = false
  }

  struct Call: Codable {
    var name: String
    var says: Says
    var arguments: [UInt64]
    var value: UInt64
    /// In the module, which lies elsewhere each time that it is loaded.
    var offset: UInt64
    /// Whether memory was given back in it.
    var frees: Bool
    /// Whether what it returned is named by what outlives the function.
    var isKept: Bool
  }

  /// The last answer that is not the ordinary one.
  struct Failure: Codable {
    var callee: String
    var offset: UInt64
    /// Whether it is NULL, or an allocation that was refused.
    var isNull: Bool
    /// The errno that it is; nil for another number.
    var errno: Int32?
    var isFailure: Bool { isNull || errno != nil }
  }

  public var scenario: Scenario
  var choices: [UInt8]
  var outcome: Outcome
  var result: UInt64
  var isVoid: Bool
  var offset: UInt64
  var calls: [Call]
  var failure: Failure?

  /// Whether it calls the same with the same, and ends in the same way.
  func isSame(as other: Conduct) -> Bool {
    scenario == other.scenario && outcome == other.outcome && (isVoid || result == other.result)
      && calls.count == other.calls.count
      && zip(calls, other.calls).allSatisfy {
        $0.name == $1.name && $0.arguments == $1.arguments && $0.value == $1.value
          && $0.frees == $1.frees
      }
  }

  /// The calls that matter, by their names.
  private func count(_ isWanted: (Call) -> Bool) -> [String: Int] {
    var found: [String: Int] = [:]
    for call in calls where !isSilent(call) && isWanted(call) {
      found[call.name, default: 0] += 1
    }
    return found
  }

  /// Whether it says nothing: what gives back nothing is no loss.
  private func isSilent(_ call: Call) -> Bool {
    call.says.isSilent || call.says.frees && call.arguments[0] == 0
  }

  /// What it does worse than the base in the same scenario.
  ///
  /// - Parameters:
  ///   - ordinary: what the base calls where nothing fails.
  ///   - pairs: what takes, and what gives that back.
  func lapses(over base: Conduct, _ ordinary: Set<String>, _ pairs: [Plan.Pair]) -> [Lapse] {
    if let lapse = success(over: base, ordinary) { return [lapse] }
    guard isPart(of: base) else { return [] }
    let (gifts, known) = (count(\.says.gives), base.count(\.says.gives))
    let gained = gifts.filter { $0.value > known[$0.key, default: 0] }.map(\.key).sorted()
    guard gained.isEmpty else { return gained.compactMap { gift($0, pairs) } }
    let lost = known.filter { $0.value > gifts[$0.key, default: 0] }.map(\.key).sorted()
    guard !lost.isEmpty else { return otherErrno(over: base).map { [$0] } ?? [] }
    guard outcome == base.outcome, outcome != .unknown || isVoid || result == base.result else {
      return []
    }
    let found = lost.compactMap { name in
      base.calls.indices.reversed().lazy.filter {
        base.calls[$0].name == name && !isSilent(base.calls[$0])
      }.compactMap { lapse($0, over: base) }.first
    }
    return (found.first { $0.property == .leak } ?? found.first).map { [$0] } ?? []
  }

  /// Whether it does what the base does, but for what that gives back; or leaves off before.
  private func isPart(of base: Conduct) -> Bool {
    if count({ !$0.says.gives }) == base.count({ !$0.says.gives }) { return true }
    let (mine, all) = (names, base.names)
    return mine.count < all.count && mine[...] == all[..<mine.count]
  }
  private var names: [String] { calls.filter { !isSilent($0) }.map(\.name) }

  /// What is given back though nobody could take it.
  private func gift(_ name: String, _ pairs: [Plan.Pair]) -> Lapse? {
    guard outcome.isFailure, let failure,
      pairs.contains(where: { $0.gives == name && $0.takes == failure.callee }),
      let given = calls.last(where: { $0.name == name }),
      calls.count(where: { $0.name == failure.callee }) == 1
    else { return nil }
    return Lapse(
      property: .wildFree, offset: given.offset, choices: choices,
      message: "\(failure.callee)() fails, and \(name)() is called with the patch only")
  }

  /// What is not given back any more.
  private func lapse(_ index: Int, over base: Conduct) -> Lapse? {
    let given = base.calls[index]
    let name = given.name
    let origin = base.origin(of: given, before: index)
    let words: String
    switch outcome {
    case .success: words = "succeeds"
    case .errno, .null, .failed: words = "fails"
    case .unknown: return nil
    }
    var (offset, who) = (failure?.offset ?? self.offset, "")
    if let origin {
      guard let (place, taker) = call(origin.name, origin.number) else { return nil }
      let key = origin.place.map { taker.arguments[$0] } ?? taker.value
      // Somebody else still ends it.
      // With a part of it the whole may go.
      func isPart(_ call: Call) -> Bool {
        call.says.gives && Self.isPointer(key)
          && call.arguments.contains { $0 > key && $0 - key < 0x1000 }
      }
      let isGiven =
        calls[(place + 1)...].contains { $0.says.gives && $0.arguments.contains(key) }
        || calls.contains(where: isPart) && !base.calls.contains(where: isPart)
      guard !isGiven else { return nil }
      // A caller that finds it may give it back.
      if outcome == .success { guard origin.place == nil, !taker.isKept else { return nil } }
      offset = taker.offset
      who = "\(taker.name)() is called, "
    } else {
      guard outcome != .success else { return nil }
      let keys = given.arguments.filter(Self.isPointer)
      guard
        !calls.contains(where: { call in
          call.says.gives && keys.contains { call.arguments.contains($0) }
        })
      else { return nil }
    }
    return Lapse(
      property: given.frees ? .leak : .unreleased, offset: offset, choices: choices,
      message: "\(who)the function \(words), and \(name)() is called without the patch only")
  }

  /// Where what a call gets comes from: what an earlier one returned, or got.
  private func origin(
    of call: Call, before index: Int
  ) -> (name: String, number: Int, place: Int?)? {
    for key in call.arguments where Self.isPointer(key) {
      func find(_ isIt: (Call) -> Int??) -> (String, Int, Int?)? {
        for (place, other) in calls[..<index].enumerated()
        where !other.says.isSilent && !other.says.gives {
          guard let found = isIt(other) else { continue }
          let number = calls[..<place].count { $0.name == other.name }
          return (other.name, number, found)
        }
        return nil
      }
      if let found = find({ $0.value == key ? .some(nil) : nil }) { return found }
      if let found = find({ other in other.arguments.firstIndex(of: key).map { .some($0) } }) {
        return found
      }
    }
    return nil
  }

  private func call(_ name: String, _ number: Int) -> (Int, Call)? {
    let all = calls.enumerated().filter { $0.element.name == name }
    return all.count > number ? (all[number].offset, all[number].element) : nil
  }

  private static func isPointer(_ value: UInt64) -> Bool {
    value > 0xffff && !(-4095..<0).contains(Int64(bitPattern: value))
  }

  /// A failure that the base passes on.
  private func success(over base: Conduct, _ ordinary: Set<String>) -> Lapse? {
    guard let failure, failure.isFailure, outcome == .success else { return nil }
    // A second try, or another way, makes good for what failed.
    let (tries, known) = (names, base.names)
    guard
      tries.count(where: { $0 == failure.callee }) <= known.count(where: { $0 == failure.callee }),
      tries.allSatisfy({ ordinary.contains($0) || known.contains($0) })
    else { return nil }
    let word: String
    switch base.outcome {
    case .errno(let errno):
      guard failure.isNull || errno == failure.errno || calls.count == base.calls.count else {
        return nil
      }
      word = Errno.name(errno)
    case .null: word = "NULL"
    case .failed: word = "a failure"
    case .success, .unknown: return nil
    }
    return Lapse(
      property: .errorSwallowed, offset: failure.offset, choices: choices,
      message:
        "\(failure.callee)() fails and the function \(result == 0 ? "returns 0" : "succeeds"), without the patch it returns \(word)"
    )
  }

  /// Another errno for an allocation that fails.
  private func otherErrno(over base: Conduct) -> Lapse? {
    guard let failure, failure.isNull, base.outcome == .errno(StepEvents.enomem),
      case .errno(let errno) = outcome, errno != StepEvents.enomem
    else { return nil }
    return Lapse(
      property: .wrongErrno, offset: failure.offset, choices: choices,
      message:
        "\(failure.callee)() fails and the function returns \(Errno.name(errno)), without the patch -ENOMEM"
    )
  }
}

/// What a revision does worse than its base in one scenario.
public struct Lapse: Sendable, Codable {
  public var property: Property
  /// Return address of the call, in the revision.
  var offset: UInt64
  var choices: [UInt8]
  public var message: String

  /// The simplest of each kind.
  public static func all(
    _ conducts: [Conduct], over base: [Conduct?], in domain: ManifestDomain
  ) -> [Lapse] {
    var found: [Lapse] = []
    let ordinary = Set(base.first??.calls.map(\.name) ?? [])
    for (conduct, known) in zip(conducts, base) {
      guard let known else { continue }
      for lapse in conduct.lapses(over: known, ordinary, domain.pairs)
      where !found.contains(where: {
        $0.property == lapse.property && ($0.offset == lapse.offset || $0.message == lapse.message)
      }) { found.append(lapse) }
    }
    return found
  }
}

extension Explorer {
  /// How many scenarios are held against another revision's.
  public static let mostConducts = 2_000
  /// As many may end at a limit.
  private static let mostCut = 12

  /// What a function does in its simplest scenarios: of those in which it comes to its return.
  public static func conducts(
    in domain: inout ManifestDomain, subject: Subject, most: Int = mostConducts
  ) -> [Conduct] {
    var found: [Conduct] = []
    var open: [[UInt8]] = [[]]
    var (runs, cut) = (0, 0)
    for number in 0...3 {
      var next: [[UInt8]] = []
      // A loop that ends at a limit takes as long as thousands of runs.
      for choices in open where runs < most && cut < mostCut {
        runs += 1
        var report = Report(subject, spaces: domain.spaces)
        let start = domain.state(0)
        subject.world.forgetLoops()
        choices.withUnsafeBufferPointer { execute(start, $0, in: &domain, subject, &report) }
        report.end(standingFor: 1)
        let met = Array(subject.world.decisions)
        if !report.findings.limits.isEmpty { cut += 1 }
        if let conduct = conduct(in: domain, subject, report.findings) { found.append(conduct) }
        guard number < 3 else { continue }
        for (index, decision) in met.enumerated().dropFirst(choices.count) {
          for other in 1..<max(1, Int(decision.arity)) {
            next.append(met[..<index].map(\.choice) + [UInt8(other)])
          }
        }
      }
      open = next
    }
    return found
  }

  /// What a function does where nothing fails, and in one scenario; without what comes to no return.
  public static func conducts(
    of scenario: Scenario, in domain: inout ManifestDomain, subject: Subject
  ) -> [Conduct] {
    [[], scenario.choices].compactMap { choices in
      var report = Report(subject, spaces: domain.spaces)
      let start = domain.state(0)
      subject.world.forgetLoops()
      choices.withUnsafeBufferPointer { execute(start, $0, in: &domain, subject, &report) }
      report.end(standingFor: 1)
      return conduct(in: domain, subject, report.findings)
    }
  }

  /// What a function does in another revision's scenarios; nil where it does not ask for all that
  /// fails in one, or comes to no return.
  public static func conducts(
    as others: [Conduct], in domain: inout ManifestDomain, subject: Subject
  ) -> [Conduct?] {
    others.map { other in
      guard let (findings, isWhole) = rerun(other.scenario, in: &domain, subject: subject), isWhole
      else { return nil }
      return conduct(in: domain, subject, findings)
    }
  }

  /// What happened in the last run.
  private static func conduct(
    in domain: ManifestDomain, _ subject: Subject, _ findings: Report.Findings
  ) -> Conduct? {
    let world = subject.world
    guard !findings.entries.keys.contains(where: { Property.immediate.contains($0.property) }),
      findings.limits.isEmpty,
      let returned = world.events.last(where: { $0.what == .returned }),
      let outcome = domain.outcome(returned.value)
    else { return nil }
    let events = world.events
    var calls: [Conduct.Call] = []
    for event in events {
      switch event.what {
      case .call where !domain.isInput(event.call):
        calls.append(
          Conduct.Call(
            name: subject.calls[Int(event.call)], says: domain.says[Int(event.call)],
            arguments: [event.arg.0, event.arg.1, event.arg.2, event.arg.3],
            value: event.value, offset: subject.offset(of: event.pc), frees: false,
            isKept: event.value > 0xffff && world.names(event.value)))
      case .free where !calls.isEmpty: calls[calls.count - 1].frees = true
      default: break
      }
    }
    let decisions = world.decisions
    let last = decisions.last { $0.choice != 0 && !domain.isInput($0.call) }
    let failure = last.map { decision in
      let event = events[Int(decision.event)]
      return Conduct.Failure(
        callee: subject.calls[Int(decision.call)],
        offset: subject.offset(of: event.pc),
        isNull: event.value == 0,
        errno: StepEvents.errno(event.value))
    }
    return Conduct(
      scenario: Scenario(
        drive: domain.drive(of: 0), state: domain.spelling(of: 0),
        decisions: decisions.map {
          Scenario.Decision(
            callee: Scenario.initials(of: subject.calls[Int($0.call)]), choice: $0.choice)
        }),
      choices: decisions.map(\.choice), outcome: outcome, result: returned.value,
      isVoid: domain.isVoid, offset: subject.offset(of: returned.pc),
      calls: calls, failure: failure)
  }

  /// Lapses as a search's findings.
  public static func findings(of lapses: [Lapse], subject: Subject) -> Report.Findings {
    var found = Report.Findings()
    for lapse in lapses {
      let breach = Report.Breach(
        property: lapse.property, function: subject.entries[0],
        offset: lapse.offset)
      found.add(
        breach,
        Report.Entry(
          message: lapse.message, state: 0, choices: lapse.choices, failing: 1, path: [],
          size: .init(
            isWarned: false, faults: 1, failures: lapse.choices.count { $0 != 0 }, isStory: false,
            decisions: lapse.choices.count, differences: 0, state: 0)))
    }
    return found
  }
}
