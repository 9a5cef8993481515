// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation

/// Where each argument of a target comes from: an object of its type, the first such argument from
/// the first such object; all others come from the scenario.
struct Binding {
  enum Source: Equatable {
    case object(String)
    /// Its number among those that are no objects.
    case plain(Int)
  }

  /// As `KSHIM_MAX_ARGS` of shims/public/kshim.h.
  static let mostPlain = 8

  private(set) var arguments: [(type: ClangCursor.ValueType, source: Source)] = []
  /// The types of which there are fewer objects than arguments, with both counts.
  private(set) var lacking: [(type: String, objects: Int, arguments: Int)] = []
  private(set) var plainCount = 0

  init(_ prototype: ClangCursor.Prototype, _ objects: [Manifest.Object]) {
    let named = Dictionary(
      grouping: objects, by: { Self.type(of: $0, among: prototype.arguments) }
    ).mapValues { $0.map(\.name) }
    var used: [String: Int] = [:]
    for type in prototype.arguments {
      if type.shape == .pointer, let names = named[type.pointee] {
        let number = used[type.pointee, default: 0]
        used[type.pointee] = number + 1
        arguments.append((type, .object(names[min(number, names.count - 1)])))
      } else {
        arguments.append((type, .plain(plainCount)))
        plainCount += 1
      }
    }
    lacking = used.compactMap { type, count in
      let objects = named[type]!.count
      return count > objects ? (type, objects, count) : nil
    }.sorted { $0.type < $1.type }
  }

  /// An object's type as the compiler calls it, where it has the name that an argument's has in the text.
  private static func type(
    of object: Manifest.Object, among arguments: [ClangCursor.ValueType]
  ) -> String {
    arguments.first { argument in
      ["", "const "].contains { "\($0)\(object.type) *" == argument.spelling }
    }?.pointee ?? object.type
  }

  /// Number of an argument by its name or its number from 0.
  static func index(of name: String, among names: [String]) -> Int? {
    names.firstIndex(of: name)
      ?? Int(name).flatMap { names.indices.contains($0) ? $0 : nil }
  }
}

extension Extractor {
  /// As `KSHIM_MAX_INPUTS` of shims/public/kshim.h.
  private static let mostInputs = 32

  /// Refuses targets that cannot be called with what the manifest has.
  func check(
    _ targets: [(name: String, cursor: ClangCursor)], _ objects: [Manifest.Object]
  ) throws {
    func wrong(_ cause: String, line: Int?, _ remedy: String) -> Failure {
      Failure(
        .request, asked: "extract \(manifest.subject) from \(revision.tree.spec)", cause: cause,
        place: line.map { "\(manifest.path):\($0)" } ?? manifest.path, remedy: remedy)
    }
    // Quoted names are looked for beside the source first.
    let folder = (manifest.source as NSString).deletingLastPathComponent
    if let glue = manifest.glue, !glue.contains("/"),
      FileManager.default.fileExists(atPath: "\(revision.tree.directory)/\(folder)/\(glue)")
    {
      throw wrong(
        "the glue '\(glue)' has the name of a file beside \(manifest.source)", line: nil,
        "give it another name")
    }
    for (name, cursor) in targets {
      let binding = Binding(cursor.prototype!, objects)
      if let first = binding.lacking.first {
        let object = objects.first { $0.type == first.type }
        throw wrong(
          "\(name) has \(first.arguments) arguments of type '\(first.type) *', and 'objects:' only "
            + "\(first.objects)", line: object?.line,
          "add an object for each; the first argument gets the first of them")
      }
      guard binding.plainCount <= Binding.mostPlain else {
        throw wrong(
          "\(name) has \(binding.plainCount) arguments that are no objects, more than "
            + "\(Binding.mostPlain)", line: nil, "name an object for its pointers under 'objects:'")
      }
      let names = cursor.arguments.map(\.name)
      for argument in manifest.arguments where argument.target == name {
        guard let index = Binding.index(of: argument.name, among: names) else {
          throw wrong(
            "\(name) has no argument '\(argument.name)'", line: argument.line,
            "use one of: \(names.joined(separator: ", "))")
        }
        if case .object(let object) = binding.arguments[index].source {
          throw wrong(
            "argument '\(argument.name)' of \(name) is the object '\(object)'",
            line: argument.line, "give values to slots of it instead")
        }
      }
    }
    let slots = manifest.slots.count { $0.values.count > 1 }
    for driver in manifest.allDrivers {
      let count =
        slots
        + manifest.arguments.count { $0.values.count > 1 && driver.calls.contains($0.target) }
      guard count <= Self.mostInputs else {
        throw wrong(
          "driver '\(driver.name)' has \(count) inputs, more than \(Self.mostInputs)",
          line: driver.line, "give values to fewer slots and arguments")
      }
    }
  }
}

extension Manifest {
  /// The drivers, and each target that none of them calls, alone.
  var allDrivers: [Driver] {
    let called = Set(drivers.flatMap(\.calls))
    return (targets + optionalTargets).filter { !called.contains($0) }
      .map { Driver(name: $0, calls: [$0], line: 1) } + drivers
  }
}
