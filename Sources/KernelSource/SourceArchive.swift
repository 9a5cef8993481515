// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// The whole source of a Debian kernel, kept beside what was unpacked of it, so that any other folder
/// can be had without a network: the tarball as Debian made it, and a list of where each file is.
///
/// Of the tarball only those of xz's blocks are read that hold what is asked for.
struct SourceArchive {
  /// The tree that it is of.
  let tree: String
  let environment: [String: String?]

  static let folder = ".kshim"
  static let name = "\(folder)/source.tar.xz"
  static let listName = "\(folder)/source.list"

  private var path: String { "\(tree)/\(Self.name)" }
  private var list: String { "\(tree)/\(Self.listName)" }

  /// A file, or a symbolic link.
  struct Member: Equatable {
    enum Kind: String {
      case file = "f"
      case program = "x"
      case link = "l"
    }
    var kind: Kind
    /// Where its content is in the tarball, unpacked, and how much that is.
    var offset: Int
    var size: Int
    /// Relative to the tree's top.
    var path: String
    /// Of a link.
    var target: String?
  }

  /// What is wrong with the archive, not with what is asked for.
  struct Damaged: Error {}

  // MARK: The list

  /// Writes the list from what `tar -tvR --numeric-owner --quoting-style=literal` says.
  func writeList(from listing: String) throws {
    let text = try String(contentsOfFile: listing, encoding: .utf8)
    let members = try Self.members(listing: text)
    let lines = members.map {
      let link = $0.target.map { " -> \($0)" } ?? ""
      return "\($0.kind.rawValue) \($0.offset) \($0.size) \($0.path)\(link)\n"
    }
    try lines.joined().write(toFile: list, atomically: false, encoding: .utf8)
  }

  /// `block 47: -rw-r--r-- 0/0   374 2026-08-28 06:22 TOP/FILE`: a block has 512 bytes, and a
  /// member's name may take some of those before its content, which is the last of it.
  static func members(listing: String) throws -> [Member] {
    var members: [Member] = []
    var hardLinks: [(path: String, target: String)] = []
    var last: Member?
    var isEnded = false
    for line in listing.split(separator: "\n") {
      let fields = line.split(separator: " ", maxSplits: 7)
      guard fields.count > 3, fields[0] == "block", let block = Int(fields[1].dropLast()) else {
        throw Damaged()
      }
      if var member = last {
        member.offset = block * 512 - (member.size + 511) / 512 * 512
        members.append(member)
        last = nil
      }
      if fields[2] == "**" {
        isEnded = true
        break
      }
      guard fields.count == 8, let slash = fields[7].firstIndex(of: "/") else { continue }
      let path = String(fields[7][fields[7].index(after: slash)...])
      switch fields[2].first {
      case "-":
        guard let size = Int(fields[4]) else { throw Damaged() }
        last = Member(
          kind: fields[2].contains("x") ? .program : .file, offset: 0, size: size, path: path)
      case "l":
        guard let arrow = path.range(of: " -> ") else { throw Damaged() }
        last = Member(
          kind: .link, offset: 0, size: 0, path: String(path[..<arrow.lowerBound]),
          target: String(path[arrow.upperBound...]))
      case "h":
        guard let word = path.range(of: " link to "),
          let slash = path[word.upperBound...].firstIndex(of: "/")
        else { throw Damaged() }
        hardLinks.append(
          (String(path[..<word.lowerBound]), String(path[path.index(after: slash)...])))
      default: break
      }
    }
    guard isEnded else { throw Damaged() }
    for link in hardLinks {
      guard var member = members.first(where: { $0.path == link.target }) else { throw Damaged() }
      member.path = link.path
      members.append(member)
    }
    return members
  }

  /// The members that are wanted, in the order of the tarball.
  private func members(where isWanted: (Substring) -> Bool) throws -> [Member] {
    guard let text = try? String(contentsOfFile: list, encoding: .utf8) else { throw Damaged() }
    var members: [Member] = []
    for line in text.utf8.split(separator: UInt8(ascii: "\n")) {
      let fields = line.split(separator: UInt8(ascii: " "), maxSplits: 3).map(Substring.init)
      guard fields.count == 4, let kind = Member.Kind(rawValue: String(fields[0])),
        let offset = Int(fields[1]), let size = Int(fields[2])
      else { throw Damaged() }
      let arrow = kind == .link ? fields[3].range(of: " -> ") : nil
      let path = arrow.map { fields[3][..<$0.lowerBound] } ?? fields[3]
      guard isWanted(path) else { continue }
      members.append(
        Member(
          kind: kind, offset: offset, size: size, path: String(path),
          target: arrow.map { String(fields[3][$0.upperBound...]) }))
    }
    return members.sorted { $0.offset < $1.offset }
  }

  // MARK: Unpacking

  /// Unpacks some more.
  ///
  /// - Parameters:
  ///   - paths: as for ``KernelStore/need(_:of:progress:)``; what the kernel has not is left out.
  ///   - target: the top of where it goes.
  ///   - scratch: a directory for what is not to be kept.
  /// - Throws: ``Damaged``, or an error of the file system's.
  func unpack(_ paths: [NeededPath], into target: String, _ scratch: String) async throws {
    let members = try members { path in paths.contains { $0.takes(path) } }
    guard let archive = XZBlocks(path) else { throw Damaged() }
    var numbers: Set<Int> = []
    for member in members where member.size > 0 {
      let end = archive.block(at: member.offset + member.size - 1)
      numbers.formUnion(archive.block(at: member.offset)...end)
    }
    let blocks = numbers.sorted()
    let content = try await content(of: blocks, archive, scratch)
    /// Where the content of each block begins in what was unpacked.
    var starts: [Int: Int] = [:]
    var start = 0
    for number in blocks {
      starts[number] = start
      start += archive.blocks[number].contentSize
    }
    guard content.count == start else { throw Damaged() }
    var made: Set<String> = []
    for member in members {
      let file = "\(target)/\(member.path)"
      let folder = (file as NSString).deletingLastPathComponent
      if made.insert(folder).inserted {
        try FileManager.default.createDirectory(
          atPath: folder, withIntermediateDirectories: true)
      }
      if let link = member.target {
        guard symlink(link, file) == 0 else { throw lastError() }
        continue
      }
      var range = 0..<0
      if member.size > 0 {
        let number = archive.block(at: member.offset)
        let from = (starts[number] ?? 0) + member.offset - archive.blocks[number].contentOffset
        range = from..<(from + member.size)
      }
      try Self.write(content, range, to: file, mode: member.kind == .program ? 0o755 : 0o644)
    }
  }

  /// Without waiting for the disk: what a crash of the machine leaves is seen to be damaged.
  private static func write(
    _ content: Data, _ range: Range<Int>, to file: String, mode: mode_t
  ) throws {
    let descriptor = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
    guard descriptor >= 0 else { throw lastError() }
    defer { close(descriptor) }
    guard fchmod(descriptor, mode) == 0 else { throw lastError() }
    try content.withUnsafeBytes { bytes in
      var rest = UnsafeRawBufferPointer(rebasing: bytes[range])
      while let start = rest.baseAddress, !rest.isEmpty {
        let count = Foundation.write(descriptor, start, rest.count)
        guard count > 0 else { throw lastError() }
        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
      }
    }
  }

  /// What is in some blocks, one after another.
  private func content(
    of blocks: [Int], _ archive: XZBlocks, _ scratch: String
  ) async throws -> Data {
    guard !blocks.isEmpty else { return Data() }
    let (part, whole) = ("\(scratch)/part.xz", "\(scratch)/part")
    try archive.write(blocks, to: part)
    let result = try await Command.script(
      #"xz -dc -T0 "$1" > "$2""#, [part, whole], needs: ["xz"], environment: environment)
    guard result.succeeded else {
      if KernelStore.isDiskTrouble(result.errorLines) { throw POSIXError(.ENOSPC) }
      throw Damaged()
    }
    return try Data(contentsOf: URL(fileURLWithPath: whole), options: .alwaysMapped)
  }
}
