// SPDX-License-Identifier: GPL-2.0-only
import TestSupport

/// One change of a kernel, and which properties it breaks: exactly these, no other. A change that
/// breaks nothing is a rewrite.
struct Change: Sendable {
  /// Two or three words with hyphens between, unique.
  var name: String
  /// For the table: what is wrong, or what is written differently.
  var title: String
  /// The function that is edited.
  var function: String
  var breaks: Set<String>
  var edits: [KernelEdit]
  /// Whether only findings count, of what the edited functions can do.
  var isOrdinary = false

  init(
    _ name: String, _ title: String, in function: String, breaks: Set<String> = [],
    _ changes: KernelEdit.Change...
  ) {
    self.init(name, title, in: function, breaks: breaks, edits: changes.map { Nth($0) })
  }

  init(
    _ name: String, _ title: String, in function: String, breaks: Set<String> = [], edits: [Nth]
  ) {
    self.name = name
    self.title = title
    self.function = function
    self.breaks = breaks
    self.edits = edits.map { edit in
      edit.isOutside
        ? KernelEdit(EndToEndTestCase.mmu, edit.change, occurrence: edit.occurrence)
        : Defect.edit(edit.function ?? function, edit.change, edit.occurrence)
    }
  }

  /// An edit at the nth place that fits.
  struct Nth: Sendable {
    var change: KernelEdit.Change
    var occurrence: Int
    /// Whether the anchor is looked for in the whole file.
    var isOutside: Bool
    /// Where else it is looked for; nil: in the change's function.
    var function: String?

    init(
      _ change: KernelEdit.Change, _ occurrence: Int = 1, isOutside: Bool = false,
      in function: String? = nil
    ) {
      self.change = change
      self.occurrence = occurrence
      self.isOutside = isOutside
      self.function = function
    }
  }

  /// The drives that run an edited function, and therefore all that can differ. Nil for all, where
  /// the notes count too.
  var drives: Set<String>? {
    if !isOrdinary, breaks.isEmpty || breaks == ["dead-branch"] { return nil }
    return Set(edits.flatMap { Self.drives[$0.function ?? function] ?? [] })
  }

  private static let drives: [String: Set<String>] = {
    let loads: Set = [walkStart, "lifecycle", "two_vcpus"]
    let releases: Set = [freeRoots, "lifecycle", "two_vcpus"]
    return [
      special: loads.union([special]), shadow: loads.union([shadow]),
      direct: loads.union([direct]), allocRoot: loads.union([shadow, direct]),
      firstRoot: loads.union([firstRoot, shadow]), create: [create, "lifecycle"],
      freePages: [freePages, "lifecycle"], freeRoots: releases, freeRootPage: releases,
      walkStart: [walkStart],
    ]
  }()

  static let special = Defect.special
  static let shadow = Defect.shadow
  static let direct = Defect.direct
  static let create = Defect.create
  static let allocRoot = Defect.allocRoot
  static let freePages = Defect.freePages
  static let freeRoots = Defect.freeRoots
  static let freeRootPage = "mmu_free_root_page"
  static let walkStart = "shadow_walk_init_using_root"
  static let firstRoot = "mmu_first_shadow_root_alloc"

  /// The defects of the patch series.
  static let series = zip(
    Defect.series,
    [
      ["uninitialised", "wild-free"], ["dead-branch"], ["allocation-set"],
      ["idempotent", "warn-unexpected"], ["error-swallowed"], ["uninitialised", "wild-free"],
    ]
  ).map { defect, breaks in
    var change = Change(
      defect.name, defect.title, in: defect.expected[0].function, breaks: Set(breaks), edits: [])
    change.edits = defect.edits
    return change
  }

  static let defects =
    series + specialDefects + shadowDefects + directDefects + createDefects + freeDefects
    + walkDefects + firstRootDefects + raceDefects
}
