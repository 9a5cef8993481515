// SPDX-License-Identifier: GPL-2.0-only
import Extraction
import Foundation
import Synchronization
import Workers

/// What a worker says of what is kept.
private enum KeeperQuestion: Codable {
  case record(String)
  case keepRecord(Data, String)
  /// Their content comes behind the question.
  case keepFiles([KeptSize], String)
  case use(String)
  case tellDamage(String)
  case seal
}

private struct KeptSize: Codable {
  var name: String
  var size: Int
}

private enum KeeperAnswer: Codable {
  case record(Data?)
  case done(Bool)
}

/// Keeps by asking the process that it works for, which alone can write.
struct RemoteKeeper: Keeper {
  let shop: Workshop

  func record(at path: String) async -> Data? {
    if case .record(let data) = await ask(.record(path)) { data } else { nil }
  }

  func keep(record: Data, at path: String) async -> Bool {
    await isDone(.keepRecord(record, path))
  }

  func keep(files: [String: Data], at path: String) async -> Bool {
    let sorted = files.sorted { $0.key < $1.key }
    let sizes = sorted.map { KeptSize(name: $0.key, size: $0.value.count) }
    return await isDone(.keepFiles(sizes, path), sorted.reduce(into: Data()) { $0 += $1.value })
  }

  func use(_ path: String) { tell(.use(path)) }
  func tellDamage(_ path: String) { tell(.tellDamage(path)) }
  func seal() { tell(.seal) }

  private func isDone(_ question: KeeperQuestion, _ content: Data = Data()) async -> Bool {
    if case .done(let isDone) = await ask(question, content) { isDone } else { false }
  }

  private func ask(_ question: KeeperQuestion, _ content: Data = Data()) async -> KeeperAnswer? {
    guard let asked = try? JSONEncoder().encode(question),
      let told = await shop.ask(Headed.join(asked, content))
    else { return nil }
    return try? JSONDecoder().decode(KeeperAnswer.self, from: told)
  }

  /// What is told is read in its order: what comes behind it comes later.
  private func tell(_ question: KeeperQuestion) {
    if let asked = try? JSONEncoder().encode(question) { shop.tell(Headed.join(asked, Data())) }
  }
}

/// Keeps what one worker asks for, until that has read a stranger's text.
public final class KeeperService: Sendable {
  /// Of one thing that is kept: the stand-ins of a tree have some hundreds.
  private static let mostFiles = 10_000

  /// What may be kept lies there.
  private let directory: String
  private let isSealed = Mutex(false)
  private let keeper = LocalKeeper()

  public init(directory: String) { self.directory = directory }

  public func answer(_ asked: Data) -> Data? {
    guard let (head, content) = Headed.split(asked),
      let question = try? JSONDecoder().decode(KeeperQuestion.self, from: head)
    else { return nil }
    return try? JSONEncoder().encode(answer(question, content))
  }

  private func answer(_ question: KeeperQuestion, _ content: Data) -> KeeperAnswer {
    switch question {
    case .record(let path):
      return .record(isKind(path) ? keeper.recordNow(at: path) : nil)
    case .keepRecord(let record, let path):
      return .done(mayKeep(path) && keeper.keepNow(record: record, at: path))
    case .keepFiles(let sizes, let path):
      guard sizes.count <= Self.mostFiles else { return .done(false) }
      var files: [String: Data] = [:]
      var rest = content
      for file in sizes {
        let isBelow = !file.name.hasPrefix("/") && !file.name.split(separator: "/").contains("..")
        guard isBelow, file.size >= 0, file.size <= rest.count else { return .done(false) }
        files[file.name] = rest.prefix(file.size)
        rest = rest.dropFirst(file.size)
      }
      return .done(mayKeep(path) && keeper.keepNow(files: files, at: path))
    case .use(let path):
      if isKind(path) { keeper.use(path) }
      return .done(true)
    case .tellDamage(let path):
      if isKind(path) { keeper.tellDamage(path) }
      return .done(true)
    case .seal:
      isSealed.withLock { $0 = true }
      return .done(true)
    }
  }

  private func mayKeep(_ path: String) -> Bool { isKind(path) && !isSealed.withLock { $0 } }

  /// Whether it is one of what a worker keeps.
  private func isKind(_ path: String) -> Bool {
    guard path.hasPrefix("\(directory)/") else { return false }
    let name = path.dropFirst(directory.count + 1)
    return ["preamble-", "runtime-", "linker-", "standins-"].contains { name.hasPrefix($0) }
      && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == ".") }
  }
}
