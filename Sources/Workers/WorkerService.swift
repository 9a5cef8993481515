// SPDX-License-Identifier: GPL-2.0-only
import CLinux
import Failures
import Foundation
import Synchronization

/// The process that does works: what it is asked for comes by its standard input, a socket, and what
/// came of it goes back there. It ends when that is closed.
public enum WorkerService {
  /// Does what it is asked for until nobody asks.
  ///
  /// - Parameter kinds: the works that it knows.
  public static func run(_ kinds: [any Work.Type]) -> Never {
    _ = linux_die_with_parent()
    // The code under test finds nothing there.
    let socket = fcntl(0, F_DUPFD_CLOEXEC, 3)
    let nothing = open("/dev/null", O_RDWR)
    guard socket >= 0, nothing >= 0 else { _exit(4) }
    dup2(nothing, 0)
    dup2(nothing, 1)
    if nothing > 2 { close(nothing) }
    let channel = Channel(socket)
    let questions = Questions(channel)
    let shop = Workshop(asking: questions)
    let known = Dictionary(kinds.map { (name(of: $0), $0) }) { first, _ in first }
    while let record = channel.read() {
      guard let head = Records.head(record) else { _exit(4) }
      if head.kind == .answer {
        questions.answer(head.id, Records.bytes(record))
        continue
      }
      guard head.kind == .begin, let kind = head.work.flatMap({ known[$0] }) else { _exit(4) }
      begin(kind, head.id, record, in: shop, channel)
    }
    _exit(0)
  }

  private static func name(of kind: any Work.Type) -> String {
    func name<W: Work>(_ kind: W.Type) -> String { W.name }
    return name(kind)
  }

  private static func begin<W: Work>(
    _ kind: W.Type, _ id: Int, _ record: Data, in shop: Workshop, _ channel: Channel
  ) {
    Task.detached {
      let answer: Data
      do {
        let work = try Records.body(W.self, record)
        let product = try await work.run(in: shop) { note in
          if let told = try? Records.encode(id, .note, note) { channel.write(told) }
        }
        answer = try Records.encode(id, .product, product)
      } catch {
        let failure =
          error as? Failure ?? DiskTrouble.failure(asked: "do a piece of work", error)
          ?? Failure(
            .tool, asked: "do a piece of work", cause: "\(error)", remedy: "report it")
        answer = (try? Records.encode(id, .failure, failure)) ?? Data()
      }
      channel.write(answer)
    }
  }
}

/// What was asked, and who waits for it.
final class Questions: Sendable {
  private let channel: Channel
  private let waiting = Mutex<(next: Int, continuations: [Int: CheckedContinuation<Data?, Never>])>(
    (1, [:]))

  init(_ channel: Channel) { self.channel = channel }

  func ask(_ question: Data) async -> Data? {
    await withCheckedContinuation { continuation in
      let id = waiting.withLock { waiting in
        defer { waiting.next += 1 }
        waiting.continuations[waiting.next] = continuation
        return waiting.next
      }
      guard let record = try? Records.encode(id, .ask, bytes: question), channel.write(record)
      else {
        return answer(id, nil)
      }
    }
  }

  /// Nobody waits for the answer.
  func tell(_ question: Data) {
    if let record = try? Records.encode(0, .ask, bytes: question) { channel.write(record) }
  }

  func answer(_ id: Int, _ answer: Data?) {
    let continuation = waiting.withLock { $0.continuations.removeValue(forKey: id) }
    continuation?.resume(returning: answer)
  }
}
