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
        kshim check --kernel ~/linux --patch v2.patch     what a patch breaks
        kshim check --kernel ~/linux --function lib/genalloc.c:gen_pool_create
        kshim compare --kernel ~/linux base v1.mbox v2.mbox
        kshim explain wild-free                           what a property means

      Exit status: 0 nothing found, 1 findings, 2 the request is wrong, 3 the revision does not \
      build, 4 kshim failed.
      """,
    version: "0.1.0",
    subcommands: [
      CheckCommand.self, CompareCommand.self, ReplayCommand.self, MutateCommand.self,
      ExtractCommand.self, InitCommand.self,
      KernelsCommand.self, SubjectsCommand.self, ExplainCommand.self,
    ])

  static func main() async {
    // What a file may not hold is told where it is written; and no crash leaves files of its own.
    signal(SIGXFSZ, SIG_IGN)
    setenv("LLVM_DISABLE_SYMBOLIZATION", "1", 1)
    CacheRemark.show { Terminal.error("kshim: \($0.shown())") }
    let isBisect = CommandLine.arguments.contains("--bisect")
    var code: Int32 = 0
    do {
      try Suggestion.refuseUnknownHelp(Array(CommandLine.arguments.dropFirst()))
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
        code = Terminal.help(fullMessage(for: error, columns: Terminal.helpColumns))
      } else if error is CleanExit || String(describing: type(of: error)).contains("CommandError")
        || error is ValidationError
      {
        Terminal.error(
          Suggestion.added(
            to: fullMessage(for: error), Array(CommandLine.arguments.dropFirst())))
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
