// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// What callees give out that has to be given back, where the names do not pair them: by what becomes
/// of it elsewhere in the file, or by its type.
struct GivenOut {
  /// A way to give back what has a type.
  private struct Giver {
    var prototype: ClangCursor.Prototype
    /// What it is handed in some function of the file: variables and members.
    var handed: Set<ClangCursor> = []
  }

  /// Where a callee puts what it gives out.
  private struct Source {
    var taken: Int
    /// The struct that it is.
    var type: String
  }

  /// Who makes something new of a type gives it to the caller, who has it until it is given on.
  private static let making: Set<Substring> = [
    "alloc", "allocate", "create", "new", "get", "open", "request", "acquire", "grab", "dup",
  ]
  private static let looking: Set<Substring> = [
    "find", "lookup", "parse", "by", "next", "read", "load", "clone",
  ]

  private var givers: [String: Giver] = [:]
  /// What ends something, of one object.
  private var enders: [String: String] = [:]
  /// What a header's function counts itself: the last one alone calls what gives back.
  private var counted: Set<String> = []
  /// By variable or member, which callees fill it.
  private var fillers: [ClangCursor: Set<String>] = [:]

  /// - Parameter functions: all of the file.
  init(_ functions: some Sequence<ClangCursor>) {
    for function in functions where function.isInMainFile { read(function) }
  }

  private mutating func read(_ function: ClangCursor) {
    function.visit { child in
      if child.kind == .variable, let value = child.initialiser?.stripped() {
        fill(child, from: value)
      }
      guard child.syntax == .binary || child.syntax == .call else { return true }
      if child.syntax == .binary, child.operatorSpelling == "=", child.children.count == 2,
        let place = child.children[0].stripped().referenced
      {
        fill(place, from: child.children[1].stripped())
      }
      guard child.syntax == .call, let callee = child.referenced, callee.kind == .function else {
        return true
      }
      for argument in child.callArguments {
        let value = argument.stripped()
        if value.expression == .addressOf,
          let place = value.children.first?.stripped().referenced
        {
          fillers[place, default: []].insert(callee.name)
        }
      }
      give(callee, child.callArguments.map { $0.stripped().referenced }, 0)
      return true
    }
  }

  private mutating func fill(_ place: ClangCursor, from value: ClangCursor) {
    guard value.syntax == .call, let callee = value.referenced, callee.kind == .function else {
      return
    }
    fillers[place, default: []].insert(callee.name)
  }

  /// Takes down what gives back; of a header's function also what it calls for that.
  private mutating func give(_ callee: ClangCursor, _ handed: [ClangCursor?], _ depth: Int) {
    if depth == 0, Trait.gives.isOf(callee.name), !(callee.definition?.isInMainFile ?? false),
      let only = callee.prototype.flatMap(Self.object)
    {
      enders[callee.name] = only
    }
    guard Trait.frees.isOf(callee.name), let prototype = callee.prototype else { return }
    let definition = callee.definition
    guard !(definition?.isInMainFile ?? false) else { return }
    givers[callee.name, default: Giver(prototype: prototype)].handed.formUnion(
      handed.compactMap(\.self))
    guard depth < 2, let definition else { return }
    definition.visit { child in
      if child.syntax == .call, let inner = child.referenced, inner.kind == .function {
        if inner.name.split(separator: "_").contains(where: { ["dec", "sub", "kref"].contains($0) })
        {
          counted.formUnion(prototype.arguments.map(\.pointee))
        }
        give(inner, handed, depth + 1)
      }
      return true
    }
  }

  private static func sources(_ prototype: ClangCursor.Prototype) -> [Source] {
    var found: [Source] = []
    if prototype.result.shape == .pointer, prototype.result.pointee.hasPrefix("struct ") {
      found.append(Source(taken: -1, type: prototype.result.pointee))
    }
    for (number, argument) in prototype.arguments.enumerated().prefix(4)
    where argument.shape == .pointer && argument.pointee.hasPrefix("struct ")
      && argument.pointee.hasSuffix(" *") && !argument.pointee.hasSuffix("**")
    {
      let type = argument.pointee.dropLast().trimmingCharacters(in: .whitespaces)
      found.append(Source(taken: -2 - number, type: type))
    }
    return found
  }

  /// - Parameter paired: what takes by name.
  func pairs(_ callees: [Extractor.Callee], paired: Set<String>) -> [Generated.Pair] {
    var pairs: [Generated.Pair] = []
    for callee in callees where !paired.contains(callee.name) {
      let words = callee.name.split(separator: "_")
      guard !["devm", "pcim", "drmm"].contains(words.first),
        words.contains(where: { Self.making.contains($0) || Self.looking.contains($0) }),
        !Trait.frees.isOf(callee.name)
      else { continue }
      let makes = words.contains { Self.making.contains($0) }
      for source in Self.sources(callee.prototype) where !counted.contains(source.type) {
        var found: [(name: String, given: Int, isLearned: Bool)] = []
        for (name, giver) in givers {
          guard
            let given = giver.prototype.arguments.firstIndex(where: {
              $0.shape == .pointer && $0.pointee == source.type
            })
          else { continue }
          let isLearned = giver.handed.contains { fillers[$0]?.contains(callee.name) ?? false }
          found.append((name, given, isLearned))
        }
        let isLearned = found.contains(where: \.isLearned)
        guard isLearned || makes else { continue }
        found.sort { ($0.isLearned ? 0 : 1, $0.name) < ($1.isLearned ? 0 : 1, $1.name) }
        pairs += found.map {
          Generated.Pair(
            acquires: callee.name, releases: $0.name, taken: source.taken, given: $0.given,
            isLoose: true, isLearned: isLearned)
        }
      }
    }
    return pairs
  }

  /// The struct that is all that a callee is handed.
  private static func object(_ prototype: ClangCursor.Prototype) -> String? {
    guard prototype.arguments.count == 1, let only = prototype.arguments.first,
      only.shape == .pointer, only.pointee.hasPrefix("struct "), !only.pointee.hasSuffix("*")
    else { return nil }
    return only.pointee
  }

  /// What begins a part of an object, and what ends it, of one word and for one type of objects, where
  /// neither has another fellow.
  ///
  /// - Parameter inner: what a function of another file does, where that is but one call.
  func parts(
    _ callees: [Extractor.Callee], _ pairs: [Generated.Pair], inner: (String) -> String?
  ) -> [Generated.Pair] {
    let beginning: Set<Substring> = ["init", "setup", "create", "start", "add", "register"]
    let taking = Set(pairs.map(\.acquires))
    let giving = Set(pairs.map(\.releases))
    let open = callees.filter { callee in
      !taking.contains(callee.name) && callee.prototype.result.shape == .number
        && callee.name.split(separator: "_").contains { beginning.contains($0) }
        && Self.object(callee.prototype) != nil
    }
    func word(_ name: String) -> Substring? { name.split(separator: "_").first }
    return open.flatMap { callee -> [Generated.Pair] in
      let type = Self.object(callee.prototype)
      let fellows = enders.filter {
        $0.value == type && word($0.key) == word(callee.name) && !giving.contains($0.key)
      }
      guard fellows.count == 1, let ender = fellows.first?.key,
        open.count(where: { word($0.name) == word(callee.name) }) == 1
      else { return [] }
      return ([ender] + [inner(ender)].compactMap(\.self)).map {
        Generated.Pair(acquires: callee.name, releases: $0, taken: nil, given: nil)
      }
    }
  }
}
