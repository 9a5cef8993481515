// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation

/// A file of mails, taken apart by `git mailsplit` and `git mailinfo` as `git am` calls them.
struct Mailbox {
  static let scratchPrefix = ScratchDirectory.mail

  /// One mail of the file.
  struct Mail: Sendable {
    /// Its place in the file, from 1.
    let number: Int
    /// What git would make the commit's title.
    let subject: String?
    /// The mail's own subject as its reader sees it.
    let header: String?
    /// What the brackets of that say.
    let tag: SubjectTag
    /// What git would hand to `git apply`; nil where git finds no diff in it.
    let patch: Data?
    /// What the mail's form may have done to the diff.
    let suspicion: String?
    /// Whether its lines are not in the file as they are in ``patch``.
    let isEncoded: Bool
  }

  let name: String
  private let directory: String
  private let environment: [String: String?]
  private let progress: @Sendable (String) -> Void

  // MARK: What is a mail

  /// Whether bytes are a mailbox or a mail, and no plain diff: they begin with an mbox "From "
  /// line that has a date, or with nothing but header fields, a mail's among them.
  static func holdsMail(_ content: Data) -> Bool {
    let head = String(decoding: content.prefix(64 * 1024), as: UTF8.self)
    let lines = head.drop { $0.isWhitespace || $0 == "\u{feff}" }
      .split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    guard let first = lines.first else { return false }
    if first.prefixMatch(of: /From .*[0-9]:[0-9]{2}.* [0-9]{4}/) != nil { return true }
    let header = lines.prefix { !$0.allSatisfy(\.isWhitespace) }
    // A mailbox line that a mail server spoiled counts as a field, as it does for git.
    let areFields = header.allSatisfy {
      $0.first == " " || $0.first == "\t" || $0.prefixMatch(of: #/(?:[!-9;-~]+:|>From )/#) != nil
    }
    return areFields
      && header.contains {
        $0.lowercased().prefixMatch(of: /(?:from|subject|date|message-id|to|content-type):/) != nil
      }
  }

  // MARK: Reading

  /// The patches of a mailbox, in the order in which they are to be applied.
  static func patches(
    of name: String, _ content: Data, environment: [String: String?],
    progress: @escaping @Sendable (String) -> Void
  ) async throws -> [PatchFile] {
    let parent = KernelStore.temporaryDirectory
    ScratchDirectory.sweep(prefix: scratchPrefix, in: parent)
    let scratch: ScratchDirectory
    do {
      scratch = try ScratchDirectory(prefix: scratchPrefix, in: parent)
    } catch {
      throw noRoom(name, parent, error)
    }
    defer { scratch.remove() }
    let box = Mailbox(
      name: name, directory: scratch.path, environment: environment, progress: progress)
    let mails = try await box.mails(content)
    let chosen = try MailThread(file: PatchFile.title(of: name), mails: mails).series()
    return chosen.mails.enumerated().map { index, mail in
      PatchFile(
        name: name, subject: mail.subject, mail: mails.count > 1 ? mail.number : nil,
        content: mail.patch ?? Data(), suspicion: mail.suspicion,
        remarks: index == 0 ? chosen.remarks : [],
        lines: mail.isEncoded ? .elsewhere : .amid(content))
    }
  }

  private func mails(_ content: Data) async throws -> [Mail] {
    let split = "\(directory)/mails"
    do {
      try FileManager.default.createDirectory(
        atPath: split, withIntermediateDirectories: false)
      try content.write(to: URL(fileURLWithPath: "\(directory)/mbox"))
    } catch {
      throw Self.noRoom(name, directory, error)
    }
    // As git am does: a carriage return at a line's end goes, a mail without "From " is one mail.
    let result = try await git(["mailsplit", "-d6", "-b", "-o\(split)", "--", "\(directory)/mbox"])
    guard result.succeeded else {
      throw unreadable(PatchFile.title(of: name), result)
    }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: split)) ?? []
    guard names.count <= Self.mostMails else {
      throw Failure(
        .request, asked: "read \(PatchFile.title(of: name))",
        cause: "it holds \(names.count) mails, and of one file \(Self.mostMails) are read",
        remedy: "save the thread that you want as a file of its own")
    }
    // Each is a few programs, which wait more than they compute.
    let files = names.sorted()
    let workers = min(files.count, ProcessInfo.processInfo.activeProcessorCount)
    return try await withThrowingTaskGroup(of: [(Int, Mail)].self) { group in
      for worker in 0..<workers {
        group.addTask {
          var mails: [(Int, Mail)] = []
          for index in stride(from: worker, to: files.count, by: workers) {
            try Task.checkCancellation()
            // One tells for all: they are as fast.
            if worker == 0, files.count > 50 {
              progress("reading \(PatchFile.title(of: name)), mail \(index + 1) of \(files.count)")
            }
            mails.append((index, try await mail(index + 1, at: "\(split)/\(files[index])")))
          }
          return mails
        }
      }
      var mails: [(Int, Mail)] = []
      for try await some in group { mails += some }
      return mails.sorted { $0.0 < $1.0 }.map(\.1)
    }
  }

  /// A thread has fewer; a list's archive of a month has more.
  private static let mostMails = 2000

  private func mail(_ number: Int, at path: String) async throws -> Mail {
    let raw = FileManager.default.contents(atPath: path) ?? Data()
    let parts = ["\(path).message", "\(path).patch"]
    defer { for part in parts { unlink(part) } }
    let options = ["mailinfo", "--no-scissors"]
    let info = try await git(options + parts, input: raw)
    guard info.succeeded else {
      throw unreadable("\(PatchFile.title(of: name)), mail \(number)", info)
    }
    let patch = FileManager.default.contents(atPath: parts[1]) ?? Data()
    let holdsDiff = try await hasDiff(patch, at: parts[1])
    // The brackets are those of the mail's header, whatever subject its text gives the commit.
    let header = raw[..<(raw.range(of: Data("\n\n".utf8))?.lowerBound ?? raw.endIndex)]
    let whole = try await git(options + ["-k"] + parts, input: Data(header) + Data("\n\n".utf8))
    let subject = Self.subject(in: whole)
    return Mail(
      number: number, subject: Self.subject(in: info), header: subject, tag: SubjectTag(subject),
      patch: holdsDiff ? patch : nil, suspicion: Self.suspicion(raw, info),
      isEncoded: Self.isEncoded(raw))
  }

  /// Whether git finds a diff, though it may be one that it cannot read.
  private func hasDiff(_ patch: Data, at path: String) async throws -> Bool {
    let begins = ["diff --git ", "--- ", "@@ -"].map { Data($0.utf8) }
    guard
      patch.split(separator: UInt8(ascii: "\n")).contains(where: { line in
        begins.contains { line.starts(with: $0) }
      })
    else { return false }
    let result = try await git(["apply", "--numstat", path])
    return result.succeeded || !result.errorText.contains("No valid patches in input")
  }

  private static func subject(in info: Command.Result) -> String? {
    let key = "Subject: "
    let line = info.outputText.split(separator: "\n").first { $0.hasPrefix(key) }
    let subject = line?.dropFirst(key.count).trimmingCharacters(in: .whitespaces) ?? ""
    return subject.isEmpty ? nil : subject
  }

  /// Whether any part of a mail has lines that are not those of its text.
  private static func isEncoded(_ raw: Data) -> Bool {
    String(decoding: raw, as: UTF8.self).lowercased()
      .firstMatch(of: /content-transfer-encoding:\s*(?:base64|quoted-printable)|format=flowed/)
      != nil
  }

  /// What is known to spoil diffs in the form that a mail has.
  private static func suspicion(_ raw: Data, _ info: Command.Result) -> String? {
    if info.errorText.contains("quoted CRLF") {
      return "the mail's encoded text has lines that end in CR LF, which git am keeps: get the"
        + " mail from an archive, or take the carriage returns out of the diff"
    }
    if raw.range(of: Data("format=flowed".utf8)) != nil {
      return "the mail is format=flowed, in which mail clients rewrap lines: have it sent with"
        + " git send-email, or as an attachment"
    }
    return nil
  }

  // MARK: What goes wrong

  private func unreadable(_ title: String, _ result: Command.Result) -> Failure {
    Failure(
      .request, asked: "read \(title)", cause: "git cannot read the mail",
      evidence: Array(result.errorLines.prefix(5)),
      remedy: "save the mail again, with all its headers, as it was sent")
  }

  private static func noRoom(_ name: String, _ place: String, _ error: any Error) -> Failure {
    DiskTrouble.failure(
      asked: "read patch \(PatchFile.title(of: name))", temporary: place, error)
  }

  private func git(_ arguments: [String], input: Data? = nil) async throws -> Command.Result {
    try await Git.runOutsideRepositories(
      arguments, directory: directory, environment: environment, input: input)
  }
}
