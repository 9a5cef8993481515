// SPDX-License-Identifier: GPL-2.0-only
import Failures

/// A starting state and a list of decisions, with one spelling that replays it.
///
///     mmu_alloc_special_roots:shadow=5,guest=2,tdp=1:gzp0.gzp0.gzp1
///
/// The first part names what is called, the second the state, the third the decisions: the
/// initials of the callee and the number of its answer, 0 being the one without failure.
public struct Scenario: Hashable, Sendable, Codable, CustomStringConvertible {
  public struct Decision: Hashable, Sendable, Codable {
    /// Initials of the callee that asked.
    public var callee: String
    public var choice: UInt8

    public init(callee: String, choice: UInt8) {
      self.callee = callee
      self.choice = choice
    }
  }

  public var drive: String
  public var state: String
  public var decisions: [Decision]

  public init(drive: String, state: String, decisions: [Decision]) {
    self.drive = drive
    self.state = state
    self.decisions = decisions
  }

  public var choices: [UInt8] { decisions.map(\.choice) }

  public var description: String {
    let path = decisions.map { "\($0.callee)\($0.choice)" }.joined(separator: ".")
    return "\(drive):\(state):\(path.isEmpty ? "-" : path)"
  }

  /// A text of whatever length, for a message.
  static func short(_ text: some StringProtocol) -> String {
    text.count > 200 ? "\(text.prefix(197))..." : String(text)
  }

  /// The same of the spelling.
  public var short: String { Self.short(description) }

  /// Reads a spelling.
  ///
  /// - Throws: ``Failure`` of kind request when it is no scenario.
  public init(_ spelling: String) throws {
    let parts = spelling.split(separator: ":", omittingEmptySubsequences: false)
    func wrong(_ cause: String) -> Failure {
      Failure(
        .request, asked: "replay '\(Self.short(spelling))'", cause: cause,
        remedy: "copy the scenario from a finding, whole: FUNCTION:STATE:DECISIONS")
    }
    guard parts.count == 3, parts.allSatisfy({ !$0.isEmpty }) else {
      throw wrong("it is not a scenario")
    }
    var decisions: [Decision] = []
    if parts[2] != "-" {
      for word in parts[2].split(separator: ".", omittingEmptySubsequences: false) {
        let callee = word.prefix { !$0.isNumber }
        guard !callee.isEmpty, let choice = UInt8(word.dropFirst(callee.count)) else {
          throw wrong("'\(Self.short(word))' is not a decision")
        }
        decisions.append(Decision(callee: String(callee), choice: choice))
      }
    }
    self.init(drive: String(parts[0]), state: String(parts[1]), decisions: decisions)
  }

  /// The failure for a scenario whose target or state is none of a subject's.
  func unknown(among spaces: [StateSpace], of subject: String) -> Failure {
    guard let space = spaces.first(where: { $0.name == drive }) else {
      return Failure(
        .request, asked: "replay \(short)",
        cause: "\(Self.short(drive)) is no target of \(subject) in this kernel",
        remedy: "use one of \(spaces.map(\.name).joined(separator: ", "))")
    }
    return Failure(
      .request, asked: "replay \(short)",
      cause: "there is no state '\(Self.short(state))' of \(drive)",
      remedy: "copy the scenario from a finding; a state of \(drive) is written like "
        + "'\(space.spelling(of: .zero))'")
  }

  /// Refuses a scenario whose target or state is none of those that a subject can have in any kernel.
  public func check(among spaces: [StateSpace], of subject: String) throws {
    guard spaces.contains(where: { $0.name == drive && $0.values(spelled: state) != nil }) else {
      throw unknown(among: spaces, of: subject)
    }
  }

  /// Initials of a callee's words: `get_zeroed_page` is `gzp`. The suffix of the allocation
  /// profiler, which newer kernels add, does not count.
  public static func initials(of callee: String) -> String {
    callee.split(separator: "_").filter { $0 != "noprof" }.compactMap(\.first)
      .filter(\.isLetter).map(String.init).joined()
  }
}
