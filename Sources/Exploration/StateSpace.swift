// SPDX-License-Identifier: GPL-2.0-only

/// A part of a starting state as it is spelled, `tables=pae+pml4`: one input or a few, each of which
/// is looked at on its own.
public struct Word: Sendable {
  public var name: String
  /// How many values each of its inputs has.
  public var arities: [Int]
  /// Of every combination of values, the first input's varying fastest; the ordinary one first. One
  /// word each, no `,` and no `=`.
  public var spellings: [String]

  /// One input.
  public init(_ name: String, _ spellings: [String]) {
    self.init(name, spellings, arities: [spellings.count])
  }

  public init(_ name: String, _ spellings: [String], arities: [Int]) {
    precondition(arities.reduce(1, *) == spellings.count)
    self.name = name
    self.spellings = spellings
    self.arities = arities
  }
}

/// A value for each input of a space, by number; 0 is the ordinary one.
public typealias InputValues = SIMD32<UInt8>

extension InputValues {
  /// How many are not the ordinary ones. Eight at a time: where outcomes are taken down, each run asks.
  var othersCount: Int {
    let words = unsafeBitCast(self, to: SIMD4<UInt64>.self)
    let low = SIMD4<UInt64>(repeating: 0x7f7f_7f7f_7f7f_7f7f)
    // The highest bit of each byte that is not 0.
    let marks = ((words & low) &+ low | words) & ~low
    return (0..<4).reduce(0) { $0 + marks[$1].nonzeroBitCount }
  }
}

/// The starting states of one driver: every combination of its inputs' values.
public struct StateSpace: Sendable {
  /// What is called, and in which order: the first part of a scenario's spelling.
  public let name: String
  public let words: [Word]
  /// How many values each input has; at most 32 inputs.
  public let arities: [Int]

  public init(name: String, words: [Word]) {
    self.name = name
    self.words = words
    arities = words.flatMap(\.arities)
    precondition(arities.count <= InputValues.scalarCount)
  }

  public var count: Int { arities.reduce(1, *) }

  /// Calls the closure with each word and the number of its first input.
  private func each(_ body: (Word, _ first: Int) -> Void) {
    var first = 0
    for word in words {
      body(word, first)
      first += word.arities.count
    }
  }

  /// Which of a word's spellings the values are.
  private static func index(_ word: Word, _ first: Int, _ values: InputValues) -> Int {
    word.arities.indices.reversed().reduce(0) {
      $0 * word.arities[$1] + Int(values[first + $1])
    }
  }

  private static func set(
    _ word: Word, _ first: Int, to index: Int, _ values: inout InputValues
  ) {
    var rest = index
    for (number, arity) in word.arities.enumerated() {
      values[first + number] = UInt8(rest % arity)
      rest /= arity
    }
  }

  /// Which spelling each word has.
  public func indices(of values: InputValues) -> [Int] {
    var indices: [Int] = []
    each { indices.append(Self.index($0, $1, values)) }
    return indices
  }

  public func values(of indices: [Int]) -> InputValues {
    var values = InputValues.zero
    var position = 0
    each {
      Self.set($0, $1, to: indices[position], &values)
      position += 1
    }
    return values
  }

  /// The values of a state by its number; the first word varies slowest.
  public func values(of number: Int) -> InputValues {
    var rest = number
    var indices = Array(repeating: 0, count: words.count)
    for position in words.indices.reversed() {
      let count = words[position].spellings.count
      indices[position] = rest % count
      rest /= count
    }
    return values(of: indices)
  }

  public func number(of values: InputValues) -> Int {
    zip(words, indices(of: values)).reduce(0) { $0 * $1.0.spellings.count + $1.1 }
  }

  /// `shadow=4,guest=2,…`; `-` where nothing varies.
  public func spelling(of values: InputValues) -> String {
    if words.isEmpty { return "-" }
    return zip(words, indices(of: values)).map { "\($0.name)=\($0.spellings[$1])" }
      .joined(separator: ",")
  }

  /// nil where it is no state's spelling.
  public func values(spelled: String) -> InputValues? {
    if words.isEmpty { return spelled == "-" ? .zero : nil }
    let parts = spelled.split(separator: ",", omittingEmptySubsequences: false)
    guard parts.count == words.count else { return nil }
    var indices: [Int] = []
    for (word, part) in zip(words, parts) {
      let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard sides.count == 2, sides[0] == word.name,
        let index = word.spellings.firstIndex(of: String(sides[1]))
      else { return nil }
      indices.append(index)
    }
    return values(of: indices)
  }

  /// How many words are not the ordinary ones.
  public func differences(of values: InputValues) -> Int {
    indices(of: values).count { $0 != 0 }
  }

  /// The words of a state without which something is not so: each that is not the ordinary one is
  /// tried with it, one after the other.
  ///
  /// - Parameter isStill: whether it is so with these values.
  func needed(of values: InputValues, _ isStill: (InputValues) -> Bool) -> [String] {
    var indices = indices(of: values)
    var needed: [String] = []
    for position in words.indices where indices[position] != 0 {
      var tried = indices
      tried[position] = 0
      if isStill(self.values(of: tried)) {
        indices = tried
      } else {
        let word = words[position]
        needed.append("\(word.name)=\(word.spellings[indices[position]])")
      }
    }
    return needed
  }
}

/// One starting state of a subject.
public struct StartingState: Hashable, Sendable {
  /// Which of the subject's spaces.
  public var space: Int
  public var values: InputValues

  public init(space: Int, values: InputValues) {
    self.space = space
    self.values = values
  }
}

extension Domain {
  public var stateCount: Int { spaces.reduce(0) { $0 + $1.count } }

  /// States are numbered from 0 through all spaces.
  public func state(_ number: Int) -> StartingState {
    var rest = number
    for (index, space) in spaces.enumerated() {
      let count = space.count
      if rest < count { return StartingState(space: index, values: space.values(of: rest)) }
      rest -= count
    }
    preconditionFailure("there is no state \(number)")
  }

  public func number(of state: StartingState) -> Int {
    spaces[..<state.space].reduce(0) { $0 + $1.count }
      + spaces[state.space].number(of: state.values)
  }

  public func drive(of number: Int) -> String { spaces[state(number).space].name }

  public func spelling(of number: Int) -> String {
    let state = state(number)
    return spaces[state.space].spelling(of: state.values)
  }

  public func state(drive: String, spelled: String) -> Int? {
    guard let space = spaces.firstIndex(where: { $0.name == drive }),
      let values = spaces[space].values(spelled: spelled)
    else { return nil }
    return number(of: StartingState(space: space, values: values))
  }
}
