// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation

/// What the compiler said, told in the reader's places: the kernel's file and line, the manifest,
/// the glue; never a temporary file.
struct CompilerReport {
  struct Message: Equatable {
    var file: String
    var line: Int
    var text: String
    /// The source line and the caret, as the compiler shows them; may be empty.
    var shown: [String]
  }

  let asked: String
  /// The tree's top directory.
  let tree: String
  let isPatched: Bool
  /// Absolute, for complaints about the generated harness.
  let manifestPath: String
  /// Manifests of the services.
  var services: [String] = []
  /// Folders of C that is kshim's own.
  var own: [String] = []
  /// C expressions of the manifest, to find the line of a complaint.
  var expressions: [String] = []

  /// Warnings in the order of the compiler's output, without what is shown of the source.
  static func warnings(_ lines: [String]) -> [Message] {
    lines.compactMap { line in
      guard let match = line.prefixMatch(of: /(.+?):([0-9]+):(?:[0-9]+:)? warning:\s/),
        let number = Int(match.2)
      else { return nil }
      return Message(
        file: String(match.1), line: number, text: String(line[match.range.upperBound...]),
        shown: [])
    }
  }

  /// Errors in the order of the compiler's output.
  static func messages(_ lines: [String]) -> [Message] {
    var messages: [Message] = []
    var isInError = false
    for line in lines {
      if let match = line.prefixMatch(
        of: /(.+?):([0-9]+):(?:[0-9]+:)? (fatal error|error|warning|note):\s/)
      {
        isInError = match.3 == "error" || match.3 == "fatal error"
        guard isInError, let number = Int(match.2) else { continue }
        let text = String(line[match.range.upperBound...])
        messages.append(
          Message(file: String(match.1), line: number, text: text, shown: []))
      } else if let match = line.prefixMatch(of: /(?:clang[^ ]*: )?(?:fatal error|error):\s/) {
        isInError = true
        messages.append(
          Message(file: "", line: 0, text: String(line[match.range.upperBound...]), shown: []))
      } else if line.hasPrefix("In file included from ") {
        isInError = false
      } else if isInError, line.contains(" | "), messages[messages.count - 1].shown.count < 4 {
        messages[messages.count - 1].shown.append(line)
      }
    }
    return messages
  }

  /// A path as the reader knows it: of the kernel, relative to the tree's top.
  func place(_ file: String) -> String {
    file.hasPrefix(tree + "/") ? String(file.dropFirst(tree.count + 1)) : file
  }

  private func isOfKernel(_ message: Message) -> Bool {
    message.file.hasPrefix(tree + "/")
      || !message.file.isEmpty && !message.file.hasPrefix("/")
        && message.file != HarnessWriter.fileName
  }

  func failure(_ lines: [String]) -> Failure {
    let messages = Self.messages(lines)
    guard let first = messages.first(where: isOfKernel) ?? messages.first(where: { $0.line > 0 })
    else {
      return Failure(
        .tool, asked: asked, cause: messages.first?.text ?? "the compiler failed without a message",
        evidence: Array(lines.prefix(8)), remedy: "check that clang works by hand")
    }
    if first.file == HarnessWriter.fileName { return manifestFailure(first) }
    let evidence = messages.filter { $0.line > 0 }.prefix(5).map {
      "\(place($0.file)):\($0.line): error: \($0.text)"
    }
    if isPatched, !isOfKernel(first), !own.contains(where: { first.file.hasPrefix("\($0)/") }) {
      // Its content is nobody's business, and a message shows it.
      return Failure(
        .build, asked: asked,
        cause: "the patch has what is no file of the kernel's tree compiled or assembled",
        place: "\(first.file):\(first.line)", remedy: "take out of it what names that file")
    }
    guard isOfKernel(first) else {
      return Failure(
        .build, asked: asked, cause: "kshim's own C does not fit this kernel: \(first.text)",
        place: "\(first.file):\(first.line)", evidence: evidence,
        remedy: "mend \((first.file as NSString).lastPathComponent) for this kernel")
    }
    // The whole file was parsed without an error before. What only shows now is either an
    // assertion at compile time, or something that was not taken along.
    let isAssertion =
      first.text.contains("declared with 'error' attribute") || first.text.contains("assertion")
    return Failure(
      .build, asked: asked, cause: "\(place(first.file)) does not compile: \(first.text)",
      place: "\(place(first.file)):\(first.line)", evidence: evidence,
      remedy: isAssertion
        ? isPatched ? "mend the patch at that line" : "check that the tree is complete"
        : "name what is missing under 'extract:' in \(manifestPath): the file as a whole compiles")
  }

  private func manifestFailure(_ message: Message) -> Failure {
    let code = message.shown.joined(separator: "\n")
    let expression = expressions.filter { $0.count > 1 && code.contains($0) }
      .max { $0.count < $1.count }
    var place = manifestPath
    if let expression {
      for path in [manifestPath] + services {
        let text = String(kernelFile: path) ?? ""
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        if let index = lines.firstIndex(where: { $0.contains(expression) }) {
          place = "\(path):\(index + 1)"
          break
        }
      }
    }
    return Failure(
      .build, asked: asked,
      cause: "an expression of the manifest does not fit this kernel: \(message.text)",
      place: place, evidence: message.shown,
      remedy: "mend the expression, or add this kernel's spelling of it")
  }
}

extension Manifest {
  /// Every C expression that goes into the generated harness as it stands.
  var expressions: [String] {
    let rules = boundary.map(\.rule) + callbacks.map(\.rule)
    return rules.flatMap { rule -> [String] in
      var list = rule.records ?? []
      switch rule.action {
      case .returns(let values): list += values
      case .custom(let function): list.append(function)
      default: break
      }
      return list
    } + asked.flatMap(\.spellings) + bindings.map(\.value) + locks.map(\.expression)
      + variables.map(\.value) + variables.compactMap(\.type) + state.map(\.type) + prepares
  }
}
