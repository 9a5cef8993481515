// SPDX-License-Identifier: GPL-2.0-only

/// Something that varies between starting states: a field, an argument, what a callee answers.
public struct Input: Sendable {
  /// One word, for a scenario's spelling.
  public var name: String
  /// Spellings of its values, the ordinary one first. One word each, no `,` and no `=`.
  public var values: [String]

  public init(_ name: String, _ values: [String]) {
    self.name = name
    self.values = values
  }
}

/// A value for each input of a space, by number; 0 is the ordinary one.
public typealias InputValues = SIMD32<UInt8>

/// The starting states of one driver: every combination of its inputs' values.
public struct StateSpace: Sendable {
  /// What is called, and in which order: the first part of a scenario's spelling.
  public let name: String
  /// At most 32.
  public let inputs: [Input]

  public init(name: String, inputs: [Input]) {
    precondition(inputs.count <= InputValues.scalarCount)
    self.name = name
    self.inputs = inputs
  }

  public var count: Int { inputs.reduce(1) { $0 * $1.values.count } }

  /// The values of a state by its number; the first input varies slowest.
  public func values(of number: Int) -> InputValues {
    var values = InputValues.zero
    var rest = number
    for index in inputs.indices.reversed() {
      let count = inputs[index].values.count
      values[index] = UInt8(rest % count)
      rest /= count
    }
    return values
  }

  public func number(of values: InputValues) -> Int {
    inputs.indices.reduce(0) { $0 * inputs[$1].values.count + Int(values[$1]) }
  }

  /// `shadow=4,guest=2,…`; `-` where nothing varies.
  public func spelling(of values: InputValues) -> String {
    if inputs.isEmpty { return "-" }
    return inputs.indices.map { "\(inputs[$0].name)=\(inputs[$0].values[Int(values[$0])])" }
      .joined(separator: ",")
  }

  /// nil where it is no state's spelling.
  public func values(spelled: String) -> InputValues? {
    if inputs.isEmpty { return spelled == "-" ? .zero : nil }
    let words = spelled.split(separator: ",", omittingEmptySubsequences: false)
    guard words.count == inputs.count else { return nil }
    var values = InputValues.zero
    for (index, word) in words.enumerated() {
      let sides = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard sides.count == 2, sides[0] == inputs[index].name,
        let value = inputs[index].values.firstIndex(of: String(sides[1]))
      else { return nil }
      values[index] = UInt8(value)
    }
    return values
  }

  /// How many inputs have another value than the ordinary one.
  public func differences(of values: InputValues) -> Int {
    inputs.indices.count { values[$0] != 0 }
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
