// SPDX-License-Identifier: GPL-2.0-only
import Exploration
import Reporting

/// The events of one scenario, copied out of its world before the next one overwrites it.
struct RawTrace {
  var events: [Event]
  var calls: [String]
  var entries: [String]
  var locks: [String]
  var isVoid: [Bool]
  private var moduleStart: UInt64
  /// What a thread is called; nil where one step runs at a time.
  var threadName: String?
  /// The decisions of callees that were not answered by 0: the event of each.
  var failures: [Int]
  /// From which call on what is asked is an input.
  private var firstInput = Int.max
  /// Of each return, by its event: offsets of the basic blocks that led there, newest first.
  private var ways: [Int: [UInt64]] = [:]

  init(_ subject: Subject) {
    events = Array(subject.world.events)
    // Two steps with one number race.
    let isRace = events.contains { $0.thread != 0 }
    threadName = isRace ? subject.threadName : nil
    calls = subject.calls
    entries = subject.entries
    locks = subject.locks
    isVoid = entries.indices.map { subject.isVoid($0) }
    moduleStart = subject.moduleStart
    let calls = calls
    let firstInput = subject.firstInput ?? Int.max
    self.firstInput = firstInput
    failures = subject.world.decisions.filter {
      $0.choice != 0 && calls[Int($0.call)] != "switch" && Int($0.call) < firstInput
    }.map { Int($0.event) }
    let blocks = Self.blocks(subject)
    var next = 0
    for (index, event) in events.enumerated().reversed() where event.what == .returned {
      guard let end = blocks[next...].firstIndex(of: event.pc) else { break }
      ways[index] = blocks[end...].prefix(8).map { $0 &- moduleStart }
      next = end + 1
    }
  }

  /// Return addresses of the last basic blocks, newest first.
  private static func blocks(_ subject: Subject) -> [UInt64] {
    let happened = subject.world.happened.pointee
    let count = Int(happened.block_count)
    let ring = subject.blockRing
    return (0..<min(count, ring)).map { happened.blocks[(count - 1 - $0) % ring] }
  }

  /// The offset of an event's place in the module.
  func offset(_ event: Event) -> UInt64 { event.pc &- moduleStart }

  /// The thread in which a property breaks: the only one that comes to the place, else the only
  /// one that calls the function. Nil where one step runs at a time, or where both do.
  func thread(of breach: Report.Breach) -> String? {
    guard let threadName else { return nil }
    let there = Set(
      events.filter {
        breach.offset != 0 && $0.pc != 0 && $0.what != .step && offset($0) == breach.offset
      }.map(\.thread))
    let callers = Set(
      events.filter { $0.what == .step && entries[Int($0.call)] == breach.function }.map(\.thread))
    let thread = there.count == 1 ? there.first : callers.count == 1 ? callers.first : nil
    return thread.map { "\(threadName) \($0)" }
  }

  /// Offsets of every place in it.
  var offsets: Set<UInt64> {
    Set(events.filter { $0.pc != 0 && $0.what != .step }.map(offset))
      .union(ways.values.joined())
  }

  func read(_ source: SourceLines) -> [Verdict.Event] {
    var functions: [UInt8: String] = [:]
    var entered: Set<String> = []
    return events.enumerated().compactMap { index, event in
      var place = event.pc == 0 ? nil : source.places[offset(event)]
      // The harness is no part of the kernel.
      if place?.function.hasPrefix("kshim_") ?? false { place = nil }
      let kind = event.what
      if kind == .step || kind == .returned {
        functions[event.thread] = entries[Int(event.call)]
      }
      let function = functions[event.thread] ?? ""
      if kind == .returned, let way = ways[index],
        let line = source.line(ofReturn: function, by: way, Int32(truncatingIfNeeded: event.value))
      {
        place?.line = line
        place?.function = function
      }
      guard let (name, callee, detail) = describe(event, source.primitives) else { return nil }
      let isStep = kind == .step
      let isAgain = isStep && !entered.insert("\(event.thread) \(function)").inserted
      var told = Verdict.Event(
        event: name, line: isStep ? 0 : place?.line ?? 0,
        function: isStep ? function : place?.function ?? function, callee: callee,
        detail: isAgain ? "again" : detail, thread: threadName.map { "\($0) \(event.thread)" })
      told.block = block(of: event)
      return told
    }
  }

  /// What a target returned: a number, or what a pointer names.
  func result(_ value: UInt64) -> String {
    Int32(exactly: Int64(bitPattern: value)).map(Errno.name) ?? address(value)
  }

  /// What an allocation gave, or a release was of.
  private func block(of event: Event) -> String? {
    switch event.what {
    case .allocation where event.value != 0: hex(event.value)
    case .free where event.freed == .live || event.freed == .freed: hex(event.arg.0)
    default: nil
    }
  }

  /// What an address that is freed was allocated as.
  private func kind(of address: UInt64) -> String {
    let given = events.last { $0.what == .allocation && $0.value == address }
    return given.map { $0.arg.1 == 4096 } ?? true ? "page" : "memory"
  }

  private func callee(_ event: Event) -> String? {
    event.call == 0xffff ? nil : "\(calls[Int(event.call)])()"
  }

  private func describe(_ event: Event, _ primitives: Set<String>) -> (String, String?, String)? {
    switch event.what {
    case .step: return ("enter", nil, "")
    case .returned:
      let result = self.result(event.value)
      return ("return", nil, isVoid[Int(event.call)] ? "" : result)
    case .allocation:
      let what = event.arg.1 == 4096 ? "page" : "\(event.arg.1) bytes at"
      return ("alloc", callee(event), event.value == 0 ? "= NULL" : "= \(what) \(hex(event.value))")
    case .free:
      let what: String
      switch event.freed {
      case .live: what = "\(kind(of: event.arg.0)) \(hex(event.arg.0))"
      case .freed: what = "\(kind(of: event.arg.0)) \(hex(event.arg.0)), which is freed already"
      case .poison: what = "\(hex(event.arg.0)), a variable that was never set"
      case .foreign: what = "\(address(event.arg.0)), which came from another allocator"
      case .busy: what = "\(address(event.arg.0)), in which a timer is armed or work is queued"
      default: what = "\(address(event.arg.0)), which was never allocated"
      }
      return ("free", callee(event), what)
    case .warning: return ("WARN", nil, "")
    case .bug: return ("BUG", nil, "")
    case .lock where event.context != nil: return ("section", nil, "from here \(section(event))")
    case .unlock where event.context != nil:
      return ("section", nil, "no longer \(section(event))")
    case .lock: return ("lock", nil, lock(event))
    case .unlock: return ("unlock", nil, lock(event))
    case .wait: return ("wait", nil, lock(event))
    case .deadlock: return ("deadlock", nil, lock(event))
    case .assertion where event.context != nil: return ("assert", nil, event.demand)
    case .assertion: return ("assert", nil, "\(lock(event)) is not held")
    case .sleep:
      return ("sleep", callee(event), event.context?.inWords ?? "with a spinning lock held")
    case .access where event.met == .index:
      return ("index", nil, "\(event.arg.0), past the end of the array")
    case .access:
      return (
        event.isWrite ? "write" : "read", nil, "\(event.arg.1) bytes at \(address(event.arg.0))"
      )
    case .address: return ("__pa", nil, address(event.arg.0))
    case .fault: return ("fault", nil, "")
    case .hang: return ("hang", nil, "")
    case .overflow: return ("overflow", nil, "")
    case .call where Int(event.call) >= firstInput:
      return ("input", calls[Int(event.call)], answer(event))
    case .call:
      // Allocation, release and locks have events of their own.
      let isTold = primitives.contains(calls[Int(event.call)]) || hasOwnEvent(event)
      return isTold ? nil : ("boundary", call(event), answer(event))
    }
  }

  /// `callee(0x7654, 2, 0)`; pointers by what they point to.
  private func call(_ event: Event) -> String {
    let arguments = event.arguments.map { value in
      switch value >> 56 {
      case 0x0b: "&object"
      case 0x0c: "&stack"
      case 0x0d: "&data"
      case 0x0e: "&page"
      default: number(value)
      }
    }
    return "\(calls[Int(event.call)])(\(arguments.joined(separator: ", ")))"
  }

  private func number(_ value: UInt64) -> String { value < 4096 ? "\(value)" : hex(value) }

  /// Whether a call shows as what it does: somewhere in the trace its callee has another event.
  private func hasOwnEvent(_ call: Event) -> Bool {
    let kinds: [EventKind] = [.allocation, .free, .lock, .unlock]
    return events.contains { $0.call == call.call && kinds.contains($0.what) }
  }

  private func section(_ event: Event) -> String { event.context?.inWords ?? "" }

  private func lock(_ event: Event) -> String {
    let number = Int(event.arg.0)
    let name = number < locks.count ? locks[number] : "a lock"
    switch event.lockMode {
    case .read, .shared: return "\(name) (read)"
    case .write: return "\(name) (write)"
    default: return name
    }
  }

  private func answer(_ event: Event) -> String {
    let value = event.value
    if value >> 56 >= 0x0b, value >> 56 <= 0x0e { return "" }
    let signed = Int64(bitPattern: value)
    if signed < 0, signed >= -4095 { return "= \(Errno.name(Int32(signed)))" }
    return "= \(number(value))"
  }

  /// An address by the runtime's name for it, which is the same in every process.
  private func address(_ value: UInt64) -> String {
    let offset = value & 0xffff_ffff
    switch value >> 56 {
    case 0x0b: return "an object of the harness + \(hex(offset))"
    case 0x0c: return "the stack"
    case 0x0d: return "the subject's own code or data"
    case 0x0e: return "a struct page + \(hex(value & 0xff_ffff_ffff_ffff))"
    case 0x10...0x1f: return "a wild address"
    default: return hex(value)
    }
  }

  private func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
}
