// SPDX-License-Identifier: GPL-2.0-only

/// The marks by which a unit with mutants tells what came about since it was last asked.
public struct MutantMarks: Sendable {
  /// Of each function with a mutant: it was called.
  public let functions: [String: Int]
  /// Of mutants, by their numbers: in place of the original they would have done something else. Only where the watched
  /// copies are chosen.
  public internal(set) var mutants: [Int: Int] = [:]
  let count: Int
  /// What is chosen for the watched copies; nil: there are none.
  public var watched: Int? { mutants.isEmpty ? nil : first }
  /// Above the numbers of all mutants.
  let first: Int
  /// Of each function with a mutant of which a mark tells, the number that the compiler is told for its copy.
  let copies: [String: Int]

  /// - Parameter watches: whether to look at more than which functions are called.
  init(_ mutants: [Mutant], watches: Bool) {
    let names = Set(mutants.map(\.function)).sorted()
    functions = Dictionary(uniqueKeysWithValues: zip(names, 0...))
    let watched = watches ? mutants.filter { $0.difference != nil } : []
    self.mutants = Dictionary(uniqueKeysWithValues: zip(watched.map(\.number), names.count...))
    count = names.count + watched.count
    let first = (mutants.map(\.number).max() ?? 0) + 1
    self.first = first
    copies = Dictionary(
      uniqueKeysWithValues: zip(Set(watched.map(\.function)).sorted(), first...))
  }

  /// What tells that its function is called, and what tells that it makes a difference.
  public func of(_ mutant: Mutant) -> (function: Int, difference: Int) {
    let function = functions[mutant.function]!
    return (function, mutants[mutant.number] ?? function)
  }

  /// The marks without those of functions whose watched copy the compiler refuses, by its number.
  func without(_ isRefused: (Int) -> Bool, of mutants: [Mutant]) -> MutantMarks {
    var marks = self
    for mutant in mutants where copies[mutant.function].map(isRefused) ?? false {
      marks.mutants[mutant.number] = nil
    }
    return marks
  }
}
