// SPDX-License-Identifier: GPL-2.0-only

/// Who calls what, and who asks whether it failed.
extension Harnessing {
  /// Names of all functions that a text calls.
  func called(by text: [ClangCursor]) -> Set<String> {
    var names: Set<String> = []
    for function in text {
      function.visit { child in
        guard let target = child.referenced else { return true }
        if target.kind == .function { names.insert(target.name) }
        if child.syntax == .call, target.isField, let owner = target.parent {
          names.insert("\(owner.name).\(target.name)")
        }
        return true
      }
    }
    return names
  }

  /// Names of all functions that a text calls, and those that functions of headers call for it.
  func calledThroughHeaders(by text: [ClangCursor]) -> Set<String> {
    var (waiting, seen, names) = (text, Set(text), Set<String>())
    while let next = waiting.popLast() {
      next.visit { child in
        guard let target = child.referenced, target.kind == .function else { return true }
        names.insert(target.name)
        if let definition = target.definition, !definition.isInMainFile,
          seen.insert(definition).inserted
        {
          waiting.append(definition)
        }
        return true
      }
    }
    return names
  }

  /// Names of what is called by functions that can say to the targets that it failed.
  func told(to targets: [ClangCursor], _ text: [ClangCursor]) -> Set<String> {
    var (waiting, seen, names) = (targets, Set(targets), Set<String>())
    while let next = waiting.popLast() {
      let called = calledThroughHeaders(by: [next])
      names.formUnion(called)
      for function in text
      where called.contains(function.name) && function.resultType.kind != .void
        && uses.isTaken(function) && seen.insert(function).inserted
      {
        waiting.append(function)
      }
    }
    return names
  }

  func unused(_ names: [String]) -> [String] {
    let used = Set(uses.answers.keys.filter(uses.isTaken).map(\.name))
    return names.filter { !used.contains($0) }
  }

  /// Callees of which others ask whether they failed: of those that can say so, and do something.
  func neglected(
    _ unused: [String], _ callees: [Extractor.Callee], _ cursors: [String: ClangCursor]
  ) -> [Generated.Neglected] {
    let unused = Set(unused)
    return callees.compactMap { callee in
      guard unused.contains(callee.name), callee.prototype.result.canonical == "int",
        case .returns(let answers) = callee.rule.action, answers.contains("\(TypeTable.eio)"),
        !Trait.gives.isOf(callee.name), !Trait.silent.isOf(callee.name),
        !Trait.tolerates.isOf(callee.name), !Trait.waits.isOf(callee.name)
      else { return nil }
      let answer = (cursors[callee.name] ?? functions[callee.name]).flatMap { uses.answers[$0] }
      let (here, dropped) = (answer?.takenElsewhere ?? 0, answer?.droppedElsewhere ?? 0)
      let others = callers.count(of: callee.name)
      guard here + others.taken > 0, here + others.taken >= dropped + others.dropped else {
        return nil
      }
      let isAlways = dropped + others.dropped == 0 && Self.acts(callee.name)
      return Generated.Neglected(
        name: callee.name, isHere: isAlways && here > 0,
        isLost: isAlways && here + others.taken >= Self.fewTakers)
    }
  }
}
