// SPDX-License-Identifier: GPL-2.0-only

/// A copy of a function that does what the original does, and leaves a mark for each mutant where that would have
/// done something else.
struct WatchedCopy {
  /// What stands in one place of the function, and the mutants of it.
  private struct Place {
    var range: Range<Int>
    var operands: (left: Range<Int>, sign: String, right: Range<Int>)?
    /// The mark of each, and what C text says that it does something else.
    var marks: [(mark: Int, condition: String)] = []
  }

  private static let (left, right, value) = ("kshim_left", "kshim_right", "kshim_value")

  private let source: [UInt8]
  /// Those around others first.
  private var places: [Place] = []

  /// - Parameter marks: of mutants by their numbers; others are passed over.
  init(_ mutants: [Mutant], marks: [Int: Int], of source: [UInt8]) {
    self.source = source
    var found: [Range<Int>: Place] = [:]
    for mutant in mutants {
      guard let mark = marks[mutant.number], let difference = mutant.difference else { continue }
      var place = found[mutant.range, default: Place(range: mutant.range)]
      switch difference {
      case .whereTrue: place.marks.append((mark, Self.value))
      case .whereFalse: place.marks.append((mark, "!\(Self.value)"))
      case .whereOtherwise(let left, let sign, let right, let other):
        place.operands = (left, sign, right)
        place.marks.append((mark, "\(Self.value) != (\(Self.left) \(other) \(Self.right))"))
      }
      found[mutant.range] = place
    }
    places = found.values.sorted {
      ($0.range.lowerBound, $1.range.upperBound) < ($1.range.lowerBound, $0.range.upperBound)
    }
  }

  /// Whether it marks anything.
  var isNeeded: Bool { !places.isEmpty }

  /// A stretch of the source, its places watched.
  ///
  /// - Parameter write: writes a stretch in which there is none.
  func text(_ range: Range<Int>, write: (Range<Int>) -> String) -> String {
    text(range, places[...].filter { range.contains($0.range.lowerBound) }[...], write)
  }

  private func text(
    _ range: Range<Int>, _ places: ArraySlice<Place>, _ write: (Range<Int>) -> String
  ) -> String {
    var result = ""
    var start = range.lowerBound
    var rest = places
    while let place = rest.popFirst() {
      let inner = rest.prefix { $0.range.lowerBound < place.range.upperBound }
      rest = rest.dropFirst(inner.count)
      result += write(start..<place.range.lowerBound) + watched(place, inner, write)
      start = place.range.upperBound
    }
    return result + write(start..<range.upperBound)
  }

  private func watched(
    _ place: Place, _ inner: ArraySlice<Place>, _ write: (Range<Int>) -> String
  ) -> String {
    func inside(_ range: Range<Int>) -> String {
      text(range, inner.filter { range.contains($0.range.lowerBound) }[...], write)
    }
    /// A variable of the type that C compares an operand in: a bit-field is an int.
    func operand(_ name: String, _ range: Range<Int>) -> String {
      let plain = String(bytes: source[range])
      return "__typeof__(1 ? (\(plain)) : (\(plain))) \(name) = (\(inside(range)));"
    }
    var result = "({ "
    if let (left, sign, right) = place.operands {
      result += "\(operand(Self.left, left)) \(operand(Self.right, right)) "
      result += "const int \(Self.value) = \(Self.left) \(sign) \(Self.right); "
    } else {
      result += "const int \(Self.value) = !!(\(inside(place.range))); "
    }
    for (mark, condition) in place.marks {
      result += "if (\(condition)) \(MutantWriter.differs)(\(mark)); "
    }
    return result + "\(Self.value); })"
  }
}
