// SPDX-License-Identifier: GPL-2.0-only
import Exploration
import Reporting
import Shims

/// The events of one scenario, copied out of its world before the next one overwrites it.
struct RawTrace {
  var events: [kshim_event]
  var calls: [String]
  var entries: [String]
  var locks: [String]
  var isVoid: [Bool]
  var moduleStart: UInt64

  init(_ subject: Subject) {
    events = Array(subject.world.events)
    calls = subject.calls
    entries = subject.entries
    locks = subject.locks
    isVoid = entries.indices.map { subject.isVoid($0) }
    moduleStart = subject.moduleStart
  }

  /// Offsets of every place in it.
  var offsets: Set<UInt64> {
    Set(
      events.filter { $0.pc != 0 && $0.kind != UInt16(KSHIM_EVENT_STEP.rawValue) }
        .map { $0.pc &- moduleStart })
  }

  func read(_ places: [UInt64: Symbolizer.Place]) -> [Verdict.Event] {
    var function = ""
    return events.compactMap { event in
      let place = event.pc == 0 ? nil : places[event.pc &- moduleStart]
      let kind = UInt32(event.kind)
      if kind == KSHIM_EVENT_STEP.rawValue || kind == KSHIM_EVENT_RETURN.rawValue {
        function = entries[Int(event.call)]
      }
      guard let (name, callee, detail) = describe(event) else { return nil }
      let isStep = kind == KSHIM_EVENT_STEP.rawValue
      return Verdict.Event(
        event: name, line: isStep ? 0 : place?.line ?? 0,
        function: isStep ? function : place?.function ?? function, callee: callee, detail: detail)
    }
  }

  private func callee(_ event: kshim_event) -> String? {
    event.call == 0xffff ? nil : "\(calls[Int(event.call)])()"
  }

  private func describe(_ event: kshim_event) -> (String, String?, String)? {
    switch UInt32(event.kind) {
    case KSHIM_EVENT_STEP.rawValue: return ("enter", nil, "")
    case KSHIM_EVENT_RETURN.rawValue:
      let result = Errno.name(Int32(truncatingIfNeeded: event.value))
      return ("return", nil, isVoid[Int(event.call)] ? "" : result)
    case KSHIM_EVENT_ALLOC.rawValue:
      return ("alloc", callee(event), event.value == 0 ? "= NULL" : "= page \(hex(event.value))")
    case KSHIM_EVENT_FREE.rawValue:
      let what: String
      switch UInt32(event.at) {
      case KSHIM_AT_LIVE.rawValue: what = "page \(hex(event.arg.0))"
      case KSHIM_AT_FREED.rawValue: what = "page \(hex(event.arg.0)), which is freed already"
      case KSHIM_AT_POISON.rawValue: what = "\(hex(event.arg.0)), a variable that was never set"
      default: what = "\(hex(event.arg.0)), which was never allocated"
      }
      return ("free", callee(event), what)
    case KSHIM_EVENT_WARN.rawValue: return ("WARN", nil, "")
    case KSHIM_EVENT_BUG.rawValue: return ("BUG", nil, "")
    case KSHIM_EVENT_LOCK.rawValue: return ("lock", nil, lock(event))
    case KSHIM_EVENT_UNLOCK.rawValue: return ("unlock", nil, lock(event))
    case KSHIM_EVENT_ASSERT.rawValue: return ("assert", nil, "\(lock(event)) is not held")
    case KSHIM_EVENT_SLEEP.rawValue: return ("sleep", callee(event), "with a spinning lock held")
    case KSHIM_EVENT_ACCESS.rawValue:
      return (
        event.arg.2 != 0 ? "write" : "read", nil, "\(event.arg.1) bytes at \(hex(event.arg.0))"
      )
    case KSHIM_EVENT_ADDRESS.rawValue: return ("__pa", nil, hex(event.arg.0))
    case KSHIM_EVENT_FAULT.rawValue: return ("fault", nil, "")
    case KSHIM_EVENT_HANG.rawValue: return ("hang", nil, "")
    case KSHIM_EVENT_OVERFLOW.rawValue: return ("overflow", nil, "")
    case KSHIM_EVENT_CALL.rawValue:
      // Allocation, release and locks have events of their own.
      let isSilent =
        ["free_pages", "__free_pages"].contains(calls[Int(event.call)])
        || calls[Int(event.call)].hasPrefix("_raw_")
      return isSilent || isAllocation(event) ? nil : ("boundary", callee(event), answer(event))
    default: return nil
    }
  }

  private func isAllocation(_ call: kshim_event) -> Bool {
    events.contains {
      $0.kind == UInt16(KSHIM_EVENT_ALLOC.rawValue) && $0.call == call.call
    }
  }

  private func lock(_ event: kshim_event) -> String {
    let number = Int(event.arg.0)
    let name = number < locks.count ? locks[number] : "a lock"
    switch UInt32(truncatingIfNeeded: event.arg.1) {
    case KSHIM_LOCK_READ.rawValue: return "\(name) (read)"
    case KSHIM_LOCK_WRITE.rawValue: return "\(name) (write)"
    default: return name
    }
  }

  private func answer(_ event: kshim_event) -> String {
    let value = event.value
    if value >> 56 >= 0x0b, value >> 56 <= 0x0e { return "" }
    let signed = Int64(bitPattern: value)
    if signed < 0, signed >= -4095 { return "= \(Errno.name(Int32(signed)))" }
    return value < 4096 ? "= \(value)" : "= \(hex(value))"
  }

  private func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
}
