// SPDX-License-Identifier: GPL-2.0-only

/// Tells simple starting states from others. A state is spelled `KEY=VALUE,…`; the first state of
/// a drive has the ordinary value of each key.
public final class StateOrder {
  private let count: Int
  private let driveOf: (Int) -> String
  private let spelling: (Int) -> String
  private var known: [Int: Int] = [:]
  private lazy var ordinary: [String: [Substring]] = {
    var ordinary: [String: [Substring]] = [:]
    var last = ""
    for state in 0..<count {
      let drive = driveOf(state)
      if drive == last { continue }
      last = drive
      if ordinary[drive] == nil { ordinary[drive] = Self.words(spelling(state)) }
    }
    return ordinary
  }()

  /// One state that is as good as any other.
  public init() {
    count = 0
    driveOf = { _ in "" }
    spelling = { _ in "" }
  }

  public init<D: Domain>(_ domain: D) {
    count = domain.stateCount
    driveOf = { domain.drive(of: $0) }
    spelling = { domain.spelling(of: $0) }
  }

  private static func words(_ spelling: String) -> [Substring] { spelling.split(separator: ",") }

  public func drive(of state: Int) -> String { driveOf(state) }

  /// How many keys have another value than the ordinary one.
  public func differences(of state: Int) -> Int {
    if let known = known[state] { return known }
    let differences = zip(Self.words(spelling(state)), ordinary[driveOf(state)] ?? [])
      .count { $0 != $1 }
    known[state] = differences
    return differences
  }

  /// The keys of a spelled state that have another value than the ordinary one: which word it is,
  /// and the word with the ordinary value.
  func others(in words: [String], of drive: String) -> [(index: Int, ordinary: String)] {
    zip(words, ordinary[drive] ?? []).enumerated().compactMap { index, pair in
      pair.0 == pair.1 ? nil : (index, String(pair.1))
    }
  }
}
