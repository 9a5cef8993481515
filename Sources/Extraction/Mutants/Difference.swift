// SPDX-License-Identifier: GPL-2.0-only

/// Where a mutant does something else than the original, by values that the original reads there anyway. A run in
/// which it nowhere does so is the original's.
enum Difference: Sendable, Hashable, Codable {
  /// Where what it stands for is not 0, or where it is 0.
  case whereTrue, whereFalse
  /// Where these operands, bytes of the source file, compare one way by the sign and another way by the other.
  case whereOtherwise(left: Range<Int>, sign: String, right: Range<Int>, other: String)
}

extension FunctionText {
  /// Whether an expression only reads: nobody can tell whether it was looked at.
  func onlyReads(_ range: Range<Int>) -> Bool {
    // What a macro makes inside of a macro's argument ends where it begins.
    expressions.filter { range.contains($0.extent.lowerBound) }.allSatisfy { cursor in
      switch cursor.syntax {
      case .call, .compound: false
      case .binary:
        cursor.operatorSpelling.last != "="
          || ["==", "!=", "<=", ">="].contains(cursor.operatorSpelling)
      case .unary: !["++", "--"].contains(cursor.operatorSpelling)
      default: !cursor.isAssembly
      }
    }
  }
}

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
  /// Functions with a mutant of which a mark tells, by the number that the compiler is told for the copy.
  let copies: [Int: String]

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
      uniqueKeysWithValues: zip(first..., Set(watched.map(\.function)).sorted()))
  }

  /// What tells that its function is called, and what tells that it makes a difference.
  public func of(_ mutant: Mutant) -> (function: Int, difference: Int) {
    let function = functions[mutant.function]!
    return (function, mutants[mutant.number] ?? function)
  }

  /// The marks without those of functions whose watched copy the compiler refuses.
  func without(_ refused: Set<String>, of mutants: [Mutant]) -> MutantMarks {
    var marks = self
    for mutant in mutants where refused.contains(mutant.function) {
      marks.mutants[mutant.number] = nil
    }
    return marks
  }
}
