// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation
import Synchronization

/// What two processes say to each other: records of JSON, the length of each in front of it in four
/// bytes, the lowest first.
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

  struct Whole<Body: Codable>: Codable {
    var id: Int
    var kind: Kind
    var work: String?
    var body: Body
  }

  static func encode(
    _ id: Int, _ kind: Kind, work: String? = nil, _ body: some Codable
  ) throws -> Data {
    try JSONEncoder().encode(Whole(id: id, kind: kind, work: work, body: body))
  }

  static func head(_ record: Data) throws -> Head {
    try JSONDecoder().decode(Head.self, from: record)
  }

  static func body<Body: Codable>(_ type: Body.Type, _ record: Data) throws -> Body {
    try JSONDecoder().decode(Whole<Body>.self, from: record).body
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
