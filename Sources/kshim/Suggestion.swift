// SPDX-License-Identifier: GPL-2.0-only
import ArgumentParser
import Failures
import Reporting

/// What may have been meant, where the parser refuses a word and does not say so itself.
enum Suggestion {
  /// Options that take one of a few words.
  private static let choices: [String: [String]] = [
    "--format": ReportFormat.allCases.map(\.rawValue),
    "--as": ReplayFormat.allCases.map(\.rawValue),
    "--allow": ["asm", "constructor", "section"],
  ]

  /// The parser's message with a question behind its first line, where one can be asked.
  static func added(to message: String, _ arguments: [String]) -> String {
    guard let near = meant(by: arguments), !message.contains("Did you mean") else {
      return message
    }
    let line = message.prefix { $0 != "\n" }
    // What can be given stands behind that.
    let end = line.firstRange(of: ". Please ")?.lowerBound ?? line.endIndex
    let rest = message[end...]
    return "\(message[..<end]). Did you mean '\(near)'?"
      + (rest.hasPrefix(".") ? rest.dropFirst() : rest)
  }

  /// - Throws: where help on a command is asked for that there is not; the parser prints its own.
  static func refuseUnknownHelp(_ arguments: [String]) throws {
    guard arguments.first == "help", let word = arguments.dropFirst().first, !word.hasPrefix("-"),
      !Kshim.configuration.subcommands.contains(where: { name(of: $0) == word })
    else { return }
    throw ValidationError("There is no command '\(word)'")
  }

  private static func meant(by arguments: [String]) -> String? {
    command(arguments, of: Kshim.self) ?? choice(arguments)
  }

  /// A command's name by one that there is not.
  private static func command(
    _ arguments: [String], of parent: any ParsableCommand.Type
  ) -> String? {
    guard let word = arguments.first, !word.hasPrefix("-") else { return nil }
    let commands = parent.configuration.subcommands
    guard !commands.isEmpty else { return nil }
    if word == "help" { return command(Array(arguments.dropFirst()), of: parent) }
    if let next = commands.first(where: { name(of: $0) == word }) {
      return command(Array(arguments.dropFirst()), of: next)
    }
    return Nearest.name(to: word, in: commands.map(name) + ["help"])
  }

  private static func name(of command: any ParsableCommand.Type) -> String {
    command.configuration.commandName ?? "\(command)".lowercased()
  }

  private static func choice(_ arguments: [String]) -> String? {
    for (index, argument) in arguments.enumerated() {
      let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
      guard let option = parts.first, let known = choices[option] else { continue }
      let value = parts.count == 2 ? parts[1] : arguments.dropFirst(index + 1).first
      guard let value, !known.contains(value) else { continue }
      return Nearest.name(to: value, in: known)
    }
    return nil
  }
}
