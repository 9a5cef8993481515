// SPDX-License-Identifier: GPL-2.0-only

/// What callees are answered by.
extension HarnessWriter {
  var callbacks: String {
    extracted.callbacks.enumerated().map { number, callback in
      define(
        "kshim_callback_\(callback.name)", number: extracted.callees.count + number,
        Extractor.Callee(
          name: callback.name, rule: callback.rule, prototype: callback.resolved.prototype!,
          home: .sourceFile, position: 0))
    }.joined(separator: "\n") + "\n" + generatedFunctions
  }

  /// What function pointers of made objects are answered by.
  private var generatedFunctions: String {
    let first = extracted.callees.count + extracted.callbacks.count
    return (extracted.generated?.functions ?? []).enumerated().map { number, function in
      define("kshim_function_\(number)", number: first + number, function)
    }.joined(separator: "\n")
  }

  var boundary: String {
    extracted.callees.enumerated().map { number, callee in
      define(
        callee.name, number: number, callee,
        drops: extracted.generated?.drops[callee.name] ?? [])
    }.joined(separator: "\n")
  }

  /// An argument or a result as 64 bits, pointers as addresses.
  private func raw(_ value: Value, _ name: String) -> String {
    switch value.shape {
    case .void: "0"
    case .pointer: "(kshim_u64)(unsigned long)\(name)"
    case .number: "(kshim_u64)\(name)"
    case .record:
      "({ kshim_u64 v = 0; __builtin_memcpy(&v, &\(name), sizeof(\(name)) < 8 ? sizeof(\(name)) : 8); v; })"
    }
  }

  private func define(
    _ name: String, number: Int, _ callee: Extractor.Callee,
    drops: [(argument: Int, within: Int)] = []
  ) -> String {
    let (rule, prototype, home) = (callee.rule, callee.prototype, callee.home)
    let storage = home == .external ? "" : "static "
    var body: [String] = [
      "KSHIM_OBJECTS", "const kshim_u64 pc = KSHIM_PC();", "kshim_u64 value = 0;",
    ]
    let isSilent = rule.action == .ignored || rule.action == .translatesPhysical
    if !isSilent {
      let records =
        rule.records?.map { "(kshim_u64)(\($0))" }
        ?? prototype.arguments.enumerated().map { raw($1, "p\($0)") }
      let call = rule.records == nil ? "kshim_call" : "kshim_call_as"
      let kept = (records + ["0", "0", "0", "0"]).prefix(4).joined(separator: ", ")
      body.append("\(call)(\(number), \(records.count), pc, \(kept));")
      // What is not recorded may be kept all the same.
      if extracted.generated != nil {
        body += prototype.arguments.enumerated().dropFirst(4)
          .filter { $0.element.shape == .pointer && !$0.element.spelling.hasPrefix("const ") }
          .map { "kshim_hand((kshim_u64)(unsigned long)p\($0.offset));" }
      }
    }
    if let lock = rule.holds, let named = manifest.locks.first(where: { $0.name == lock }) {
      body.append("kshim_assert_held_at(&\(named.expression), 2, pc);")
    }
    switch rule.sleeps {
    case .never: break
    case .always: body.append("kshim_may_sleep_with(\(rule.allowing ?? "0"), pc);")
    case .byGFP:
      body.append(
        "if (\(gfp(prototype)) & __GFP_DIRECT_RECLAIM) kshim_may_sleep_with(\(rule.allowing ?? "0"), pc);"
      )
    }
    for one in drops {
      body.append(
        "if (p\(one.argument)) kshim_drop((const char *)p\(one.argument) + \(one.within), pc);")
    }
    if let makes = callee.makes {
      body += made(callee, makes)
    } else {
      body += action(rule, prototype)
    }
    if let sent = extracted.generated?.sent, !sent.isEmpty {
      if Uses.copies.contains(name), prototype.arguments.count > 2 {
        body.append("if (!value) kshim_sent((kshim_u64)(unsigned long)p0, (kshim_u64)p2, pc);")
      } else if Uses.duplicates.contains(name), prototype.arguments.count > 1 {
        body.append("if ((long)value > 0) kshim_sent(value, (kshim_u64)p1, pc);")
      }
    }
    if let frees = callee.frees {
      body.append("kshim_give_back((kshim_u64)(unsigned long)p\(frees), pc);")
    }
    if !callee.fills.isEmpty {
      let statements = callee.fills.map {
        "kshim_leave((void *)p\($0.argument), \($0.type), pc);"
          + (callee.isInitialiser ? " kshim_adopt((void *)p\($0.argument), \($0.type));" : "")
      }
      // Of a number that is tested with `!` nobody knows which answer says that it is done.
      let isOpen =
        rule.action == .returns(["1", "0"]) && prototype.result.canonical == "int"
      let first = rule.answers.isEmpty && !isOpen ? Self.first(rule) : nil
      let isDone =
        callee.makes != nil ? "(long)value > 0" : first.map { "value == (kshim_u64)(\($0))" } ?? "1"
      body.append("if (\(isDone)) { \(statements.joined(separator: " ")) }")
    }
    if !isSilent {
      // What is given out there is known by itself from then on.
      let out = Set(
        (extracted.generated?.pairs ?? []).filter { $0.acquires == callee.name }
          .compactMap { $0.taken.flatMap { $0 < -1 ? -2 - $0 : nil } })
      body += out.sorted().map {
        "if ((long)value >= 0 && p\($0)) kshim_gave(\($0), p\($0), (kshim_u64)(unsigned long)*p\($0));"
      }
      body.append("kshim_answer(value);")
    }
    switch prototype.result.shape {
    case .void: break
    case .pointer: body.append("return (void *)(unsigned long)value;")
    case .number: body.append("return (\(prototype.result.spelling))value;")
    case .record:
      body.append(
        "{ \(prototype.result.spelling) result; __builtin_memset(&result, 0, sizeof(result));"
          + " __builtin_memcpy(&result, &value, sizeof(result) < 8 ? sizeof(result) : 8);"
          + " return result; }")
    }
    let attribute = "__attribute__((__noinline__)) "
    let shown = home == .headerInline ? "kshim_\(name)" : name
    return attribute + storage + Self.signature(shown, prototype) + "\n{\n\t"
      + body.joined(separator: "\n\t") + "\n}\n"
  }

  /// The answer that says of no failure.
  private static func first(_ rule: Manifest.Rule) -> String? {
    if case .returns(let values) = rule.action, values.count > 1 { values[0] } else { nil }
  }

  /// A fresh object, or another answer.
  private func made(_ callee: Extractor.Callee, _ type: Int) -> [String] {
    let fresh = "value = kshim_make\(callee.isFreed ? "_own" : "")(\(type));"
    let isSame = callee.isSame && !callee.isFreed
    let make = isSame ? "if (!(value = kshim_made_before())) \(fresh)" : fresh
    guard !callee.rule.answers.isEmpty else { return [make] }
    var answers = [make] + callee.rule.answers.map { "value = (kshim_u64)(\($0));" }
    // A loop ends.
    if callee.isOfLoop, let none = callee.rule.answers.firstIndex(of: "0") {
      answers.insert(answers.remove(at: none + 1), at: 0)
    }
    let cases = answers.enumerated().map { "case \($0.offset): \($0.element) break;" }
    let choice = "switch (kshim_decide(\(answers.count))) { \(cases.joined(separator: " ")) }"
    // What was found once is there when somebody looks again.
    let isFound =
      isSame && !callee.isOfLoop && callee.prototype.arguments.count <= 4
      && Harnessing.finds(callee.name)
    return [isFound ? "if (!(value = kshim_found_before())) \(choice)" : choice]
  }

  private func action(_ rule: Manifest.Rule, _ prototype: ClangCursor.Prototype) -> [String] {
    switch rule.action {
    case .allocates(let memory, let zeroed):
      let gfp = gfp(prototype)
      let zero =
        switch zeroed {
        case .always: "1"
        case .never: "0"
        case .byGFP: "!!(\(gfp) & __GFP_ZERO)"
        }
      return [
        "value = \(allocate(rule, memory)), \(size(rule, memory)), \(zero)"
          + " | (\(gfp) & __GFP_ACCOUNT ? 2 : 0)"
          + " | (\(gfp) & (__GFP_DMA32 | __GFP_DMA) ? 4 : 0)"
          + " | (\(gfp) & __GFP_DIRECT_RECLAIM ? 8 : 0)"
          // What may not sleep fails all the same.
          + " | (~\(gfp) & (__GFP_NOFAIL | __GFP_DIRECT_RECLAIM) ? 0 : 16), pc);"
      ] + contents(rule, memory)
        + (memory == .pageStruct
          ? Self.withPageStructs(
            "if (value) value = (unsigned long)virt_to_page((void *)(unsigned long)value);") : [])
    case .frees(let memory):
      let place = "p\(rule.argument)"
      let address =
        memory == .pageStruct
        ? "\(place) ? (unsigned long)page_address(\(place)) : 0"
        : "(kshim_u64)(unsigned long)\(place)"
      let free =
        rule.of.map { "kshim_free_of((const void *)(\($0)), \(address), pc);" }
        ?? "kshim_free(\(address), \(kind(rule, memory)), \(size(rule, memory)), pc);"
      return memory == .pageStruct ? Self.withPageStructs(free) : [free]
    case .locks(let mode):
      let lock = "p\(rule.argument)"
      return answered(
        rule, before(rule) + ["kshim_lock(\(lock), \(Self.number(mode)), pc);"],
        unless: "kshim_is_locked(\(lock), \(Self.number(mode)))")
    case .unlocks(let mode):
      return ["kshim_unlock(p\(rule.argument), \(Self.number(mode)), pc);"] + after(rule)
    case .downgrades: return ["kshim_downgrade(p\(rule.argument), pc);"]
    case .enters(.srcu) where rule.of != nil:
      return ["value = kshim_enter_srcu(\(rule.of!), pc);"]
    case .enters(let context):
      return answered(rule, ["kshim_enter_context(\(Self.number(context)), pc);"], unless: "0")
    case .leaves(.srcu) where rule.of != nil:
      return ["kshim_leave_srcu(\(rule.of!), p1, pc);"]
    case .leaves(let context): return ["kshim_leave_context(\(Self.number(context)), pc);"]
    case .warns: return ["kshim_warn(0);"]
    case .returns(let values) where values.count == 1:
      return ["value = (kshim_u64)(\(values[0]));"]
    case .returns(let values):
      let cases = values.enumerated().map {
        "case \($0.offset): value = (kshim_u64)(\($0.element));"
          + "\($0.offset > 0 && rule.isGeneral ? " kshim_refuse(value);" : "") break;"
      }
      return ["switch (kshim_decide(\(values.count))) { \(cases.joined(separator: " ")) }"]
    case .makes: return []
    case .custom(let function):
      let arguments = prototype.arguments.enumerated().map { raw($0.element, "p\($0.offset)") }
      return [
        "{ const kshim_u64 p[8] = { \((arguments + ["0"]).joined(separator: ", ")) };"
          + " value = \(function)(p); }"
      ]
    case .translatesPhysical: return ["value = kshim_pa(p0, pc);"]
    case .ends(.crash): return ["kshim_gone(pc);"]
    case .ends(.wait): return ["kshim_wait(pc);"]
    case .ignored: return []
    }
  }

  /// What a lock's function does about contexts before it takes the lock.
  private func before(_ rule: Manifest.Rule) -> [String] {
    switch rule.beside {
    case .irq: ["kshim_irq_disable_at(pc);"]
    case .irqsave: ["value = kshim_irq_save_at(pc);"]
    case .bh: ["kshim_enter_context(\(Self.number(.bh)), pc);"]
    case nil: []
    }
  }

  private func after(_ rule: Manifest.Rule) -> [String] {
    switch rule.beside {
    case .irq: ["kshim_irq_restore_at(KSHIM_IRQ_ENABLE, pc);"]
    case .irqsave: ["kshim_irq_restore_at(p\(rule.argument + 1), pc);"]
    case .bh: ["kshim_leave_context(\(Self.number(.bh)), pc);"]
    case nil: []
    }
  }

  /// What is done where the first answer is given.
  private func answered(
    _ rule: Manifest.Rule, _ statements: [String], unless isRefused: String
  ) -> [String] {
    guard let first = rule.answers.first else { return statements }
    let done = statements + ["value = (kshim_u64)(\(first));"]
    guard rule.answers.count > 1 else { return done }
    let others = rule.answers.enumerated().dropFirst().map {
      "case \($0.offset): value = (kshim_u64)(\($0.element));"
        + "\(rule.isGeneral ? " kshim_refuse(value);" : "") break;"
    }
    let decision = "kshim_decide(\(rule.answers.count))"
    let choice = rule.tries ? "\(isRefused) ? \(rule.answers.count - 1) : \(decision)" : decision
    return [
      "switch (\(choice)) { case 0: \(done.joined(separator: " ")) break;"
        + " \(others.joined(separator: " ")) }"
    ]
  }

  /// What a new object holds.
  private func contents(_ rule: Manifest.Rule, _ memory: Manifest.Rule.Memory) -> [String] {
    let copies = rule.copies.map {
      "if (value) memcpy((void *)(unsigned long)value, (const void *)(\($0)), \(size(rule, memory)));"
    }
    let replaces = rule.replaces.map {
      "if (value) kshim_replace((kshim_u64)(unsigned long)(\($0)), value, \(rule.objectKind), pc);"
    }
    return [copies, replaces].compactMap(\.self)
  }

  /// A file that does not include what says where they lie has no use for them.
  private static func withPageStructs(_ statement: String) -> [String] {
    [
      "\n#if defined(vmemmap) || !defined(CONFIG_SPARSEMEM_VMEMMAP)", statement,
      "\n#else\n\tkshim_no_room();\n#endif",
    ]
  }

  /// The gfp mask: the argument of type gfp_t.
  private func gfp(_ prototype: ClangCursor.Prototype) -> String {
    prototype.arguments.firstIndex { $0.spelling == "gfp_t" }.map { "p\($0)" } ?? "0"
  }

  /// As enum kshim_memory.
  private func kind(_ rule: Manifest.Rule, _ memory: Manifest.Rule.Memory) -> Int {
    memory == .object ? rule.objectKind : 1
  }

  /// The call up to what comes first in every one.
  private func allocate(_ rule: Manifest.Rule, _ memory: Manifest.Rule.Memory) -> String {
    rule.of.map { "kshim_alloc_of((const void *)(\($0))" } ?? "kshim_alloc(\(kind(rule, memory))"
  }

  /// In bytes; what an object's release does not say is 0.
  private func size(_ rule: Manifest.Rule, _ memory: Manifest.Rule.Memory) -> String {
    if memory == .object { return "(kshim_u64)(\(rule.size ?? "0"))" }
    return rule.order.map { "PAGE_SIZE << p\($0)" } ?? "PAGE_SIZE"
  }

  /// As enum kshim_lock_mode.
  private static func number(_ mode: Manifest.Rule.Mode) -> Int {
    switch mode {
    case .read: 1
    case .write: 2
    case .mutex: 3
    case .shared: 4
    }
  }

  /// As enum kshim_context.
  private static func number(_ context: Manifest.Rule.Context) -> Int {
    Manifest.Rule.Context.allCases.firstIndex(of: context)!
  }
}
