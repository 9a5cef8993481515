// SPDX-License-Identifier: GPL-2.0-only

/// How text is told: to whom, and how much of it.
struct TextStyle {
  var usesColour: Bool
  /// See ``TextReport/columns``.
  var columns: Int?
  /// See ``TextReport/showsOld``.
  var showsOld: Bool
  /// Whether every cause is told in full.
  var showsAll: Bool
  /// See ``TextReport/hasToldFunctions``.
  var hasToldFunctions: Bool
}

extension TextReport {
  init(_ verdict: Verdict, replayOptions: String, _ style: TextStyle) {
    self.init(
      verdict, replayOptions: replayOptions, usesColour: style.usesColour,
      showsOld: style.showsOld)
    columns = style.columns
    hasToldFunctions = style.hasToldFunctions
    if style.showsAll { shown = nil }
  }
}
