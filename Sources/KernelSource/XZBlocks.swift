// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// The blocks of an .xz file (The .xz File Format 1.2.1), each of which can be read without the
/// others: xz made them where it had several threads, of 24 MiB each by default.
struct XZBlocks {
  struct Block: Equatable {
    /// Where it is in the file, and how many bytes it takes there but for its padding.
    var offset: Int
    var size: Int
    /// Where its content is in that of the file, and how many bytes that is.
    var contentOffset: Int
    var contentSize: Int

    /// What it takes with its padding.
    var padded: Int { (size + 3) / 4 * 4 }
  }

  let path: String
  let blocks: [Block]
  private let header: Data
  private let flags: Data

  /// - Returns: nil where it is no file of one stream of blocks.
  init?(_ path: String) {
    guard let file = FileHandle(forReadingAtPath: path), let end = try? file.seekToEnd(),
      end >= 32, let header = Self.read(file, 0, 12), header.starts(with: Self.magic),
      let footer = Self.read(file, Int(end) - 12, 12), footer.suffix(2) == Data("YZ".utf8)
    else { return nil }
    let indexSize = (Self.number(footer[4..<8]) + 1) * 4
    let start = Int(end) - 12 - indexSize
    guard start >= 12, let index = Self.read(file, start, indexSize), index.first == 0 else {
      return nil
    }
    var rest = index.dropFirst().dropLast(4)
    guard let count = Self.next(&rest) else { return nil }
    var blocks: [Block] = []
    var (offset, content) = (12, 0)
    for _ in 0..<count {
      guard let size = Self.next(&rest), let contentSize = Self.next(&rest) else { return nil }
      let block = Block(
        offset: offset, size: size, contentOffset: content, contentSize: contentSize)
      blocks.append(block)
      (offset, content) = (offset + block.padded, content + contentSize)
    }
    guard offset == start else { return nil }
    self.path = path
    self.blocks = blocks
    self.header = header
    flags = footer[8..<10]
  }

  /// The number of the block that a byte of the content is in.
  func block(at contentOffset: Int) -> Int {
    var (low, high) = (0, blocks.count)
    while high - low > 1 {
      let middle = (low + high) / 2
      if blocks[middle].contentOffset <= contentOffset { low = middle } else { high = middle }
    }
    return low
  }

  /// Writes a file with some of the blocks only.
  func write(_ numbers: [Int], to target: String) throws {
    guard let file = FileHandle(forReadingAtPath: path),
      FileManager.default.createFile(atPath: target, contents: header),
      let output = FileHandle(forWritingAtPath: target)
    else { throw lastError() }
    try output.seekToEnd()
    var index = Data([0]) + Self.number(numbers.count)
    for number in numbers {
      let block = blocks[number]
      guard let bytes = Self.read(file, block.offset, block.padded) else {
        throw POSIXError(.EIO)
      }
      try output.write(contentsOf: bytes)
      index += Self.number(block.size) + Self.number(block.contentSize)
    }
    index += Data(count: (4 - index.count % 4) % 4)
    index += Self.bytes(Self.crc32(index))
    let size = Self.bytes(UInt32(index.count / 4 - 1)) + flags
    try output.write(contentsOf: index + Self.bytes(Self.crc32(size)) + size + Data("YZ".utf8))
    try output.close()
  }

  // MARK: Numbers

  private static let magic: [UInt8] = [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0]

  private static func read(_ file: FileHandle, _ offset: Int, _ count: Int) -> Data? {
    guard (try? file.seek(toOffset: UInt64(offset))) != nil,
      let data = try? file.read(upToCount: count), data.count == count
    else { return nil }
    return data
  }

  /// Little-endian.
  private static func number(_ bytes: Data) -> Int {
    bytes.reversed().reduce(0) { $0 << 8 | Int($1) }
  }

  private static func bytes(_ number: UInt32) -> Data {
    withUnsafeBytes(of: number.littleEndian) { Data($0) }
  }

  /// Seven bits a byte, the lowest first, the eighth bit set but in the last.
  private static func number(_ value: Int) -> Data {
    var (rest, bytes) = (value, Data())
    while rest >= 0x80 {
      bytes.append(UInt8(rest & 0x7F | 0x80))
      rest >>= 7
    }
    bytes.append(UInt8(rest))
    return bytes
  }

  private static func next(_ bytes: inout Data) -> Int? {
    var (value, shift) = (0, 0)
    while shift < 63, let byte = bytes.popFirst() {
      value |= Int(byte & 0x7F) << shift
      if byte & 0x80 == 0 { return value }
      shift += 7
    }
    return nil
  }

  private static func crc32(_ data: Data) -> UInt32 {
    ~data.reduce(~0 as UInt32) { sum, byte in
      (0..<8).reduce(sum ^ UInt32(byte)) { sum, _ in
        sum >> 1 ^ (sum & 1 == 1 ? 0xEDB8_8320 : 0)
      }
    }
  }
}
