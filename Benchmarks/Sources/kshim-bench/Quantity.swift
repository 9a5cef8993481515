// SPDX-License-Identifier: GPL-2.0-only

/// Something that is measured once a round.
struct Quantity: Hashable, Sendable {
  enum Unit: String, Codable, Sendable {
    case seconds = "s"
    case perSecond = "/s"
    case megabytes = "MB"
  }

  /// What is measured, in a few words.
  var name: String
  var unit: Unit

  static func seconds(_ name: String) -> Quantity { Quantity(name: name, unit: .seconds) }
  static func perSecond(_ name: String) -> Quantity { Quantity(name: name, unit: .perSecond) }
  static func megabytes(_ name: String) -> Quantity { Quantity(name: name, unit: .megabytes) }

  static let memblock = seconds("memblock's make and run")
  static let syntax = seconds("clang -fsyntax-only of mmu.c")
  static let edit = seconds("edit to verdict")
  static let editFree = seconds("edit to verdict, --no-jail")
  static let editBefore = seconds("edit to verdict, baseline")
  static let broken = seconds("broken edit of a new base to verdict")
  static let brokenBefore = seconds("broken edit of a new base to verdict, baseline")
  static let brokenKnown = seconds("broken edit of a checked base to verdict")
  static let brokenKnownBefore = seconds("broken edit of a checked base to verdict, baseline")
  static let states = perSecond("scenarios covered on one core")
  static let statesBefore = perSecond("scenarios covered on one core, baseline")
  static let first = seconds("first check of an edit")
  static let again = seconds("the same check again")
  static let searchOne = seconds("search on one core")
  static let searchTwo = seconds("search on two cores")
  static let mutants = perSecond("mutants")
  static let mutantsBefore = perSecond("mutants, baseline")
  static let compare = seconds("compare of four revisions")
  static let fourChecks = seconds("four checks")
  static let checkPeak = megabytes("peak of check, largest process")
  static let checkOwn = megabytes("peak of check, kshim itself")
  static let checkChild = megabytes("peak of check, largest program that it runs")
  static let comparePeak = megabytes("peak of compare, largest process")
  static let compareOwn = megabytes("peak of compare, kshim itself")
  static let compareChild = megabytes("peak of compare, largest program that it runs")

  /// What the baseline must be built for.
  static let ofBaseline: Set<Quantity> = [
    .editBefore, .brokenBefore, .brokenKnownBefore, .statesBefore, .mutantsBefore,
  ]
}

/// The middle one; of an even count the mean of the two in the middle.
func median(_ values: [Double]) -> Double {
  let sorted = values.sorted()
  let middle = sorted.count / 2
  return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
