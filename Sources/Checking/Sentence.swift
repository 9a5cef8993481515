// SPDX-License-Identifier: GPL-2.0-only
import Exploration
import Extraction
import Foundation

/// What happens in a finding's smallest scenario, in one sentence:
///
///     allocation of pml4_root fails → free_page() of pml5_root, which was never set (mmu.c:4039)
///
/// First what failed, or where nothing failed the state that it takes; then what comes of it.
struct Sentence {
  let draft: Draft
  let source: SourceLines

  var text: String {
    let file = (source.provenance.file(of: draft.place.function) as NSString).lastPathComponent
    return [Condition(trace: draft.trace, needed: draft.needed, source: source).text, consequence]
      .compactMap { $0 }.joined(separator: " → ")
      + " (\(file):\(draft.place.line))"
  }

  /// The variable or field that the finding is about, without what it is part of: `pml5_root` for
  /// `mmu->pml5_root`.
  var variable: String? {
    guard let name = expression else { return nil }
    let parts = name.split { !($0.isLetter || $0.isNumber || $0 == "_" || $0 == "[") }
    return parts.last.map { String($0.prefix { $0 != "[" }) }
  }

  // MARK: What comes of it

  private var target: String { "\(draft.breach.function)()" }

  private var consequence: String {
    switch draft.event?.event.what {
    case .free?:
      if let call, let name = expression { return "\(call.written)() of \(name), \(freed)" }
    case .access?:
      if let name = expression, let event = draft.event?.event { return access(event, name) }
    case .warning? where draft.property == .warnUnexpected: return "WARN"
    case .allocation? where draft.property == .leak:
      if let name = expression, let event = draft.event?.event {
        return "the \(event.arg.1 == 4096 ? "page" : "memory") of \(name) is never freed"
      }
    default: break
    }
    let isReturn = [.errorSwallowed, .wrongErrno].contains(draft.property)
    if isReturn, !draft.trace.failures.isEmpty, let result { return "\(target) returns \(result)" }
    return draft.entry.message.replacingOccurrences(of: "the function", with: target)
  }

  private var freed: String {
    switch draft.event?.event.freed {
    case .freed?: "which was freed before"
    case .poison?: "which was never set"
    case .foreign?: "which came from another allocator"
    case .busy?: "in which a timer is armed or work is queued"
    default: "which was never allocated"
    }
  }

  private func access(_ event: Event, _ name: String) -> String {
    let what = event.isWrite ? "write" : "read"
    switch event.met {
    case .freed: return "\(what) through \(name), whose page was freed"
    case .index: return "element \(event.arg.0) of \(name), which has fewer"
    case .guardPage: return "\(what) past the end of \(name)"
    case .between: return "\(what) beside a variable, through \(name)"
    case .scope: return "\(what) of a variable whose block was left, through \(name)"
    case .null: return "\(what) through \(name), which is NULL"
    case .poison: return "\(what) through \(name), which was never set"
    default: return "\(what) through \(name), which is no page"
    }
  }

  /// What the judged step returned.
  private var result: String? {
    let trace = draft.trace
    let start = draft.event?.index ?? 0
    let returned = trace.events[start...].first {
      $0.what == .returned && trace.entries[Int($0.call)] == draft.breach.function
    }
    return returned.map { trace.result($0.value) }
  }

  // MARK: Names

  private func line(of event: Event) -> Int {
    source.place(of: draft.trace.offset(event))?.line ?? 0
  }

  private var call: Statements.Call? {
    guard let event = draft.event?.event else { return nil }
    let callee = event.hasCallee ? draft.trace.calls[Int(event.call)] : nil
    return source.statements.call(of: callee, on: line(of: event))
  }

  /// What is freed, reached, allocated or set at the finding's place, as the source has it.
  private var expression: String? {
    let statements = source.statements
    guard let event = draft.event?.event else {
      return draft.breach.offset == 0 ? nil : statements.stored(on: draft.place.line)
    }
    switch event.what {
    case .free: return call?.arguments.first.flatMap { $0.isEmpty ? nil : $0 }
    case .access: return statements.pointer(writing: event.isWrite, on: line(of: event))
    case .allocation:
      return statements.target(
        of: event.hasCallee ? draft.trace.calls[Int(event.call)] : nil, on: line(of: event))
    default: return nil
    }
  }
}
