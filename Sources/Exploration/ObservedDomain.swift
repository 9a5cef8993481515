// SPDX-License-Identifier: GPL-2.0-only

/// A domain whose scenarios can be compared between revisions, in terms of its model.
public protocol ObservedDomain: Domain {
  /// Makes what runs scenarios in one build and tells what comes of them, without judging.
  init(observing subject: Subject) throws
  /// Runs one scenario in that build and says what came of it.
  mutating func observe(
    _ state: StartingState, _ choices: UnsafeBufferPointer<UInt8>, _ observation: inout Observation)
  /// What is called, by a fact's number.
  func name(ofTarget target: UInt8) -> String
  /// What differs between two facts of one key, as a clause: `root.hpa is pml5_root instead of
  /// pml4_root`.
  func describe(_ old: Observation.Fact, _ new: Observation.Fact) -> String
  /// Whether facts of this kind with other values are another way to differ, as results are.
  static func tellsValues(_ aspect: UInt8) -> Bool
}
