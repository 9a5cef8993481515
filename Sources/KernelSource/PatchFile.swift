// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation

/// One patch out of a file that the user handed in: a unified diff, perhaps out of a mail.
public struct PatchFile: Sendable, Equatable {
  /// The file as the user named it; `-` for standard input. A file may hold several patches.
  public let name: String
  /// The subject of its mail without `[PATCH …]`; nil where there is none.
  public let subject: String?
  /// Which mail of the file it is, counted from 1; nil where the file is no mailbox of several.
  public let mail: Int?
  /// The diff with the text around it, as `git apply` reads it: decoded where it was in a mail.
  public let content: Data
  /// What the file's form may have done to the diff, for the remedy of one that does not apply.
  let suspicion: String?
  /// What its reader has to know about the file, as `FILE: …`; with the first of its patches.
  let remarks: [String]
  /// How the lines of ``content`` are those of the file.
  let lines: Lines

  enum Lines: Sendable, Equatable {
    /// They are the same.
    case same
    /// They stand amid those of a mailbox with these bytes.
    case amid(Data)
    /// They were decoded.
    case elsewhere
  }

  /// A diff with no mail around it that has to be decoded.
  public init(name: String, content: Data) {
    self.init(
      name: name, subject: PlainDiff.subject(of: content), mail: nil, content: content,
      suspicion: PlainDiff.endsInCarriageReturns(content)
        ? "the diff's lines end in CR LF, which git apply keeps: get the diff again as it was sent,"
          + " or take the carriage returns out (sed 's/\\r$//')"
        : nil,
      remarks: [], lines: .same)
  }

  init(
    name: String, subject: String?, mail: Int?, content: Data, suspicion: String?,
    remarks: [String], lines: Lines
  ) {
    self.name = name
    self.subject = subject?.shown()
    self.mail = mail
    self.content = content
    self.suspicion = suspicion
    self.remarks = remarks
    self.lines = lines
  }

  /// A patch of which nothing but the name is known.
  init(name: String, subject: String?) {
    self.init(
      name: name, subject: subject, mail: nil, content: Data(), suspicion: nil, remarks: [],
      lines: .same)
  }

  /// A file as it is, before anything is made of it.
  public struct Source: Sendable {
    /// See ``PatchFile/name``.
    public let name: String
    public let content: Data

    public init(name: String, content: Data) {
      self.name = name
      self.content = content
    }
  }

  /// Reads the patches of files, in order: plain diffs as they are, mails and mailboxes as
  /// `git am` does, each also packed with gzip, xz or bzip2. `-` is standard input, which can be read
  /// once.
  ///
  /// - Returns: one for each patch; a mailbox's in the order of their `n/m`.
  /// - Throws: `Failure` of kind request where a file cannot be read, `-` comes twice, or a
  ///   mailbox holds no patch or no whole series. Of kind tool where git is missing or there is
  ///   no room.
  public static func read(
    _ names: [String], environment: [String: String?] = [:]
  ) async throws -> [PatchFile] {
    try await read(sources(names), environment: environment)
  }

  /// Reads the files alone.
  ///
  /// - Throws: `Failure` of kind request where one cannot be read, or `-` comes twice.
  public static func sources(_ names: [String]) throws -> [Source] {
    if names.filter({ $0 == "-" }).count > 1 {
      throw Failure(
        .request, asked: "read the patches", cause: "standard input is named more than once",
        remedy: "name - once; it may hold several patches")
    }
    return try names.map { Source(name: $0, content: try bytes(of: $0)) }
  }

  /// Reads the patches out of files that were read.
  ///
  /// - Parameter progress: called with a line while a long mailbox is read.
  public static func read(
    _ sources: [Source], environment: [String: String?] = [:],
    progress: @escaping @Sendable (String) -> Void = { _ in }
  ) async throws -> [PatchFile] {
    var patches: [PatchFile] = []
    for source in sources {
      let name = source.name
      let content = try await unpacked(source.content, name, environment)
      if content.isEmpty {
        throw Failure(
          .request, asked: "read patch \(title(of: name))", cause: "it is empty",
          remedy: "name a patch file, or - for standard input")
      }
      if Mailbox.holdsMail(content) {
        patches += try await Mailbox.patches(
          of: name, content, environment: environment, progress: progress)
      } else {
        patches.append(PatchFile(name: name, content: content))
      }
    }
    return patches
  }

  private static func bytes(of name: String) throws -> Data {
    if name == "-" { return FileHandle.standardInput.readDataToEndOfFile() }
    let asked = "read patch \(name)"
    let remedy = "name a patch file, or - for standard input"
    if name.isEmpty {
      throw Failure(.request, asked: "read a patch", cause: "its name is empty", remedy: remedy)
    }
    switch FileKind(name) {
    case .nothing:
      throw Failure(
        .request, asked: asked, cause: "there is no such file",
        remedy: Nearest.remedy(forPath: name, otherwise: remedy))
    case .directory:
      throw Failure(.request, asked: asked, cause: "it is a directory", remedy: remedy)
    case .file: break
    }
    let descriptor = open(name, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw Failure(
        .request, asked: asked, cause: "it cannot be read (\(String(cString: strerror(errno))))",
        remedy: "make it readable")
    }
    let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    var content = Data()
    do {
      // A pipe or a device has no size that could be asked for.
      while let part = try file.read(upToCount: 1 << 20), !part.isEmpty {
        content += part
        if content.count > mostBytes {
          throw Failure(
            .request, asked: asked, cause: "it holds more than \(mostBytes >> 20) MiB",
            remedy: remedy)
        }
      }
    } catch let failure as Failure {
      throw failure
    } catch {
      throw Failure(
        .request, asked: asked, cause: "it cannot be read (\(error.localizedDescription))",
        remedy: remedy)
    }
    return content
  }

  /// Beyond this a file is no patch, packed or unpacked; a device may never end.
  private static let mostBytes = 64 << 20

  /// Whether a name is that of a pipe or a device, which another run cannot read again.
  public static func isStream(_ name: String) -> Bool {
    var status = stat()
    return name == "-" || stat(name, &status) == 0 && status.st_mode & S_IFMT != S_IFREG
  }

  /// By what a packed file begins with.
  private static let packers: [(start: [UInt8], program: String, options: [String])] = [
    ([0x1f, 0x8b], "gzip", []), ([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0], "xz", ["--memlimit=256MiB"]),
    (Array("BZh".utf8), "bzip2", []),
  ]

  /// What gzip and others packed, as the archives hand out their threads.
  private static func unpacked(
    _ content: Data, _ name: String, _ environment: [String: String?]
  ) async throws -> Data {
    guard let packer = packers.first(where: { content.starts(with: $0.start) }) else {
      return content
    }
    try Command.require(packer.program, environment: environment)
    // What packs well fills any memory: no more is read than a patch may have.
    let result = try await Command.run(
      "bash",
      [
        "-c", "\"${@:2}\" | head -c \"$1\"; exit \"${PIPESTATUS[0]}\"", "kshim",
        "\(mostBytes + 1)", packer.program,
      ] + packer.options + ["-dc"], environment: environment, input: content)
    let asked = "read patch \(title(of: name))"
    if result.output.count > mostBytes {
      throw Failure(
        .request, asked: asked, cause: "unpacked it holds more than \(mostBytes >> 20) MiB",
        remedy: "name a patch file; the patches of a long thread can be files of their own")
    }
    guard result.succeeded else {
      throw Failure(
        .request, asked: asked, cause: "\(packer.program) cannot unpack it",
        evidence: Array(result.errorLines.prefix(5)), remedy: "get the file again")
    }
    return result.output
  }

  /// The line of the file that holds a line of ``content``, both from 1; nil where that is not sure.
  func lineOfFile(_ line: Int) -> Int? {
    switch lines {
    case .same: return line
    case .elsewhere: return nil
    case .amid(let box):
      let content = Hunk.lines(of: content)
      guard content.indices.contains(line - 1) else { return nil }
      // The lines ahead of it tell a line from others that are like it.
      let sought = content[..<line].suffix(8)
      let file = Hunk.lines(of: box).map { $0.last == UInt8(ascii: "\r") ? $0.dropLast() : $0 }
      let places = Hunk.places(of: sought, in: file)
      return places.count == 1 ? places[0] + sought.count : nil
    }
  }

  /// What the user sees it called: the file and, if it holds several, the mail.
  var title: String {
    let file = Self.title(of: name)
    guard let mail else { return file }
    return "\(file), mail \(mail)" + (subject.map { " \"\($0)\"" } ?? "")
  }

  static func title(of name: String) -> String { name == "-" ? "standard input" : name }
}
