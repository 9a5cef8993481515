// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// The kernel's text as it is put together: what is no UTF-8 in it, a Latin-1 comment say, stays what it
/// was. Each such byte becomes a character of its own, at the end of the last private plane, and a byte
/// again in ``bytes``.
extension String {
  private static let first: UInt32 = 0x10FF00
  private static func stands(_ scalar: Unicode.Scalar) -> UInt8? {
    scalar.value >= first + 0x80 && scalar.value <= first + 0xFF
      ? UInt8(scalar.value - first) : nil
  }

  /// Of bytes in memory, as most are.
  package init(bytes: UnsafeBufferPointer<UInt8>) {
    if let text = String(validating: bytes, as: UTF8.self), !text.standsForBytes {
      self = text
    } else {
      self.init(mixed: bytes)
    }
  }

  package init(bytes: some Collection<UInt8>) {
    let text = bytes.withContiguousStorageIfAvailable { String(bytes: $0) }
    self = text ?? Array(bytes).withUnsafeBufferPointer { String(bytes: $0) }
  }

  /// Byte by byte where some are no UTF-8.
  private init(mixed bytes: UnsafeBufferPointer<UInt8>) {
    var scalars = String.UnicodeScalarView()
    var rest = bytes[...]
    while let byte = rest.first {
      let length = byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4
      let part = rest.prefix(length)
      if let text = String(validating: part, as: UTF8.self), text.unicodeScalars.count == 1,
        let scalar = text.unicodeScalars.first, Self.stands(scalar) == nil
      {
        scalars.append(scalar)
        rest = rest.dropFirst(length)
      } else {
        scalars.append(Unicode.Scalar(Self.first + UInt32(byte))!)
        rest = rest.dropFirst()
      }
    }
    self.init(scalars)
  }

  /// Whether any of its characters would become a byte.
  private var standsForBytes: Bool {
    // All of them begin with this byte in UTF-8.
    utf8.contains(0xF4) && unicodeScalars.contains { Self.stands($0) != nil }
  }

  /// What ``init(bytes:)`` was given.
  package var bytes: [UInt8] {
    guard standsForBytes else { return Array(utf8) }
    return unicodeScalars.flatMap { scalar in
      Self.stands(scalar).map { [$0] } ?? Array(UTF8.encode(scalar)!)
    }
  }
}

extension String {
  /// A file of the kernel; nil where it cannot be read.
  package init?(kernelFile path: String) {
    guard let data = FileManager.default.contents(atPath: path) else { return nil }
    self.init(bytes: data)
  }
}
