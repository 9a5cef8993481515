// SPDX-License-Identifier: GPL-2.0-only

extension Uses {
  /// Of a member, a parameter or a variable.
  struct Value {
    /// Whether the text itself names it, not only a function of a header.
    var isOwn = false
    /// Whether it is tested for NULL, or for 0.
    var isTested = false
    /// Whether its elements are.
    var isElementTested = false
    /// Whether such a test is for what is missing: `if (!x)`.
    var isNeeded = false
    /// Whether it is tested with `IS_ERR()` and its like.
    var isErrorTested = false
    /// What it is compared with.
    var constants: Set<Int64> = []
    /// Whether it is compared with what an argument points to, and whether that is what is asked for.
    var isArgument = false
    var isArgumentNeeded = false
    /// Variables of the file whose addresses it is compared with.
    var symbols: Set<String> = []
    /// What is looked for in it: `x & MASK`.
    var masks: Set<Int64> = []
    /// What is taken off before it counts elements of an array: `a[x - BASE]`.
    var bases: Set<Int64> = []
    /// What ends a loop over a table that has it.
    var end: Int64?
    /// What a `void *` points to.
    var pointee: ClangType?
    /// Whether another function of the file frees what it points to.
    var isGivenBack = false
    /// Whether it points to several: `p[i]`, `p + i`.
    var isIndexed = false

    /// Takes what is asked of a copy.
    ///
    /// - Returns: whether that was new.
    mutating func take(_ copy: Value, isOwn: Bool) -> Bool {
      guard isOwn else {
        let before = bases
        bases.formUnion(copy.bases)
        return bases != before
      }
      let before = (
        isTested, isNeeded, isErrorTested || isIndexed, constants.union(bases), masks,
        pointee == nil
      )
      isTested = isTested || copy.isTested
      isNeeded = isNeeded || copy.isNeeded
      isErrorTested = isErrorTested || copy.isErrorTested
      isIndexed = isIndexed || copy.isIndexed
      constants.formUnion(copy.constants)
      masks.formUnion(copy.masks)
      if pointee == nil { pointee = copy.pointee }
      bases.formUnion(copy.bases)
      return before
        != (
          isTested, isNeeded, isErrorTested || isIndexed, constants.union(bases), masks,
          pointee == nil
        )
    }
  }

  /// How callers take the answer of a callee.
  struct Answer {
    var isUsed = false
    /// How many calls in functions of the file that do not come along take it, and how many do not.
    var takenElsewhere = 0
    var droppedElsewhere = 0
    /// Functions that return it.
    var returners: Set<ClangCursor> = []
    /// Functions of headers that call it, and what they do with the answer.
    var headers: Set<ClangCursor> = []
    var isTested = false
    /// Whether it is tested for being below 0, or is what the caller returns.
    var isErrno = false
    var isNegated = false
    var isErrorTested = false
    /// Whether a loop goes on as long as there is one.
    var isOfLoop = false
    /// Whether a number above 0 means something.
    var isPositive = false
    /// Whether it points to several.
    var isIndexed = false
    /// What a `void *` points to.
    var pointee: ClangType?
  }

  /// A struct that another one is a part of.
  struct Home {
    var type: ClangType
    /// Where, in bytes.
    var within: Int
  }
}
