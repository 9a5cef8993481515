// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Shims

/// How a subject without a model is driven: what its manifest says, as the compiled unit carries it.
///
/// A line each, words parted by spaces; inputs are numbered in the order of their lines:
///
///     target NAME void|errno|pointer|other
///     result TARGET POSITION TARGET…     an argument that is what one of these returned
///     slot NAME = VALUE…
///     argument TARGET POSITION NAME = VALUE…
///     driver NAME TARGET…
///     inputs NUMBER                      from this call on, what is asked are inputs
///     unknown CALL MASK                  answered by its type: which arguments it may keep
///     unused CALL                        nobody asks whether it fails
///     neglected CALL                     of those, what others ask; here: the same file always
///                                        does, lost: some always do
///     mute CALL                          who calls it cannot say that it failed
///     stores CALL                        what it was to keep is nowhere where it fails
///     errnos NAME…                       that the text names
///     pair CALL CALL KEY KEY COUNT       takes and gives back; which argument says what, -1: the result,
///                                        below: what an argument is given; which says how many;
///                                        loose, learned: only where nothing names it in the end;
///                                        part: only where the object is freed; miscounted: by the
///                                        length of another array
///     trait NAME CALL…                   what a callee's name says, see Sources/Extraction/Trait.swift
///     within CALL                        only functions that the targets call give back by it
///     bound COUNT                        of the answers that are not the ordinary ones
struct Plan {
  /// What a target's result says of success.
  enum Result: String {
    case void
    /// A number that is a negative errno, or not.
    case errno
    /// NULL or an ERR_PTR is none.
    case pointer
    /// 0, or a number of its own for each failure.
    case status
    /// No statement: a truth value, or an unsigned number.
    case other
  }

  struct Target {
    var name: String
    var entry: UInt32
    var result: Result
    /// Which arguments are a result of an earlier call, by position, and of what.
    var taken: [(position: Int, makers: [String])] = []
  }

  struct Input {
    var number: UInt32
    var name: String
    var spellings: [String]
    /// nil for a slot.
    var argument: (target: String, position: Int)?
  }

  struct Driver {
    var name: String
    var calls: [Target]
    /// In the order of the space's inputs; those with one value have no place there.
    var inputs: [(input: Input, place: Int?)]
    var space: StateSpace

    /// Whether the last call gives back what the first one made.
    var isLife: Bool { calls.count > 1 && calls[calls.count - 1].result == .void }

    /// Whether a later call takes what a call returned: then it is for the driver to give it back.
    func isTaken(_ index: Int) -> Bool {
      calls[(index + 1)...].contains { later in
        later.taken.contains { $0.makers.contains(calls[index].name) }
      }
    }
  }

  struct Pair {
    var takes: String
    var gives: String
    var taken: Int?
    var given: Int?
    /// Which argument of both says how many.
    var count: Int?
    /// Whether only functions that the target calls give back.
    var isWithin = false
    /// Whether only what nothing names in the end was not given back.
    var isLoose = false
    /// Whether the file itself gives back what the callee gave out.
    var isLearned = false
    /// Whether what is taken is part of an object, which is lost with it.
    var isPart = false
    /// Whether it gives back as many as another array has.
    var isMiscounted = false
  }

  private(set) var pairs: [Pair] = []
  private(set) var unknown: [String: UInt] = [:]
  private(set) var unused: Set<String> = []
  private(set) var neglected: Set<String> = []
  private(set) var neglectedHere: Set<String> = []
  private(set) var neglectedAlways: Set<String> = []
  private(set) var stores: Set<String> = []
  private(set) var mute: Set<String> = []
  private(set) var traits: [String: Set<String>] = [:]
  private(set) var errnos: Set<String> = []
  /// The first call that is an input; nil where the manifest says all.
  private(set) var inputs: Int?
  private(set) var targets: [Target] = []
  private(set) var drivers: [Driver] = []
  private var states: [Input] = []
  /// How many answers of a run are not the ordinary ones; nil where all are asked for.
  private(set) var bound: Int?

  init(_ subject: Subject) throws {
    func broken(_ line: Substring) -> Failure {
      Failure(
        .tool, asked: "drive \(subject.name)", cause: "its plan has the line '\(line)'",
        remedy: "extract it again with this kshim")
    }
    for line in String(cString: subject.table.pointee.plan).split(separator: "\n") {
      let words = line.split(separator: " ").map(String.init)
      let values = words.firstIndex(of: "=").map { Array(words[($0 + 1)...]) } ?? []
      func target(_ name: String) throws -> Int {
        guard let index = targets.firstIndex(where: { $0.name == name }) else { throw broken(line) }
        return index
      }
      switch (words[0], words.count) {
      case ("target", 3):
        guard let entry = subject.entry(words[1]), let result = Result(rawValue: words[2]) else {
          throw broken(line)
        }
        targets.append(Target(name: words[1], entry: entry, result: result))
      case ("result", 4...):
        guard let position = Int(words[2]) else { throw broken(line) }
        targets[try target(words[1])].taken.append((position, Array(words[3...])))
      case ("slot", 4...):
        states.append(
          Input(number: UInt32(states.count), name: words[1], spellings: values, argument: nil))
      case ("argument", 6...):
        guard let position = Int(words[2]) else { throw broken(line) }
        states.append(
          Input(
            number: UInt32(states.count), name: words[3], spellings: values,
            argument: (words[1], position)))
      case ("inputs", 2): inputs = Int(words[1])
      case ("unknown", 3): unknown[words[1]] = UInt(words[2]) ?? 0
      case ("unused", 2): unused.insert(words[1])
      case ("neglected", 2...):
        neglected.insert(words[1])
        if words.contains("lost") { neglectedAlways.insert(words[1]) }
        if words.contains("here") { neglectedHere.insert(words[1]) }
      case ("mute", 2): mute.insert(words[1])
      case ("stores", 2): stores.insert(words[1])
      case ("trait", 2...): traits[words[1]] = Set(words[2...])
      case ("errnos", 1...): errnos = Set(words[1...])
      case ("pair", 6), ("pair", 7):
        pairs.append(
          Pair(
            takes: words[1], gives: words[2], taken: Int(words[3]), given: Int(words[4]),
            count: Int(words[5]), isLoose: ["loose", "learned"].contains(words.last),
            isLearned: words.last == "learned", isPart: words.last == "part",
            isMiscounted: words.last == "miscounted"))
      case ("within", 2):
        for index in pairs.indices where pairs[index].gives == words[1] {
          pairs[index].isWithin = true
        }
      case ("bound", 2): bound = Int(words[1])
      case ("driver", 3...):
        drivers.append(driver(words[1], try words[2...].map { targets[try target($0)] }))
      default: throw broken(line)
      }
    }
  }

  private func driver(_ name: String, _ calls: [Target]) -> Driver {
    let own = states.filter { input in
      input.argument.map { argument in calls.contains { $0.name == argument.target } } ?? true
    }
    var words: [Word] = []
    var placed: [(input: Input, place: Int?)] = []
    for input in own {
      guard input.spellings.count > 1 else {
        placed.append((input, nil))
        continue
      }
      let isAlone = own.count { $0.name == input.name } == 1
      let word = isAlone ? input.name : "\(input.argument?.target ?? "slot").\(input.name)"
      placed.append((input, words.count))
      words.append(Word(word, input.spellings))
    }
    return Driver(
      name: name, calls: calls, inputs: placed, space: StateSpace(name: name, words: words))
  }
}
