// SPDX-License-Identifier: GPL-2.0-only

/// One small wrong change to one extracted function.
public struct Mutant: Sendable, Hashable, Codable {
  /// A place in the source file, both from 1; a column counts bytes.
  public struct Position: Sendable, Hashable, Codable {
    public var line: Int
    public var column: Int
  }

  /// What became of it before anything ran.
  public enum State: Sendable, Hashable, Codable {
    case ready
    /// The compiler refuses it, with this message.
    case doesNotCompile(String)
    /// The compiler makes the same of it as of the original, or as of an earlier mutant.
    case sameCode(as: String?)
  }

  /// From 1, in the order of the file: what the compiled dispatchers switch on.
  public var number: Int
  /// `FUNCTION@TEXT:OPERATOR:ORDINAL`, where TEXT begins the SHA-256 of the function's text and
  /// ORDINAL counts the operator's mutants in that function from 1.
  public var key: String
  public var operatorID: String
  public var function: String
  /// Bytes of the source file that the replacement takes the place of.
  public var range: Range<Int>
  public var replacement: String
  public var description: String
  public var start: Position
  public var end: Position
  public var state: State = .ready
  /// nil: wherever control comes to it.
  var difference: Difference?
}

/// Which of the mutants that were found are wanted.
public struct MutantSelection: Sendable, Codable {
  /// Ids of operators; empty for all.
  public var operators: Set<String> = []
  /// Names of functions; empty for all.
  public var functions: Set<String> = []
  public var key: String?
  /// Only where a patch touched the source file.
  public var touchedOnly = false
  /// One of so many, which ones is the seed's choice; 1 takes all.
  public var sample = 1
  public var seed: UInt64 = 0

  public init() {}

  func takes(_ mutant: Mutant, touched: [ClosedRange<Int>]) -> Bool {
    if let key { return mutant.key == key }
    let lines = mutant.start.line...mutant.end.line
    return (operators.isEmpty || operators.contains(mutant.operatorID))
      && (functions.isEmpty || functions.contains(mutant.function))
      && (!touchedOnly || touched.contains { $0.overlaps(lines) })
      && (sample <= 1 || draw(mutant.key) % UInt64(sample) == 0)
  }

  /// The same for the same key and seed on every machine: FNV-1a, then the finaliser of splitmix64.
  private func draw(_ key: String) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in key.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    hash = hash &+ seed &* 0x9e37_79b9_7f4a_7c15
    hash = (hash ^ hash >> 30) &* 0xbf58_476d_1ce4_e5b9
    hash = (hash ^ hash >> 27) &* 0x94d0_49bb_1331_11eb
    return hash ^ hash >> 31
  }
}
