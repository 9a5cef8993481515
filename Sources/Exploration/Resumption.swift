// SPDX-License-Identifier: GPL-2.0-only

/// Where a run goes on from the run before: an earlier decision is taken otherwise, and what came before
/// it is not run again.
struct Resumption {
  /// The step that asked for it.
  var step: Int
  /// The number of the first answer that is another, among all callees' answers.
  var decision: Int
}

extension Report {
  /// Whether a step of the present run was made in the run before and stays as it was: the driver
  /// passes over it, and over what prepares it.
  public func wasMade(_ step: Int) -> Bool { resumption.map { step < $0.step } ?? false }

  /// Whether what prepares a step was done in the run before.
  public func wasPrepared(_ step: Int) -> Bool { resumption.map { step <= $0.step } ?? false }

  /// Makes a step: goes on in it where the present run does, else calls.
  public mutating func make(
    _ step: Int, in world: World, _ call: () -> (UInt64, UInt64)?
  ) -> (UInt64, UInt64)? {
    mark(step)
    guard let resumption, resumption.step == step else { return call() }
    return world.resume(decision: resumption.decision, choices)
  }
}
