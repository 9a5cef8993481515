// SPDX-License-Identifier: GPL-2.0-only
import KernelSource

/// What a manifest says of drivers and inputs, for a domain that has no model: a text, and a
/// function that gives an input a value. Sources/Exploration/Plan.swift reads the text.
extension HarnessWriter {
  private struct Input {
    /// `slot NAME`, or `argument TARGET POSITION NAME`.
    var head: String
    var values: [String]
    /// A statement for each value.
    var statements: [String]

    /// The values as a scenario spells them: as they stand where that is one plain word.
    var spellings: [String] {
      let plain = values.map { value in
        value.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "_+-.".contains($0)) }
      }
      let isPlain = plain.allSatisfy { $0 } && Set(values).count == values.count
      return values.indices.map { isPlain ? values[$0] : "v\($0)" }
    }
  }

  private var inputs: [Input] {
    let slots = extracted.slots.filter { !$0.slot.values.isEmpty }.map { slot, resolved in
      let isInput = manifest.inputs.contains { resolved.expression.hasPrefix("in_\($0.name)[") }
      return Input(
        head: "slot \(slot.name)", values: slot.values,
        statements: slot.values.map {
          "\(resolved.expression) = \($0);\(isInput ? " kshim_bind();" : "") return 0;"
        })
    }
    let arguments = manifest.arguments.compactMap { argument -> Input? in
      guard let cursor = extracted.functions[argument.target], let prototype = cursor.prototype,
        let index = Binding.index(of: argument.name, among: cursor.arguments.map(\.name)),
        case .plain(let position) = binding(prototype).arguments[index].source
      else { return nil }
      let type = prototype.arguments[index]
      return Input(
        head: "argument \(argument.target) \(position) \(argument.name)", values: argument.values,
        statements: argument.values.map {
          type.shape == .pointer
            ? "return (kshim_u64)(unsigned long)(\($0));"
            : "return (kshim_u64)(\(type.spelling))(\($0));"
        })
    }
    return slots + arguments
  }

  private func binding(_ prototype: ClangCursor.Prototype) -> Binding {
    Binding(prototype, extracted.objects.map(\.object))
  }

  /// Types of numbers of which 0 says that it is done.
  private static let statuses: Set = ["blk_status_t", "acpi_status"]

  /// Whether a `__be32` is what a client of NFS is told.
  private var hasNFSStatus: Bool {
    extracted.pieces.contains {
      String(decoding: extracted.text[$0.range], as: UTF8.self).contains("nfserr")
    }
  }

  /// What a result says of success, see Sources/Exploration/Plan.swift.
  private func kind(_ result: ClangCursor.ValueType) -> String {
    if Self.statuses.contains(result.spelling) || result.spelling == "__be32" && hasNFSStatus {
      return "status"
    }
    return switch (result.shape, result.canonical) {
    case (.void, _): "void"
    case (.pointer, _): "pointer"
    case (.number, "int"), (.number, "long"), (.number, "long long"): "errno"
    default: "other"
    }
  }

  /// Which arguments a callee may keep or change, a bit for each.
  private static func kept(_ callee: Extractor.Callee) -> Int {
    let keeps = Trait.keeps.isOf(callee.name)
    return callee.prototype.arguments.enumerated().reduce(0) { mask, one in
      let (number, type) = one
      let isKept =
        type.shape == .pointer && number < 4
        && (!type.spelling.hasPrefix("const ") || keeps && type.spelling.hasPrefix("const void "))
      return isKept ? mask | 1 << number : mask
    }
  }

  private var lines: [String] {
    let targets = extracted.targets
    var lines = targets.map { "target \($0.name) \(kind($0.prototype.result))" }
    for target in targets {
      for (type, source) in manifest.isFromTypes ? [] : binding(target.prototype).arguments {
        guard case .plain(let position) = source, type.shape == .pointer else { continue }
        let makers = targets.filter {
          $0.prototype.result.shape == .pointer && $0.prototype.result.pointee == type.pointee
            && type.pointee.contains("struct ")
        }
        if !makers.isEmpty {
          lines.append(
            "result \(target.name) \(position) \(makers.map(\.name).joined(separator: " "))")
        }
      }
    }
    lines += inputs.map { "\($0.head) = \($0.spellings.joined(separator: " "))" }
    if let generated = extracted.generated {
      lines.append(
        "inputs \(extracted.callees.count + extracted.callbacks.count + generated.functions.count)")
      lines +=
        (generated.callees + generated.functions).map {
          "unknown \($0.name) \(Self.kept($0))"
        }
        // What gives something away for good.
        + extracted.callees.filter { callee in
          callee.prototype.result.shape == .void && callee.rule.isService
            && !generated.callees.contains { $0.name == callee.name }
        }.map { "unknown \($0.name) \(Self.kept($0))" }
        + generated.unused.map { "unused \($0)" }
        + generated.neglected.map {
          "neglected \($0.name)\($0.isHere ? " here" : "")\($0.isLost ? " lost" : "")"
        } + generated.stores.map { "stores \($0)" }
        + generated.mute.filter(Set((extracted.callees + generated.functions).map(\.name)).contains)
        .map { "mute \($0)" }
      let names =
        (extracted.callees.map(\.name) + extracted.callbacks.map(\.name)
          + generated.functions.map(\.name))
      lines += Trait.allCases.map { trait in
        (["trait", trait.rawValue] + names.filter(trait.isOf)).joined(separator: " ")
      }
      let text = extracted.pieces.filter { !$0.functions.isEmpty }
        .map { String(bytes: extracted.text[$0.range]) }.joined()
      let errnos = Set(text.matches(of: /\bE[A-Z0-9]{2,}\b/).map { String($0.output) })
      lines.append((["errnos"] + errnos.sorted()).joined(separator: " "))
      lines += generated.pairs.map { pair in
        "pair \(pair.acquires) \(pair.releases) \(pair.taken.map(String.init) ?? "none")"
          + " \(pair.given.map(String.init) ?? "none") \(pair.count.map(String.init) ?? "none")"
          + (pair.isLoose ? pair.isLearned ? " learned" : " loose" : "")
          + (pair.isPart ? " part" : pair.isMiscounted ? " miscounted" : "")
      }
    }
    lines += (extracted.generated?.within ?? []).map { "within \($0)" }
    if let bound = manifest.bound { lines.append("bound \(bound)") }
    let there = Set(targets.map(\.name))
    for driver in manifest.allDrivers where there.isSuperset(of: driver.calls) {
      lines.append("driver \(driver.name) \(driver.calls.joined(separator: " "))")
    }
    return lines
  }

  var plan: String {
    let cases = inputs.enumerated().map { number, input in
      let values = input.statements.enumerated().map { "case \($0.offset): \($0.element)" }
      return "\tcase \(number): switch (value) { \(values.joined(separator: " ")) } break;"
    }
    return """
      const char kshim_unit_plan[] = "\(lines.joined(separator: "\\n"))";
      static kshim_u64 kshim_choose(unsigned input, unsigned value)
      {
      \tKSHIM_OBJECTS
      \tswitch (input) {
      \(cases.joined(separator: "\n"))
      \t}
      \t__builtin_trap();
      }
      kshim_u64 kshim_unit_choose(unsigned input, unsigned value)
      {
      \tkshim_attach(&kshim_harness);
      \treturn kshim_choose(input, value);
      }
      """
  }
}
