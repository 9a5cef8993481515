// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation
import KernelSource

/// Where kshim's own files are: stub headers, stand-ins, runtime, manifests and glue.
public struct Installation: Sendable, Codable {
  /// The package's top directory, absolute.
  public let root: String
  /// A manifest outside of the package, with its glue beside it; see ``adding(manifest:)``.
  var added: Added?
  struct Added: Sendable, Codable {
    var name: String
    var path: String
  }

  /// Files with a project's own rules, as those of the services; the first that has a name wins.
  private(set) public var rules: [String] = []
  /// What of ``Suspicion/Kind/refused`` is run all the same.
  public var allowed: Set<Suspicion.Kind> = []
  /// Whether what is read is a patch's base, which need not have all that a manifest names.
  public var isOfBase = false
  /// Where what is compiled once is kept; made when it is first needed.
  public var cache = "\(KernelStore().cacheDirectory)/builds"
  /// Who writes there.
  public var keeper: any Keeper = LocalKeeper()

  private enum CodingKeys: String, CodingKey { case root, added, rules, allowed, isOfBase, cache }

  public var shims: String { "\(root)/shims" }
  public var subjects: String { "\(root)/kernel-extract/subjects" }
  public var glue: String { "\(root)/kernel-extract/glue" }
  /// Rules of what every subject may call, and the C that some of them need.
  var services: String { "\(root)/kernel-extract/services" }
  /// Where `swift test` finds what was extracted.
  public var out: String { "\(root)/kernel-extract/out" }

  public init(root: String) { self.root = root }

  /// Whether it is the package's sources, where 'swift test' runs, and not what was installed.
  public var isCheckout: Bool {
    FileManager.default.fileExists(atPath: "\(root)/Package.swift")
  }

  /// Looks in $KSHIM_ROOT, else in `share/kshim` beside the running program's `bin`, else upwards from
  /// the program.
  ///
  /// - Throws: ``Failure`` of kind tool when neither has kshim's files.
  public static func locate() throws -> Installation {
    func isRoot(_ path: String) -> Bool {
      FileManager.default.fileExists(atPath: "\(path)/shims/include/kshim_runtime.h")
    }
    if let named = ProcessInfo.processInfo.environment["KSHIM_ROOT"] {
      if isRoot(named) { return Installation(root: URL(fileURLWithPath: named).path) }
    } else {
      var path = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
      let shared = path.deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("share/kshim")
      if isRoot(shared.path) { return Installation(root: shared.path) }
      while path.path != "/" {
        path.deleteLastPathComponent()
        if isRoot(path.path) { return Installation(root: path.path) }
      }
    }
    throw Failure(
      .tool, asked: "find kshim's stub headers",
      cause:
        "there is no shims/include above the running program, and no share/kshim beside its bin",
      remedy: "set KSHIM_ROOT to the directory that kshim was cloned into, or install kshim again")
  }

  /// Options of the compiler, from a file of kernel-extract/options.
  ///
  /// - Throws: ``Failure`` of kind tool when the file is not there.
  func options(_ name: String) throws -> [String] {
    let path = "\(root)/kernel-extract/options/\(name)"
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
      throw Failure(
        .tool, asked: "compile the subject", cause: "a list of options cannot be read", place: path,
        remedy: "restore the file from kshim's repository")
    }
    return text.split(separator: "\n").map(String.init)
  }

  /// Makes the next build compile what was extracted into ``out``: a compiler's record of what a
  /// file includes says nothing of a file that was not there.
  public func announce() throws {
    for file in ["subject/subject.c", "subject/table.c", "function/subject.c", "function/table.c"] {
      try FileManager.default.setAttributes(
        [.modificationDate: Date()], ofItemAtPath: "\(root)/kernel-extract/\(file)")
    }
  }

  /// Names of all subjects, sorted.
  public func subjectNames() -> [String] {
    let files = (try? FileManager.default.contentsOfDirectory(atPath: subjects)) ?? []
    let own = files.filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }
    return Set(own + [added?.name].compactMap(\.self)).sorted()
  }

  /// Reads a subject's manifest, the services of every subject added to it.
  ///
  /// - Throws: ``Failure`` of kind request for an unknown subject or a wrong manifest.
  public func manifest(_ subject: String) throws -> Manifest {
    if let name = FunctionName(subject) {
      try refuseRuntime(name)
      return try served(Manifest(name))
    }
    let path = manifestPath(of: subject)
    guard subjectNames().contains(subject) else {
      throw Failure(
        .request, asked: "read subject \(subject)", cause: "there is no subject '\(subject)'",
        place: path,
        remedy: Nearest.remedy(
          for: subject, in: subjectNames(),
          otherwise: "use one of: \(subjectNames().joined(separator: ", "))"))
    }
    let manifest = try ReadManifests.manifest(at: path)
    if let glue = manifest.glue,
      !FileManager.default.fileExists(atPath: "\(glueDirectory(of: subject))/\(glue)")
    {
      throw Failure(
        .request, asked: "read subject \(subject)", cause: "there is no glue '\(glue)'",
        place: "\(path):\(manifest.glueLine)", remedy: "put it into \(glueDirectory(of: subject))")
    }
    return try served(manifest)
  }

  /// Refuses what the runtime defines itself: it would be there twice.
  private func refuseRuntime(_ name: FunctionName) throws {
    let text = (try? String(contentsOfFile: "\(shims)/runtime/string.c", encoding: .utf8)) ?? ""
    guard text.contains("kshim_\(name.function)(") else { return }
    throw Failure(
      .build, asked: "judge \(name)",
      cause:
        "kshim's own runtime stands for \(name.function)() in whatever is judged, so that it sees each byte that is read",
      place: name.file, remedy: "name a function that calls it")
  }

  /// The file of the services that answers a function, relative to ``root``; nil where none does.
  public func service(answering function: String) -> String? {
    let files = (try? serviceFiles("yaml")) ?? []
    return files.first { path in
      (try? ReadManifests.services(at: path))?.boundary.contains { $0.name == function } ?? false
    }.map { "kernel-extract/services/\(($0 as NSString).lastPathComponent)" }
  }

  /// The C file that a subject is about.
  public func source(of subject: String) throws -> String {
    try ReadManifests.manifest(at: manifestPath(of: subject)).source
  }

  /// With a project's own rules and the services.
  private func served(_ manifest: Manifest) throws -> Manifest {
    var manifest = manifest
    manifest.isOfBase = isOfBase
    for path in rules {
      var services = try ReadManifests.services(at: path)
      services.makeGeneral()
      manifest.add(services)
    }
    for path in try serviceFiles("yaml") {
      var services = try ReadManifests.services(at: path)
      for index in services.boundary.indices { services.boundary[index].rule.isService = true }
      for index in services.patterns.indices { services.patterns[index].rule.isService = true }
      services.makeGeneral()
      // Addresses are made with these, in the glue's macros too.
      for index in services.variables.indices
      where manifest.isFromTypes || !path.hasSuffix("/memory.yaml") {
        services.variables[index].isService = true
      }
      manifest.add(services)
    }
    // What is judged is run.
    if manifest.isFromTypes {
      let targets = Set(manifest.targets)
      manifest.boundary.removeAll { targets.contains($0.name) && $0.rule.isService }
    }
    manifest.serviceGlue = try serviceFiles("c").map { ($0 as NSString).lastPathComponent }
    return manifest
  }

  /// The same with a project's own rules, which win over the services.
  ///
  /// - Throws: ``Failure`` of kind request where a file is not there or is no file of rules.
  public func adding(rules paths: [String]) throws -> Installation {
    var installation = self
    installation.rules += paths.map { URL(fileURLWithPath: $0).standardizedFileURL.path }
    for path in installation.rules { _ = try ReadManifests.services(at: path) }
    return installation
  }

  /// Files of the services by their ending, sorted.
  func serviceFiles(_ ending: String) throws -> [String] {
    let directory = services
    guard let files = try? FileManager.default.contentsOfDirectory(atPath: directory) else {
      throw Failure(
        .tool, asked: "read the services", cause: "there is no such directory", place: directory,
        remedy: "restore it from kshim's repository")
    }
    return files.filter { $0.hasSuffix(".\(ending)") }.sorted().map { "\(directory)/\($0)" }
  }
}
