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
  /// What gives back what a member of a struct names.
  private var ofMembers: [Member: Set<String>] = [:]

  private struct Member: Hashable {
    var record: String
    var name: String
  }
  /// What a header's function gives back itself, or counts.
  private var counted: Set<String> = []
  /// By variable or member, which callees fill it.
  private var fillers: [ClangCursor: Set<String>] = [:]

  /// - Parameter functions: all of the file.
  init(_ functions: [ClangCursor]) {
    for function in functions { read(function) }
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
      if Trait.gives.isOf(callee.name), !(callee.definition?.isInMainFile ?? false),
        let member = child.callArguments.first?.stripped(), member.isMemberReference,
        let field = member.referenced, let owner = field.parent?.name
      {
        ofMembers[Member(record: owner, name: field.name), default: []].insert(callee.name)
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
    // A function of a header hands on what another gives out.
    guard let definition = callee.definition, !definition.isInMainFile,
      let last = definition.children.last?.children.last, last.syntax == .returnStatement,
      let inner = last.children.first?.stripped(), inner.syntax == .call
    else { return }
    if let called = inner.referenced, called.kind == .function {
      fillers[place]!.insert(called.name)
    }
  }

  private static func frees(_ name: String) -> Bool {
    Trait.frees.isOf(name) || Pairs.freeing.contains(name)
  }

  /// Takes down what gives back; of a header's function what it calls for that. What such a function does
  /// itself nobody sees.
  private mutating func give(_ callee: ClangCursor, _ handed: [ClangCursor?], _ depth: Int) {
    guard Self.frees(callee.name), let prototype = callee.prototype,
      !(callee.definition?.isInMainFile ?? false)
    else { return }
    givers[callee.name, default: Giver(prototype: prototype)].handed.formUnion(
      handed.compactMap(\.self))
    guard let definition = callee.definition else { return }
    let types = Set(prototype.arguments.filter { $0.shape == .pointer }.map(\.pointee))
    var inner: [ClangCursor] = []
    var isCounting = false
    definition.visit { child in
      guard child.syntax == .call, let called = child.referenced, called.kind == .function else {
        return true
      }
      if called.name.split(separator: "_").contains(where: { ["dec", "sub", "kref"].contains($0) })
      {
        isCounting = true
      }
      if Self.frees(called.name), let given = called.prototype?.arguments,
        given.contains(where: { types.contains($0.pointee) })
      {
        inner.append(called)
      }
      return true
    }
    guard depth < 4, !isCounting, !inner.isEmpty else { return counted.formUnion(types) }
    for called in inner { give(called, handed, depth + 1) }
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

  /// What callees of files beside put into an object's member, and what this file gives back from there.
  ///
  /// - Parameters:
  ///   - paired: what takes by name.
  ///   - body: the text of a function of a file beside.
  func parts(
    _ callees: [Extractor.Callee], paired: Set<String>, body: (String) -> Substring?
  ) -> [Generated.Pair] {
    guard !ofMembers.isEmpty else { return [] }
    return callees.flatMap { callee -> [Generated.Pair] in
      guard !paired.contains(callee.name), !Trait.gives.isOf(callee.name),
        callee.prototype.result.shape == .number
      else { return [] }
      for (number, argument) in callee.prototype.arguments.enumerated().prefix(4)
      where argument.shape == .pointer && argument.pointee.hasPrefix("struct ") {
        let record = String(argument.pointee.dropFirst("struct ".count))
        let members = ofMembers.filter { $0.key.record == record }
        guard !members.isEmpty, let text = body(callee.name) else { continue }
        for (member, givers) in members.sorted(by: { $0.key.name < $1.key.name })
        where text.contains("->\(member.name) = ") && !text.contains("->\(member.name) = NULL") {
          return givers.sorted().map {
            Generated.Pair(
              acquires: callee.name, releases: $0, taken: number, given: nil, isPart: true)
          }
        }
      }
      return []
    }
  }
}
