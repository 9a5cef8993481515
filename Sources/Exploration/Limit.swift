// SPDX-License-Identifier: GPL-2.0-only
import Shims

/// What a run can use up of the harness. It is no finding: what lies beyond is not judged.
public enum Limit: String, Hashable, Sendable, CaseIterable {
  case events, decisions, failures, stores, pages, locks, model, loop, wait, runs, seconds, rounds,
    assumed

  init(_ event: Event) {
    switch UInt32(truncatingIfNeeded: event.arg.0) {
    case KSHIM_LIMIT_EVENTS.rawValue: self = .events
    case KSHIM_LIMIT_DECISIONS.rawValue: self = .decisions
    case KSHIM_LIMIT_STORES.rawValue: self = .stores
    case KSHIM_LIMIT_PAGES.rawValue: self = .pages
    case KSHIM_LIMIT_LOCKS.rawValue: self = .locks
    case KSHIM_LIMIT_LOOP.rawValue: self = .loop
    case KSHIM_LIMIT_WAIT.rawValue: self = .wait
    default: self = .model
    }
  }

  /// What there is no more of, for `not judged beyond …`.
  public var words: String {
    switch self {
    case .events: "65536 events in one scenario"
    case .decisions: "4096 answers in one scenario"
    case .failures: "24 answers that are not the ordinary ones in one scenario"
    case .stores: "1048576 stores in one scenario"
    case .pages: "2000 pages in one scenario"
    case .locks: "16 locks held at once"
    case .loop: "a loop that does not end"
    case .wait: "a wait for what nobody here does"
    case .runs: "\(Explorer.mostRuns) runs"
    case .seconds: "the seconds that a search may take"
    case .rounds: "\(KSHIM_MOST_ASKED) answers in one scenario"
    case .assumed: "what is assumed of the inputs"
    case .model: "the room that the subject's glue has"
    }
  }
}
