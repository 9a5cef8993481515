// SPDX-License-Identifier: GPL-2.0-only

/// What the harness of a function has besides its manifest.
struct Generated {
  var types: TypeTable
  /// Of each target.
  var arguments: [[TypeTable.Field]]
  var callees: [Extractor.Callee]
  /// What function pointers are answered by, in the order of the types' functions.
  var functions: [Extractor.Callee]
  var variables: [(name: String, type: String, value: String)]
  /// Variables of other files whose type is not known here.
  var opaque: [String]
  /// Variables that hold what others wrote.
  var regions: [(name: String, type: Int)]
  var pairs: [Pair]

  /// Whose calls take what another's give back.
  struct Pair {
    /// Which argument of both says how many.
    var count: Int?
    var acquires: String
    var releases: String
    /// Which argument says what is taken, -1 for the result, -2 and below for what the first, second, …
    /// argument is given, and which what is given back; nil: there
    /// is but one.
    var taken: Int?
    var given: Int?
    /// Whether only what nothing names in the end was not given back.
    var isLoose = false
    /// Whether the file itself gives back what the callee gave out.
    var isLearned = false
    /// Whether what is taken is part of an object, which is lost with it.
    var isPart = false
    /// Whether it gives back as many as another array has.
    var isMiscounted = false
  }
  /// What others ask: whether always and of the same file, and whether always and some of them.
  struct Neglected {
    var name: String
    var isHere: Bool
    var isLost: Bool
  }
  /// Callees that nobody asks whether they fail.
  var unused: [String] = []
  /// Of those the ones that others ask.
  var neglected: [Neglected] = []
  /// Of those the ones that lose what they were to keep.
  var stores: [String] = []
  /// What only functions call that cannot say that it failed.
  var mute: [String] = []
  /// What gives back only in functions that the targets call.
  var within: [String] = []
  /// What is copied from the user's memory, by its size.
  var sent: [(size: Int, type: Int)] = []
  /// Counts of references that callees lower, by name: where in what an argument points to.
  var drops: [String: [(argument: Int, within: Int)]] = [:]
}
