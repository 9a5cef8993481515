// SPDX-License-Identifier: GPL-2.0-only

extension Extractor.Result {
  /// Definitions by name, also of the headers' inline functions that the pieces lead to.
  func definitions() -> [String: ClangCursor] {
    var definitions = functions
    var queue = pieces.flatMap(\.functions).compactMap { functions[$0] }
    while let function = queue.popLast() {
      function.visit { child in
        if let target = child.referenced, target.kind == .function,
          definitions[target.name] == nil, let definition = target.definition
        {
          definitions[target.name] = definition
          queue.append(definition)
        }
        return true
      }
    }
    return definitions
  }

  /// The shortest way from an extracted function to a name, through the headers' inline functions:
  /// the last element is the use in the extracted text. Empty where nothing extracted leads there.
  func chain(to name: String) -> [Extractor.Use] {
    let boundary = Set(callees.map(\.name))
    var queue = pieces.flatMap(\.functions)
    var cameFrom: [String: Extractor.Use] = [:]
    let extracted = Set(queue)
    let definitions = definitions()
    var next = 0
    while next < queue.count, cameFrom[name] == nil {
      let user = queue[next]
      next += 1
      guard let cursor = definitions[user] else { continue }
      cursor.visit { child in
        guard let target = child.referenced,
          target.kind == .function || target.kind == .variable && target.isAtFileScope
        else { return true }
        let used = target.name
        if cameFrom[used] == nil, !extracted.contains(used), !boundary.contains(used) {
          let place = child.place
          cameFrom[used] = .init(name: used, user: user, file: place.file, line: place.line)
          queue.append(used)
        }
        return true
      }
    }
    var chain: [Extractor.Use] = []
    var current = name
    while let use = cameFrom[current] {
      chain.append(use)
      current = use.user
    }
    return chain
  }
}
