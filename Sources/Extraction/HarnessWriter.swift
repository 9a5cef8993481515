// SPDX-License-Identifier: GPL-2.0-only

/// Generates the C around the extracted text: objects, accessors of the slots, the boundary.
struct HarnessWriter {
  /// How `#line` calls what is generated.
  static let fileName = "kshim-harness"
  static let exportedNames =
    [
      "reset", "set", "get", "peek", "address", "prepare", "slots", "calls", "entries", "locks",
      "prepares",
      "slot_sizes", "voids", "counts", "identity", "plan", "choose",
    ].map { "kshim_unit_\($0)" }

  let manifest: Manifest
  let extracted: Extractor.Result
  let textSHA256: String

  private typealias Value = ClangCursor.ValueType

  // MARK: Before the extracted text

  /// Prototypes of the callees that the extracted text must find already declared, each with its
  /// place in the source file.
  var declarations: [(position: Int, text: String)] {
    extracted.callees.filter { $0.home != .external }.map { callee in
      let rename =
        callee.home == .headerInline ? "#define \(callee.name) kshim_\(callee.name)\n" : ""
      return (
        callee.position, rename + "static \(Self.signature(callee.name, callee.prototype));\n"
      )
    }
  }

  /// The function's head, parameters named `p0`, `p1`, …
  static func signature(_ name: String, _ prototype: ClangCursor.Prototype) -> String {
    var parameters = prototype.arguments.enumerated().map { declare($0.element, "p\($0.offset)") }
    if prototype.isVariadic { parameters.append("...") }
    if parameters.isEmpty { parameters = ["void"] }
    return declare(prototype.result, "\(name)(\(parameters.joined(separator: ", ")))")
  }

  /// `T name`, also for arrays and pointers to functions, whose name stands inside.
  private static func declare(_ value: Value, _ name: String) -> String {
    declare(value.spelling, name)
  }

  /// What an argument of a type is.
  static func decayed(_ type: String) -> String {
    guard let open = type.firstIndex(of: "["), !type.contains("(*"),
      let close = type[open...].firstIndex(of: "]")
    else { return type }
    let rest = type[type.index(after: close)...]
    return type[..<open] + (rest.isEmpty ? "*" : " (*)\(rest)")
  }

  private static func declare(_ type: String, _ name: String) -> String {
    if let star = type.range(of: "(*)") {
      return type.replacingCharacters(in: star, with: "(*\(name))")
    }
    if let bracket = type.firstIndex(of: "[") {
      return type[..<bracket] + " " + name + type[bracket...]
    }
    return "\(type) \(name)"
  }

  // MARK: Behind it

  /// Bytes of the running thread, more than any kernel's struct task_struct has.
  private static let taskSize = 16384

  var definitions: String {
    [
      // What the text calls by another name.
      (extracted.generated?.callees ?? []).filter { $0.home == .external }
        .map { "#undef \($0.name)\n" }.joined(),
      "#pragma clang attribute push(__attribute__((no_sanitize(\"coverage\"))), apply_to = function)",
      state, sections, slotNumbers,
      "static void kshim_set(unsigned slot, unsigned index, kshim_u64 value);",
      "static kshim_u64 kshim_get(unsigned slot, unsigned index);",
      manifest.glue.map { "#include \"\($0)\"\n#line 1000 \"\(Self.fileName)\"" } ?? "",
      services, callbacks, boundary, types, binding, accessors, entries, plan, tables,
      "#pragma clang attribute pop",
    ].joined(separator: "\n")
  }

  private var hasServiceGlue: Bool { extracted.callees.contains(where: \.rule.usesServiceGlue) }

  /// The services' own C, where a callee needs it.
  private var services: String {
    guard hasServiceGlue else { return "" }
    return manifest.serviceGlue.map { "#include \"services/\($0)\"\n" }.joined()
      + "#line 2000 \"\(Self.fileName)\""
  }

  private var state: String {
    let own = extracted.objects.filter { $0.expression == nil }
    let objects = own.map { "static \($0.object.type) kshim_object_\($0.object.name);" }
    let inputs = manifest.inputs.map { "static kshim_u64 in_\($0.name)[\($0.count)];" }
    let remembered = manifest.state.map { "static \($0.type) \($0.name)[\($0.count)];" }
    let variables = extracted.variables.map { variable in
      let type = variable.type.contains("[") ? "__typeof__(\(variable.name))" : variable.type
      return variable.type.contains("[]")
        ? Self.declare(variable.type.replacing("[]", with: "[64]"), variable.name) + ";"
        : "\(type) \(variable.name);"
    }
    let opaque = (extracted.generated?.opaque ?? []).map {
      "__asm__(\".pushsection kshim_bss,\\\"aw\\\",@nobits\\n.balign 64\\n.hidden \($0)\\n"
        + ".globl \($0)\\n\($0):\\n.zero 4096\\n.popsection\");"
    }
    let locals = extracted.objects.map { entry in
      let at = entry.expression ?? "&kshim_object_\(entry.object.name)"
      return "\(entry.object.type) *const \(entry.object.name) = \(at); (void)\(entry.object.name);"
    }
    return
      (objects + inputs + remembered + variables + opaque + [
        "unsigned char kshim_task[\(Self.taskSize)] __attribute__((aligned(64)));",
        "#define KSHIM_OBJECTS \(locals.joined(separator: " "))",
      ])
      .joined(separator: "\n")
  }

  /// What of the task's state is a section: page faults off, and how memory is allocated.
  private var sections: String {
    """
    __attribute__((no_sanitize("kernel-address"), unused)) static kshim_u64 kshim_sections(void)
    {
    #if defined(_LINUX_SCHED_H) && defined(PF_MEMALLOC)
    \tunsigned flags = PF_MEMALLOC | PF_MEMALLOC_NOFS | PF_MEMALLOC_NOIO;
    #ifdef PF_MEMALLOC_PIN
    \tflags |= PF_MEMALLOC_PIN;
    #endif
    \treturn (kshim_u64)(unsigned)current->pagefault_disabled << 32 | (current->flags & flags);
    #else
    \treturn 0;
    #endif
    }
    """
  }

  private var slotNumbers: String {
    extracted.slots.enumerated().map { "#define KSHIM_SLOT_\($0.element.slot.name) \($0.offset)" }
      .joined(separator: "\n")
  }

  private var callbacks: String {
    extracted.callbacks.enumerated().map { number, callback in
      define(
        "kshim_callback_\(callback.name)", number: extracted.callees.count + number,
        callback.resolved.prototype!, callback.rule)
    }.joined(separator: "\n") + "\n" + generatedFunctions
  }

  /// What function pointers of made objects are answered by.
  private var generatedFunctions: String {
    let first = extracted.callees.count + extracted.callbacks.count
    return (extracted.generated?.functions ?? []).enumerated().map { number, function in
      define(
        "kshim_function_\(number)", number: first + number, function.prototype, function.rule,
        home: .sourceFile, fills: function.fills, makes: function.makes,
        isFreed: function.isFreed, frees: function.frees)
    }.joined(separator: "\n")
  }

  private var boundary: String {
    extracted.callees.enumerated().map { number, callee in
      define(
        callee.name, number: number, callee.prototype, callee.rule, home: callee.home,
        fills: callee.fills, isInitialiser: callee.isInitialiser,
        drops: extracted.generated?.drops[callee.name] ?? [], makes: callee.makes,
        isSame: callee.isSame, isFreed: callee.isFreed, frees: callee.frees)
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
    _ name: String, number: Int, _ prototype: ClangCursor.Prototype, _ rule: Manifest.Rule,
    home: Extractor.Callee.Home = .sourceFile, fills: [(argument: Int, type: Int)] = [],
    isInitialiser: Bool = false, drops: [(argument: Int, within: Int)] = [], makes: Int? = nil,
    isSame: Bool = false,
    isFreed: Bool = false, frees: Int? = nil
  ) -> String {
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
    if let makes {
      body += made(rule, makes, isSame: isSame, isFreed: isFreed)
    } else {
      body += action(rule, prototype)
    }
    if let frees { body.append("kshim_give_back((kshim_u64)(unsigned long)p\(frees), pc);") }
    if !fills.isEmpty {
      let statements = fills.map {
        "kshim_leave((void *)p\($0.argument), \($0.type), pc);"
          + (isInitialiser ? " kshim_adopt((void *)p\($0.argument), \($0.type));" : "")
      }
      // Of a number that is tested with `!` nobody knows which answer says that it is done.
      let isOpen =
        rule.action == .returns(["1", "0"]) && prototype.result.canonical == "int"
      let first = rule.answers.isEmpty && !isOpen ? Self.first(rule) : nil
      let isDone =
        makes != nil ? "(long)value > 0" : first.map { "value == (kshim_u64)(\($0))" } ?? "1"
      body.append("if (\(isDone)) { \(statements.joined(separator: " ")) }")
    }
    if !isSilent {
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
  private func made(
    _ rule: Manifest.Rule, _ type: Int, isSame: Bool, isFreed: Bool
  ) -> [String] {
    let make = "value = kshim_make\(isFreed ? "_own" : isSame ? "_again" : "")(\(type));"
    guard !rule.answers.isEmpty else { return [make] }
    let others = rule.answers.enumerated().map {
      "case \($0.offset + 1): value = (kshim_u64)(\($0.element)); break;"
    }
    return [
      "switch (kshim_decide(\(rule.answers.count + 1))) { case 0: \(make) break;"
        + " \(others.joined(separator: " ")) }"
    ]
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
    case .ends(.wait): return ["kshim_no_room();"]
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

  private var binding: String {
    let own =
      extracted.objects.filter { $0.expression == nil }.map { "kshim_object_\($0.object.name)" }
      + manifest.state.map(\.name)
    let names = own.enumerated().map {
      "kshim_name_object(\($0.offset), &\($0.element), sizeof(\($0.element)));"
    }
    let locks = manifest.locks.enumerated().map {
      "kshim_name_lock(\($0.offset), &\($0.element.expression));"
    }
    let variables =
      extracted.variables.filter { $0.value != "{}" && !$0.value.isEmpty }
      .map { "\($0.name) = \($0.value);" }
      + extracted.caches.map {
        "if (!\($0)) \($0) = (void *)(unsigned long)kshim_boot_object(64);"
      }
    let regions = (extracted.generated?.regions ?? []).map {
      "kshim_region((void *)&\($0.name), sizeof(\($0.name)), \($0.type));"
    }
    let binds = extracted.bindings.map { "\($0.to) = \($0.value);" }
    let callbacks = extracted.callbacks.map {
      "\($0.resolved.expression) = kshim_callback_\($0.name);"
    }
    return """
      static void kshim_bind(void)
      {
      \tKSHIM_OBJECTS
      \t\((binds + callbacks).joined(separator: "\n\t"))
      }
      \(thread)
      static void kshim_prepare(void)
      {
      \tKSHIM_OBJECTS
      \t\((variables + regions + names + locks).joined(separator: "\n\t"))
      \t\(bindAll)
      }
      """
  }

  /// Each thread has objects of its own.
  private var bindAll: String {
    guard let threads = manifest.threads else { return "kshim_bind();" }
    return "for (unsigned n = \(threads.count); n--; ) { kshim_thread(n); kshim_bind(); }"
  }

  /// Says which thread runs. No write of the subject's, so not one that the world logs.
  private var thread: String {
    guard let threads = manifest.threads else { return "" }
    return """
      __attribute__((no_sanitize("kernel-address"))) static void kshim_thread(unsigned number)
      {
      \tin_\(threads.input)[0] = number;
      }
      """
  }

  /// Number of the decision to let another thread go on, behind those of the callees.
  private var switchCall: Int {
    extracted.callees.count + extracted.callbacks.count
      + (extracted.generated?.functions.count ?? 0)
  }

  private var accessors: String {
    func cases(_ statement: (Extractor.Resolved) -> String) -> String {
      extracted.slots.enumerated().map { number, entry in
        let guarded = entry.slot.count
        return "\tcase \(number): if (i >= \(guarded)) break; \(statement(entry.resolved))"
      }.joined(separator: "\n")
    }
    func accessor(_ head: String, _ body: String) -> String {
      "\(head)\n{\n\tKSHIM_OBJECTS\n\tconst unsigned i = index;\n\tswitch (slot) {\n\(body)\n\t}\n\t__builtin_trap();\n}\n"
    }
    let sets = cases { resolved in
      let value =
        resolved.type.shape == .pointer ? "(void *)(unsigned long)kshim_va(value)" : "value"
      let isInput = manifest.inputs.contains { resolved.expression.hasPrefix("in_\($0.name)[") }
      let rebind = isInput ? " kshim_bind();" : ""
      return "\(resolved.expression) = \(value);\(rebind) return;"
    }
    let gets = cases { resolved in
      resolved.type.shape == .pointer
        ? "return kshim_symbol((unsigned long)\(resolved.expression));"
        : "return (kshim_u64)\(resolved.expression);"
    }
    let addresses = cases { resolved in
      resolved.isBitField
        ? "return 0;" : "return (kshim_u64)(unsigned long)&\(resolved.expression);"
    }
    let silent = "__attribute__((no_sanitize(\"kernel-address\")))\n"
    return accessor("static void kshim_set(unsigned slot, unsigned index, kshim_u64 value)", sets)
      + accessor("static kshim_u64 kshim_get(unsigned slot, unsigned index)", gets)
      // Without instruments nothing is asked.
      + silent + accessor("kshim_u64 kshim_unit_peek(unsigned slot, unsigned index)", gets)
      + silent
      + accessor("kshim_u64 kshim_unit_address(unsigned slot, unsigned index)", addresses)
      + "static const struct kshim_harness kshim_harness;\n"
      + "void kshim_unit_set(unsigned slot, unsigned index, kshim_u64 value) "
      + "{ kshim_attach(&kshim_harness); kshim_set(slot, index, value); }\n"
      + "kshim_u64 kshim_unit_get(unsigned slot, unsigned index) "
      + "{ kshim_attach(&kshim_harness); return kshim_get(slot, index); }\n"
  }

  private var entries: String {
    let calls = extracted.targets.enumerated().map { number, target in
      if let generated = extracted.generated {
        return Self.entry(number, target, generated.arguments[number])
      }
      let arguments = Binding(target.prototype, extracted.objects.map(\.object)).arguments.map {
        switch $0.source {
        case .object(let name): name
        case .plain(let position): "(\($0.type.spelling))args[\(position)]"
        }
      }
      let call = "\(target.name)(\(arguments.joined(separator: ", ")))"
      switch target.prototype.result.shape {
      case .void: return "\tcase \(number): \(call); return 0;"
      case .pointer: return "\tcase \(number): return (kshim_u64)(unsigned long)\(call);"
      default: return "\tcase \(number): return (kshim_u64)\(call);"
      }
    }
    let helpers = manifest.prepares.enumerated().map {
      "\tcase \($0.offset): return \($0.element)(args);"
    }
    return """
      static const unsigned char kshim_pointers[] = { \(extracted.targets.map { $0.prototype.result.shape == .pointer ? "1, " : "0, " }.joined())0 };
      static kshim_u64 kshim_enter(unsigned entry, const kshim_u64 *args)
      {
      \tKSHIM_OBJECTS
      \tswitch (entry) {
      \(calls.joined(separator: "\n"))
      \t}
      \t__builtin_trap();
      }
      kshim_u64 kshim_unit_prepare(unsigned helper, const kshim_u64 *args)
      {
      \tkshim_attach(&kshim_harness);
      \tswitch (helper) {
      \(helpers.joined(separator: "\n"))
      \t}
      \t__builtin_trap();
      }
      static const struct kshim_harness kshim_harness = {
      \t.prepare = kshim_prepare, .enter = kshim_enter,
      \t.threads = \(manifest.threads?.count ?? 1), .switch_call = \(switchCall),
      \t.thread = \(manifest.threads == nil ? "0" : "kshim_thread"),
      \t.pointers = kshim_pointers,
      \t.types = \(extracted.generated == nil ? "0" : "&kshim_types"),
      \t.objects = \(extracted.objects.count { $0.expression == nil }), .sections = kshim_sections,
      \t\(serviceTables)
      };
      void kshim_unit_reset(const unsigned char *choices, unsigned count)
      {
      \tkshim_attach(&kshim_harness);
      \tkshim_reset(choices, count);
      }
      """
  }

  /// Arguments are made before the call, in their order.
  private static func entry(
    _ number: Int, _ target: (name: String, prototype: ClangCursor.Prototype),
    _ arguments: [TypeTable.Field]
  ) -> String {
    let values = arguments.indices.map {
      "const kshim_u64 a\($0) = kshim_value(&kshim_arguments_\(number)[\($0)]);"
    }
    let given = zip(arguments.indices, target.prototype.arguments).map {
      $0.1.shape == .record
        ? "({ \($0.1.spelling) none; __builtin_memset(&none, 0, sizeof(none)); none; })"
        : "(\(Self.decayed($0.1.spelling)))a\($0.0)"
    }
    let call = "\(target.name)(\(given.joined(separator: ", ")))"
    let result =
      switch target.prototype.result.shape {
      case .void: "\(call); return 0;"
      case .pointer: "return (kshim_u64)(unsigned long)\(call);"
      case .record: "(void)\(call); return 0;"
      case .number: "return (kshim_u64)\(call);"
      }
    return "\tcase \(number): { \(values.joined(separator: " ")) \(result) }"
  }

  private var serviceTables: String {
    hasServiceGlue
      ? """
      .numbers = service_entries, .number_count = SERVICE_ENTRIES,
      \t.armed = service_armed, .armed_count = SERVICE_KEPT,
      """ : ""
  }

  private var tables: String {
    func names(_ array: String, _ list: [String]) -> String {
      let quoted = (list + [""]).map { "\"\($0)\"" }.joined(separator: ", ")
      return "const char *const kshim_unit_\(array)[] = { \(quoted) };"
    }
    let calls =
      extracted.callees.map(\.name) + extracted.callbacks.map(\.name)
      + (extracted.generated?.functions ?? []).map(\.name)
      + (manifest.threads == nil ? [] : ["switch"]) + inputNames
    let slots = extracted.slots.map(\.slot)
    let counts = [
      slots.count, calls.count, extracted.targets.count, manifest.locks.count,
      manifest.prepares.count, manifest.threads?.count ?? 1,
    ]
    return [
      names("slots", slots.map(\.name)), names("calls", calls),
      names("entries", extracted.targets.map(\.name)), names("locks", manifest.locks.map(\.name)),
      names("prepares", manifest.prepares),
      "const unsigned char kshim_unit_voids[] = { "
        + extracted.targets.map { $0.prototype.result.shape == .void ? "1, " : "0, " }.joined()
        + "0 };",
      "const unsigned kshim_unit_slot_sizes[] = { \((slots.map { "\($0.count)" } + ["0"]).joined(separator: ", ")) };",
      "const unsigned kshim_unit_counts[6] = { \(counts.map(String.init).joined(separator: ", ")) };",
      "const char *const kshim_unit_identity[3] = { \"\(manifest.subject)\", \"\(textSHA256)\", \"\(manifest.threads?.input ?? "")\" };",
    ].joined(separator: "\n")
  }
}
