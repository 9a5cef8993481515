// SPDX-License-Identifier: GPL-2.0-only

/// A domain whose scenarios can be compared between revisions, in terms of its model: where the report
/// has a ``Record``, each step is taken down in it.
public protocol ObservedDomain: Domain {
  /// What is called, by a fact's number.
  func name(ofTarget target: UInt8) -> String
  /// What differs between two facts of one key, as a clause: `root.hpa is pml5_root instead of
  /// pml4_root`.
  func describe(_ old: Observation.Fact, _ new: Observation.Fact) -> String
  /// Whether facts of this kind with other values are another way to differ, as results are.
  static func tellsValues(_ aspect: UInt8) -> Bool
}

extension ObservedDomain {
  /// Runs one scenario without judging it, and takes down what comes of it.
  mutating func observe(
    _ state: StartingState, _ choices: UnsafeBufferPointer<UInt8>, _ record: Record
  ) {
    var report = Report(only: record)
    report.begin(state, choices)
    run(state, choices, &report)
    record.end()
  }
}
