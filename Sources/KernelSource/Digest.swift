// SPDX-License-Identifier: GPL-2.0-only
import Crypto
import Foundation

/// SHA-256, in 64 hexadecimal digits: the one hash that says whether two contents are the same.
package enum Digest {
  package static func of(_ data: some DataProtocol) -> String {
    hexadecimal(SHA256.hash(data: data))
  }

  package static func of(_ text: String) -> String { of(Data(text.utf8)) }

  /// - Returns: nil where the file cannot be read.
  package static func of(file path: String) -> String? {
    FileManager.default.contents(atPath: path).map { of($0) }
  }

  private static let known = FileMemo<String?>()

  /// By path; a file that cannot be read has none. One that is still what it was is not read again.
  package static func of(files paths: [String]) -> [String: String] {
    let digests = Parallel.map(paths) { path in known.content(of: path) { of(file: path) } }
    return Dictionary(zip(paths, digests).compactMap { path, digest in digest.map { (path, $0) } })
    {
      $1
    }
  }

  static func hexadecimal(_ digest: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(
      decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }
}
