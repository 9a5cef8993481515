// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation
import KernelSource
import Reporting

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

  // MARK: Width

  /// How wide the lines of standard output are; nil where it is no terminal, and nothing is cut.
  static var columns: Int? { isatty(1) != 0 ? columns(of: 1) : nil }

  /// What help is wrapped at.
  static var helpColumns: Int { min(columns ?? Wrapping.width, Wrapping.width) }

  /// $COLUMNS, else what the terminal says, else what everybody has.
  private static func columns(of descriptor: Int32) -> Int {
    if let named = ProcessInfo.processInfo.environment["COLUMNS"].flatMap(Int.init), named > 0 {
      return max(20, named)
    }
    var size = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else {
      return Wrapping.width
    }
    return max(20, Int(size.ws_col))
  }

  /// - Returns: the exit code.
  static func help(_ text: String) -> Int32 {
    do {
      try write(HelpText.wrapped(text, columns: helpColumns) + "\n")
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
    let room = columns(of: 2) - 1
    let line = text.shown()
    let shown = line.count <= room ? line : line.prefix(room - 1) + "…"
    _ = OutputFile.write(Data("\r\u{1b}[K\(shown)".utf8), to: 2)
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
