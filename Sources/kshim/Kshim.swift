// SPDX-License-Identifier: GPL-2.0-only
import ArgumentParser
import Failures
import Foundation

/// The command line. Every command throws ``Failure``; the exit codes are decided here alone.
@main
struct Kshim: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kshim",
    abstract: "Run kernel functions in userspace through every state and failure.",
    discussion: """
      kshim takes functions out of a Linux kernel tree, before and after a patch, compiles them \
      against stub headers and runs every scenario: each starting state with each failure.

      Examples:
        kshim check                                      the default kernel, debian:6.12
        kshim check --kernel ~/linux --patch v2.patch    a patch on your own tree
        kshim check --kernel ~/linux@v6.1 --format json
        kshim replay mmu_alloc_special_roots:shadow=5,…  a finding's scenario again

      Exit status: 0 nothing found, 1 findings, 2 the request is wrong, 3 the revision does not \
      build, 4 kshim failed.
      """,
    version: "0.1.0",
    subcommands: [
      CheckCommand.self, CompareCommand.self, ReplayCommand.self, MutateCommand.self,
      ExtractCommand.self,
      KernelsCommand.self, SubjectsCommand.self,
    ])

  static func main() async {
    let isBisect = CommandLine.arguments.contains("--bisect")
    var code: Int32 = 0
    do {
      var command = try parseAsRoot()
      if var asynchronous = command as? AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
    } catch let failure as Failure {
      Terminal.error("kshim: \(failure)")
      code = failure.kind.exitCode
    } catch let exit as ExitCode {
      code = exit.rawValue
    } catch {
      // Help and version go to standard output; anything else the parser says is a wrong request.
      let isHelp = exitCode(for: error) == .success
      if isHelp {
        print(fullMessage(for: error))
      } else if error is CleanExit || String(describing: type(of: error)).contains("CommandError")
        || error is ValidationError
      {
        Terminal.error(fullMessage(for: error))
        code = 2
      } else {
        Terminal.error("kshim: \(error)")
        code = 4
      }
    }
    Foundation.exit(isBisect && code > 1 ? 125 : code)
  }
}

/// Where things are written: results on standard output, all else on standard error.
enum Terminal {
  static var isErrorTerminal: Bool { isatty(2) != 0 }
  static var usesColour: Bool {
    isatty(1) != 0 && ProcessInfo.processInfo.environment["NO_COLOR"] == nil
  }

  static func error(_ text: String) {
    FileHandle.standardError.write(Data((text + "\n").utf8))
  }

  /// One line that overwrites itself; nothing when standard error is no terminal.
  static func status(_ text: String) {
    guard isErrorTerminal else { return }
    FileHandle.standardError.write(Data("\r\u{1b}[K\(text)".utf8))
  }
}
