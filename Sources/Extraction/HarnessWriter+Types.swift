// SPDX-License-Identifier: GPL-2.0-only

/// The tables by which the runtime makes objects, see shims/runtime/objects.c.
extension HarnessWriter {
  /// What is asked for when it is first looked at, by name: behind the callees.
  var inputNames: [String] {
    guard let generated = extracted.generated else { return [] }
    let fields = generated.arguments.flatMap { $0 } + generated.types.entries.flatMap(\.fields)
    var seen: Set<String> = []
    return fields.compactMap { field in
      guard field.countValues > 1, let name = field.name, seen.insert(name).inserted else {
        return nil
      }
      return name
    }
  }

  var types: String {
    guard let generated = extracted.generated else { return "" }
    let first =
      extracted.callees.count + extracted.callbacks.count + generated.functions.count
      + (manifest.threads == nil ? 0 : 1)
    let calls = Dictionary(
      uniqueKeysWithValues: inputNames.enumerated().map { ($0.element, first + $0.offset) })
    func row(_ field: TypeTable.Field) -> String {
      let values =
        field.values.map { $0 == Int64.min ? "(-9223372036854775807LL - 1)" : "\($0)LL" }
        + field.symbols.map { "(long long)&\($0)" }
      let call = field.countValues > 1 ? field.name.flatMap { calls[$0] } : nil
      return "{ \(field.offset), \(field.count), \(field.stride), \(field.size), "
        + "\(field.kind.rawValue), \(field.bit), \(field.width), \(field.isGivenBack ? 1 : 0), \(call ?? 0xffff), "
        + "\(values.count), \(field.target), \(field.within), "
        + (values.isEmpty
          ? "0 }" : "(const long long[]){ \(values.joined(separator: ", ")) } }")
    }
    func rows(_ name: String, _ fields: [TypeTable.Field]) -> String {
      let list = fields.map { "\t\(row($0)),\n" }.joined()
      return "static const struct kshim_field \(name)[] = {\n\(list)\t{ 0 }\n};"
    }
    let arguments = generated.arguments.enumerated().map {
      rows("kshim_arguments_\($0.offset)", $0.element)
    }
    let fields = generated.types.entries.enumerated().map {
      rows("kshim_fields_\($0.offset)", $0.element.fields)
    }
    let entries = generated.types.entries.enumerated().map { number, entry in
      let home = entry.home.map { "\($0.type), \($0.within)" } ?? "KSHIM_NO_TYPE, 0"
      return
        "\t{ \(entry.size), \(entry.room), \(home), \(entry.fields.count), kshim_fields_\(number), \(entry.isPage ? 1 : 0) },"
        + "\t/* \(entry.name) */\n"
    }
    let sent = generated.sent.map { "{ \($0.size), \($0.type) }, " }.joined()
    let functions = generated.functions.indices.map { "(void *)kshim_function_\($0), " }.joined()
    return
      (arguments + fields + [
        "static const struct kshim_type kshim_type_list[] = {\n\(entries.joined())\t{ 0 }\n};",
        "static void *const kshim_function_list[] = { \(functions)0 };",
        "static const struct kshim_sent kshim_sent_list[] = { \(sent){ 0 } };",
        "static const struct kshim_types kshim_types = { kshim_type_list, kshim_function_list, kshim_sent_list };",
      ]).joined(separator: "\n")
  }
}
