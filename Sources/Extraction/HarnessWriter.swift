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

  typealias Value = ClangCursor.ValueType

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
    // What clang itself knows is spelled by its own name.
    declare(isArgumentList(value) ? "__builtin_va_list" : value.spelling, name)
  }

  /// A `va_list`.
  private static func isArgumentList(_ value: Value) -> Bool {
    ["struct __va_list_tag[1]", "struct __va_list_tag *"].contains(value.canonical)
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
    func accessor(
      _ head: String, ofParts: Bool, _ statement: (Extractor.Resolved) -> String
    ) -> String {
      let cases = extracted.slots.enumerated().compactMap { number, entry -> String? in
        guard !ofParts || entry.resolved.isPart else { return nil }
        return
          "\tcase \(number): if (i >= \(entry.slot.count)) break; \(statement(entry.resolved))\n"
      }
      return "\(head)\n{\n\tKSHIM_OBJECTS\n\tswitch (slot) {\n\(cases.joined())\t}\n"
        + "\t__builtin_trap();\n}\n"
    }
    let places = accessor(
      "static struct kshim_place kshim_place(unsigned slot, unsigned i)", ofParts: false
    ) {
      if $0.isPart { return "return (struct kshim_place){ 0, 0 };" }
      let (lvalue, isInput) = ($0.expression, isInput($0))
      return $0.type.shape == .pointer
        ? "return KSHIM_PLACE(\(lvalue), KSHIM_PLACE_POINTER);"
        : "return KSHIM_PLACE_NUMBER(\(lvalue), \(isInput ? "KSHIM_PLACE_INPUT" : "0"));"
    }
    func get(_ slot: Extractor.Resolved) -> String {
      slot.type.shape == .pointer
        ? "return kshim_symbol((unsigned long)\(slot.expression));"
        : "return (kshim_u64)\(slot.expression);"
    }
    let gets = accessor(
      "static kshim_u64 kshim_get_part(unsigned slot, unsigned i)", ofParts: true, get)
    // Without instruments nothing is asked.
    let peeks =
      "__attribute__((no_sanitize(\"kernel-address\")))\n"
      + accessor("kshim_u64 kshim_unit_peek(unsigned slot, unsigned i)", ofParts: false, get)
    let sets = accessor(
      "static void kshim_set_part(unsigned slot, unsigned i, kshim_u64 value)", ofParts: true
    ) {
      let value = $0.type.shape == .pointer ? "(void *)(unsigned long)kshim_va(value)" : "value"
      return "\($0.expression) = \(value); return;"
    }
    return places + gets + peeks + sets + """
      static kshim_u64 kshim_get(unsigned slot, unsigned index)
      {
      \tconst struct kshim_place place = kshim_place(slot, index);
      \treturn place.address ? kshim_look(place) : kshim_get_part(slot, index);
      }
      static void kshim_set(unsigned slot, unsigned index, kshim_u64 value)
      {
      \tconst struct kshim_place place = kshim_place(slot, index);
      \tif (place.address) kshim_put(place, value); else kshim_set_part(slot, index, value);
      \tif (place.kind & KSHIM_PLACE_INPUT) kshim_bind();
      }
      static const struct kshim_harness kshim_harness;
      void kshim_unit_set(unsigned slot, unsigned index, kshim_u64 value)
      {
      \tkshim_attach(&kshim_harness);
      \tkshim_set(slot, index, value);
      }
      kshim_u64 kshim_unit_get(unsigned slot, unsigned index)
      {
      \tkshim_attach(&kshim_harness);
      \treturn kshim_get(slot, index);
      }
      __attribute__((no_sanitize("kernel-address")))
      kshim_u64 kshim_unit_address(unsigned slot, unsigned index)
      {
      \tkshim_is_peeking = 1;
      \tconst struct kshim_place place = kshim_place(slot, index);
      \tkshim_is_peeking = 0;
      \treturn (kshim_u64)(unsigned long)place.address;
      }

      """
  }

  private func isInput(_ slot: Extractor.Resolved) -> Bool {
    manifest.inputs.contains { slot.expression.hasPrefix("in_\($0.name)[") }
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
    let values = zip(arguments.indices, target.prototype.arguments).map { index, argument in
      isArgumentList(argument)
        // Behind the registers' part of a list the stack's follows: there everything is 0.
        ? "kshim_u64 n\(index)[64] = { 0 }; __builtin_va_list a\(index) = "
          + "{ { .gp_offset = 48, .fp_offset = 304, .overflow_arg_area = n\(index) } };"
        : "const kshim_u64 a\(index) = kshim_value(&kshim_arguments_\(number)[\(index)]);"
    }
    let given = zip(arguments.indices, target.prototype.arguments).map { index, argument in
      if isArgumentList(argument) { return "a\(index)" }
      return argument.shape == .record
        ? "({ \(argument.spelling) none; __builtin_memset(&none, 0, sizeof(none)); none; })"
        : "(\(decayed(argument.spelling)))a\(index)"
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
