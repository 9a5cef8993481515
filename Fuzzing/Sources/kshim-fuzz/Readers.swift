// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation
import Reporting

@testable import Exploration
@testable import Extraction
@testable import KernelSource

/// What kshim reads of others. Whatever it is given it must come to an end and refuse with words.
enum Reader: String, CaseIterable {
  case patch, mail, manifest, rules, scenario, cache, code

  func read(_ data: Data) throws {
    switch self {
    case .patch: try readPatch(data)
    case .mail: try readMail(data)
    case .manifest: try Self.readFile(data) { _ = try ReadManifests.manifest(at: $0) }
    case .rules: try Self.readFile(data) { _ = try ReadManifests.services(at: $0) }
    case .scenario: try readScenario(data)
    case .cache: try readCache(data)
    case .code: readCode(Array(data))
    }
  }

  private func readPatch(_ data: Data) throws {
    let patch = PatchFile(name: "-", content: data)
    _ = (patch.title.shown(), patch.lineOfFile(1))
    for (_, hunks) in Hunk.read(data) {
      for hunk in hunks { _ = "\(hunk)" }
    }
    _ = PlainDiff.renameOrigins(of: data)
    let text = String(decoding: data, as: UTF8.self)
    _ = Placement.read(text.split(separator: "\n").map(String.init))
    _ = text.shown(lines: true, colours: true)
  }

  /// Mails with an empty line between them, each a subject and what follows it.
  private func readMail(_ data: Data) throws {
    _ = Mailbox.holdsMail(data)
    let parts = Hunk.lines(of: data).split { $0.isEmpty }
    let mails = parts.prefix(50).enumerated().map { number, lines in
      let subject = lines.first.map { String(decoding: $0, as: UTF8.self) }
      let body = Data(lines.dropFirst().joined(separator: [UInt8(ascii: "\n")]))
      return Mailbox.Mail(
        number: number + 1, subject: subject, header: subject, tag: SubjectTag(subject),
        patch: body.isEmpty ? nil : body, suspicion: nil, isEncoded: false)
    }
    guard !mails.isEmpty else { return }
    let series = try MailThread(file: "-", mails: mails).series()
    precondition(!series.mails.isEmpty && series.mails.allSatisfy { $0.patch != nil })
  }

  private static let directory = FileManager.default.temporaryDirectory.path

  private static func readFile(_ data: Data, _ read: (String) throws -> Void) throws {
    let path = "\(directory)/fuzz-\(getpid())/fuzz.yaml"
    try FileManager.default.createDirectory(
      atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try data.write(to: URL(fileURLWithPath: path))
    try read(path)
  }

  private func readScenario(_ data: Data) throws {
    let spelling = String(decoding: data, as: UTF8.self)
    let space = StateSpace(
      name: "f",
      words: [Word("a", ["0", "1"]), Word("b", ["x", "y", "z", "w"], arities: [2, 2])])
    let scenario = try Scenario(spelling)
    let again = try Scenario(scenario.description)
    precondition(again == scenario, "another scenario is read from \(scenario)")
    if let values = space.values(spelled: scenario.state) {
      precondition(space.spelling(of: values) == scenario.state)
    }
    try scenario.check(among: [space], of: "fuzz")
  }

  private func readCache(_ data: Data) throws {
    let decoder = JSONDecoder()
    if let record = try? decoder.decode(CacheRecord.self, from: data) {
      _ = (record.identity, record.allBytes, record.allKept.map(NeededPath.init))
    }
    _ = try? decoder.decode([CacheRecord.Added].self, from: data)
    let verdict = try decoder.decode(Verdict.self, from: data)
    guard verdict.isSound else { return }
    let report = CheckReport([
      .init(label: nil, title: nil, outcome: .verdict(verdict), replayOptions: "")
    ])
    for format in ReportFormat.allCases { _ = try report.rendered(as: format, usesColour: false) }
    _ = try HTMLReport(report).text
  }

  private func readCode(_ text: [UInt8]) {
    let lines = CodeText.lines(of: text)
    precondition(zip(lines, lines.dropFirst()).allSatisfy { $0.last < $1.number })
    for line in lines { _ = line.words }
    _ = Nesting.excess(in: text)
    let functions = SourceFunctions(text)
    for name in functions.names { _ = functions.lines(of: name) }
    let half = Array(text.prefix(text.count / 2))
    _ = functions.changed(from: SourceFunctions(half), gone: [], new: [])
    _ = Preamble(of: text).text(of: text)
    _ = Substitutions.lines(half, text)
    var substitutions = Substitutions()
    substitutions.add(half, text)
  }
}

/// libFuzzer with the arguments of its own; `KSHIM_FUZZ` names the reader.
@main
enum Fuzz {
  static func main() {
    var count = CommandLine.argc
    var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
    exit(drive(&count, &arguments) { Fuzz.read($0, $1) })
  }

  private static let reader: Reader = {
    let name = ProcessInfo.processInfo.environment["KSHIM_FUZZ"] ?? ""
    guard let reader = Reader(rawValue: name) else {
      fatalError("KSHIM_FUZZ is one of \(Reader.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return reader
  }()

  fileprivate static func read(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    do {
      try reader.read(Data(UnsafeBufferPointer(start: start, count: count)))
    } catch let failure as Failure {
      // A reader's refusal says something.
      precondition(!failure.cause.isEmpty && !failure.remedy.isEmpty && !"\(failure)".isEmpty)
    } catch is DecodingError {
      // What keeps the cache takes that for no entry.
    } catch {
      fatalError("\(error)")
    }
    return 0
  }
}

@_silgen_name("LLVMFuzzerRunDriver")
private func drive(
  _ count: UnsafeMutablePointer<Int32>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
  _ read: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt
