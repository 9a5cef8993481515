// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation
import KernelSource

/// `FILE:FUNCTION`, a function that no manifest describes.
public struct FunctionName: Sendable, Hashable, Codable, CustomStringConvertible {
  public var file: String
  public var function: String

  public init(file: String, function: String) {
    self.file = file
    self.function = function
  }

  /// nil where it is the name of something else.
  public init?(_ spelling: String) {
    guard let colon = spelling.lastIndex(of: ":") else { return nil }
    file = String(spelling[..<colon])
    while file.hasPrefix("./") { file.removeFirst(2) }
    function = String(spelling[spelling.index(after: colon)...])
    guard !file.isEmpty, !function.isEmpty else { return nil }
  }

  public var description: String { "\(file):\(function)" }

  /// Whether it is of a program that the tree holds beside the kernel.
  public var isOfProgram: Bool {
    file.split(separator: "/").first.map { ["tools", "scripts", "usr"].contains($0) } ?? false
  }

  /// What of a kernel must be there to read it, as far as what is there tells: its folder, those above
  /// for their makefiles, and what is included.
  public func needs(in tree: KernelTree) -> [String] {
    let parts = file.split(separator: "/")
    guard !file.hasPrefix("/"), !parts.contains(".."), !isOfProgram else { return [] }
    var folder = (file as NSString).deletingLastPathComponent
    var needed = [folder.isEmpty ? file : folder]
    while true {
      folder = (folder as NSString).deletingLastPathComponent
      guard !folder.isEmpty else { break }
      needed.append("\(folder)/*")
    }
    let revision = Revision(alone: tree)
    let include = Makefile(of: file, in: revision).include
    var seen: Set = [file]
    var waiting = [file]
    while let next = waiting.popLast() {
      guard let text = FileManager.default.contents(atPath: "\(tree.directory)/\(next)") else {
        continue
      }
      let own = (next as NSString).deletingLastPathComponent
      for (name, isQuoted) in Makefile.included(by: text) {
        let places = ((isQuoted ? [own] : []) + include).map { Makefile.joined($0, name) }
        let found = places.first {
          FileManager.default.fileExists(atPath: "\(tree.directory)/\($0)")
        }
        if let found {
          if !found.hasPrefix("include/"), seen.insert(found).inserted { waiting.append(found) }
        } else if isQuoted || !include.isEmpty {
          needed += places.filter { !$0.hasPrefix("include/") && $0.contains("/") }
            .map { ($0 as NSString).deletingLastPathComponent + "/*" }
        }
      }
    }
    return Set(needed).sorted()
  }
}

extension Manifest {
  /// How many answers of a run are not the ordinary ones, where nothing else is said.
  static let bound = 3

  /// Of a function that no manifest describes: all comes from the types.
  init(_ name: FunctionName) {
    self.init(
      subject: "\(name)", title: "\(name.function) of \(name.file)", source: name.file, since: nil,
      include: [], targets: [name.function], optionalTargets: [], extract: [], objects: [],
      inputs: [], threads: nil, state: [], bindings: [], locks: [], slots: [], glue: nil,
      prepares: [], callbacks: [], boundary: [], variables: [], path: "\(name)")
    isFromTypes = true
    bound = Self.bound
  }
}
