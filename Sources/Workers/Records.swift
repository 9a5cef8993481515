// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation
import Synchronization

/// Bytes with a head in front of them, which says what they are.
public enum Headed {
  /// Where the length of the head is told, the lowest byte first.
  private static let lengthSize = 4

  public static func join(_ head: Data, _ content: Data) -> Data {
    let count = UInt32(head.count)
    var bytes = Data(capacity: lengthSize + head.count + content.count)
    for number in 0..<lengthSize { bytes.append(UInt8(truncatingIfNeeded: count >> (8 * number))) }
    bytes.append(head)
    bytes.append(content)
    return bytes
  }

  /// - Returns: nil where the bytes are none of these.
  public static func split(_ bytes: Data) -> (head: Data, content: Data)? {
    guard bytes.count >= lengthSize else { return nil }
    let length = bytes.prefix(lengthSize).reversed().reduce(0) { $0 << 8 | Int($1) }
    let rest = bytes.dropFirst(lengthSize)
    guard length <= rest.count else { return nil }
    return (rest.prefix(length), rest.dropFirst(length))
  }
}

/// What two processes say to each other: records, the length of each in front of it in four bytes, the
/// lowest first. A record is a head and a body, each of JSON; the body of a question or of its answer is
/// whatever bytes they are.
enum Records {
  /// A longer one is none.
  static let longest = 1 << 28

  /// What a record is about.
  struct Head: Codable {
    /// Which work.
    var id: Int
    var kind: Kind
    /// Its name where it is begun.
    var work: String?
  }

  enum Kind: String, Codable {
    /// To the worker: a work, and what it asked for.
    case begin, answer
    /// From the worker: of a work, and a question of its own.
    case note, product, failure, ask
  }

  static func encode(
    _ id: Int, _ kind: Kind, work: String? = nil, _ body: some Encodable
  ) throws -> Data {
    try encode(id, kind, work: work, bytes: JSONEncoder().encode(body))
  }

  static func encode(
    _ id: Int, _ kind: Kind, work: String? = nil, bytes: Data
  ) throws -> Data {
    Headed.join(try JSONEncoder().encode(Head(id: id, kind: kind, work: work)), bytes)
  }

  static func head(_ record: Data) -> Head? {
    Headed.split(record).flatMap { try? JSONDecoder().decode(Head.self, from: $0.head) }
  }

  static func bytes(_ record: Data) -> Data { Headed.split(record)?.content ?? Data() }

  static func body<Body: Decodable>(_ type: Body.Type, _ record: Data) throws -> Body {
    try JSONDecoder().decode(type, from: bytes(record))
  }
}

/// One end of a socket that records go through.
final class Channel: Sendable {
  private let descriptor: Int32
  private let writing = Mutex(())

  init(_ descriptor: Int32) { self.descriptor = descriptor }

  /// - Returns: false where the other end is gone.
  @discardableResult
  func write(_ record: Data) -> Bool {
    let length = UInt32(record.count)
    var bytes = Data((0..<4).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) })
    bytes.append(record)
    return writing.withLock { _ in
      bytes.withUnsafeBytes { buffer in
        var done = 0
        while done < buffer.count {
          let count = send(
            descriptor, buffer.baseAddress! + done, buffer.count - done, Int32(MSG_NOSIGNAL))
          if count < 0, errno == EINTR { continue }
          guard count > 0 else { return false }
          done += count
        }
        return true
      }
    }
  }

  /// - Returns: nil where the other end is gone, or what came is no record.
  func read() -> Data? {
    guard let head = read(4) else { return nil }
    let length = head.enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
    guard length <= Records.longest else { return nil }
    return read(length)
  }

  private func read(_ count: Int) -> Data? {
    var bytes = Data(capacity: min(count, 1 << 20))
    var buffer = [UInt8](repeating: 0, count: min(max(count, 1), 1 << 20))
    while bytes.count < count {
      let got = recv(descriptor, &buffer, min(buffer.count, count - bytes.count), 0)
      if got < 0, errno == EINTR { continue }
      guard got > 0 else { return nil }
      bytes.append(contentsOf: buffer[..<got])
    }
    return bytes
  }

  /// Nothing more is read or written by either end.
  func shutDown() { shutdown(descriptor, Int32(SHUT_RDWR)) }

  deinit { close(descriptor) }
}
