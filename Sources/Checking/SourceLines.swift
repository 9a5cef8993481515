// SPDX-License-Identifier: GPL-2.0-only
import Exploration
import Extraction
import KernelSource

/// What the extracted text says at the places of one build's module.
struct SourceLines {
  let provenance: Provenance
  let statements: Statements
  /// See ``Extraction/primitives``.
  let primitives: Set<String>
  /// By offset in the module.
  let places: [UInt64: Symbolizer.Place]

  /// The extracted function that a place lies in, and the line.
  func place(of offset: UInt64) -> (function: Provenance.Function, line: Int)? {
    guard let place = places[offset],
      let function = provenance.functions.first(where: { $0.name == place.function }),
      place.file == function.file ?? provenance.source
    else { return nil }
    return (function, place.line)
  }

  /// The line at which a finding is told: its own, or that of the last block of the source that led there. A
  /// return is where it came from, in the function that was called if it can be, not the brace that all of a
  /// function's returns share.
  func place(of breach: Report.Breach, by path: [UInt64]) -> (function: String, line: Int) {
    let own = place(of: breach.offset)
    if let own, own.line != own.function.lastLine { return (own.function.name, own.line) }
    let way = path.compactMap(place(of:)).filter { $0.line != $0.function.lastLine }
    let inTarget = own == nil ? nil : way.first { $0.function.name == breach.function }
    if let place = inTarget ?? way.first { return (place.function.name, place.line) }
    let target = provenance.functions.first { $0.name == breach.function }
    return (breach.function, target?.firstLine ?? 0)
  }

  /// The line of the return statement that a function left by: the first behind the last basic
  /// block that can have had the result. Nil where a function ends without one.
  ///
  /// - Parameter way: offsets of the basic blocks that led there, newest first.
  func line(ofReturn name: String, by way: [UInt64], _ result: Int32) -> Int? {
    for offset in way {
      guard let (function, line) = place(of: offset), function.name == name,
        line != function.lastLine
      else { continue }
      return statements.returns.first {
        line <= $0.line && $0.line <= function.lastLine && Self.canBe($0.value, result)
      }?.line
    }
    return nil
  }

  private static func canBe(_ written: String, _ result: Int32) -> Bool {
    if let number = Int32(written) { return number == result }
    return !written.hasPrefix("-E") || written == Errno.name(result)
  }
}
