// SPDX-License-Identifier: GPL-2.0-only

/// What takes and what gives back.
extension Harnessing {
  /// Pairs by names and by what the file does; of these the ones that the manifest names, where it names
  /// any, and those that it names besides.
  func pairs(
    of callees: [Pairs.Callee], givenBack others: [Pairs.Callee], _ made: [Extractor.Callee],
    _ operations: [Generated.Pair], _ text: [ClangCursor]
  ) -> [Generated.Pair] {
    let seen = called(by: text)
    var pairs = Pairs.all(of: callees, givenBack: others, seen: seen)
    let out = GivenOut(ofFile)
    func count(_ pairs: inout [Generated.Pair]) {
      for index in pairs.indices where pairs[index].count != nil {
        pairs[index].isMiscounted = Self.isMiscounted(pairs[index], text)
      }
    }
    count(&pairs)
    pairs += asOthersGiveBack(
      made.filter { callee in !pairs.contains { $0.acquires == callee.name } }, seen: seen)
    pairs += out.parts(made, paired: Set(pairs.map(\.acquires))) { name in
      beside.lazy.compactMap { Self.body(of: name, in: $0) }.first
    }
    pairs += out.pairs(made, paired: Set(pairs.map(\.acquires)))
    pairs += operations
    let wanted = manifest.pairs
    guard !wanted.isEmpty else { return pairs }
    func isOne(_ pair: Generated.Pair, _ one: (acquires: String, releases: String)) -> Bool {
      pair.acquires == one.acquires && pair.releases == one.releases
    }
    let further = wanted.filter { one in !pairs.contains { isOne($0, one) } }
    pairs.removeAll { pair in !wanted.contains { isOne(pair, $0) } }
    guard !further.isEmpty else { return pairs }
    var added = Pairs.all(of: callees, givenBack: others, seen: seen, chosen: further)
    count(&added)
    return pairs + added
  }

  /// Callees of the file's other functions.
  func elsewhere(than known: Set<String>) -> [Pairs.Callee] {
    var found: [String: ClangCursor] = [:]
    for function in ofFile {
      function.visit { child in
        if let target = child.referenced, target.kind == .function, !known.contains(target.name) {
          found[target.name] = target
        }
        return true
      }
    }
    return found.sorted { $0.key < $1.key }.compactMap { name, cursor in
      cursor.prototype.map { Pairs.Callee(name: name, prototype: $0) }
    }
  }

  /// Whether an array is taken with its own length, and given back with another's.
  static func isMiscounted(_ pair: Generated.Pair, _ text: [ClangCursor]) -> Bool {
    var lengths: [String: [(array: ClangCursor, of: Set<ClangCursor>)]] = [:]
    for function in text {
      function.visit { child in
        guard child.syntax == .call, let callee = child.referenced,
          callee.name == pair.acquires || callee.name == pair.releases
        else { return true }
        let arguments = child.callArguments
        guard arguments.count == 2, let array = arguments[0].stripped().referenced,
          array.isAtFileScope
        else { return true }
        var others: Set<ClangCursor> = []
        arguments[1].visit { part in
          if part.isReference, let named = part.referenced, named.kind == .variable {
            others.insert(named)
          }
          return true
        }
        lengths[callee.name, default: []].append((array, others))
        return true
      }
    }
    return (lengths[pair.releases] ?? []).contains { given in
      !given.of.isEmpty && !given.of.contains(given.array)
        && (lengths[pair.acquires] ?? []).contains {
          $0.array == given.array && $0.of == [given.array]
        }
    }
  }

  /// Pairs among the function pointers of one struct: `ops->alloc` and `ops->free`.
  func operations(_ pointers: [Extractor.Callee]) -> [Generated.Pair] {
    var others: [String: Pairs.Callee] = [:]
    var names: [String: String] = [:]
    func plain(_ name: String) -> String {
      let plain = name.replacing(".", with: "_")
      names[plain] = name
      return plain
    }
    let own = pointers.map { Pairs.Callee(name: plain($0.name), prototype: $0.prototype) }
    guard !own.isEmpty else { return [] }
    for function in ofFile {
      function.visit { child in
        if child.syntax == .call, let target = child.referenced, target.isField,
          let owner = target.parent?.name, let prototype = target.prototype
        {
          let name = plain("\(owner).\(target.name)")
          if !own.contains(where: { $0.name == name }) {
            others[name] = Pairs.Callee(name: name, prototype: prototype)
          }
        }
        return true
      }
    }
    return Pairs.all(
      of: own, givenBack: others.sorted { $0.key < $1.key }.map(\.value), seen: []
    ).map {
      var pair = $0
      pair.acquires = names[pair.acquires] ?? pair.acquires
      pair.releases = names[pair.releases] ?? pair.releases
      return pair
    }
  }

  /// Memory is judged as such.
  static func mayPair(_ callee: Extractor.Callee) -> Bool {
    let result = callee.prototype.result
    if result.shape == .pointer, result.pointee == "void" { return false }
    return switch callee.rule.action {
    case .returns, .custom: true
    default: false
    }
  }
}
