// SPDX-License-Identifier: GPL-2.0-only
import ArgumentParser
import Failures
import Foundation
import KernelSource

@main
enum Program {
  static func main() {
    Terminal.guardDescriptors()
    JailOptions.serveIfAsked()
    Session.begin()
    Task { await Kshim.main() }
    dispatchMain()
  }
}

/// The command line. Every command throws ``Failure``; the exit codes are decided here alone.
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
      ExtractCommand.self, InitCommand.self,
      KernelsCommand.self, SubjectsCommand.self,
    ])

  static func main() async {
    // What a file may not hold is told where it is written; and no crash leaves files of its own.
    signal(SIGXFSZ, SIG_IGN)
    setenv("LLVM_DISABLE_SYMBOLIZATION", "1", 1)
    CacheRemark.show { Terminal.error("kshim: \($0.shown())") }
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
        code = Terminal.help(fullMessage(for: error))
      } else if error is CleanExit || String(describing: type(of: error)).contains("CommandError")
        || error is ValidationError
      {
        Terminal.error(fullMessage(for: error))
        code = 2
      } else {
        let asked = "do what was asked"
        Terminal.error(
          "kshim: \(DiskTrouble.failure(asked: asked, error).map { "\($0)" } ?? "\(error)")")
        code = 4
      }
    }
    Session.end(isBisect && code > 1 ? 125 : code)
  }
}

/// Where things are written: results on standard output, all else on standard error.
enum Terminal {
  static var isErrorTerminal: Bool { isatty(2) != 0 }
  /// Whether a result and what is told on the way go to somebody who looks.
  static var isTerminal: Bool { isErrorTerminal && isatty(1) != 0 }
  static var usesColour: Bool {
    isatty(1) != 0 && ProcessInfo.processInfo.environment["NO_COLOR"] == nil
  }

  /// Makes sure that no file which is opened later takes the place of a closed standard output.
  ///
  /// What is put there cannot be written to, so that writing fails as it should.
  static func guardDescriptors() {
    for (descriptor, mode) in [(0, O_WRONLY), (1, O_RDONLY), (2, O_RDONLY)]
    where fcntl(Int32(descriptor), F_GETFD) < 0 {
      // The lowest that is free is the one just asked for.
      _ = open("/dev/null", mode)
    }
  }

  /// Whether somebody may read what is written to standard output.
  static var canWrite: Bool { fcntl(1, F_GETFL) & O_ACCMODE != O_RDONLY }

  /// Writes a result to standard output, all of it.
  ///
  /// - Throws: ``Failure`` of kind tool where that is closed or full: a result that nobody gets is
  ///   no success.
  static func write(_ text: String) throws {
    guard
      let reason = OutputFile.write(Data(text.shown(lines: true, colours: usesColour).utf8), to: 1)
    else { return }
    throw closed(reason)
  }

  static func closed(_ reason: String) -> Failure {
    Failure(
      .tool, asked: "print the result", cause: "standard output cannot be written (\(reason))",
      remedy: "give it a place with room, or write the report to a file with -o")
  }

  /// - Returns: the exit code.
  fileprivate static func help(_ text: String) -> Int32 {
    do {
      try write(text + "\n")
      return 0
    } catch {
      self.error("kshim: \(error)")
      return 4
    }
  }

  static func error(_ text: String) {
    if Session.isEnding { return }
    _ = OutputFile.write(Data((text.shown(lines: true) + "\n").utf8), to: 2)
  }

  /// One line that overwrites itself; nothing when standard error is no terminal.
  static func status(_ text: String) {
    guard isErrorTerminal else { return }
    _ = OutputFile.write(Data("\r\u{1b}[K\(text.shown())".utf8), to: 2)
  }

  /// A line that stays, above the one that overwrites itself; nothing when standard error is no terminal.
  static func line(_ text: String) {
    guard isErrorTerminal else { return }
    _ = OutputFile.write(
      Data("\r\u{1b}[K\(text.shown(colours: usesColour))\n".utf8), to: 2)
  }
}

extension KernelStore {
  /// The cache of every command.
  static var own: KernelStore { KernelStore { Terminal.error("kshim: \($0.shown())") } }
}
