// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation
import Shims

/// One build of a compiled subject, with a world of its own. Used by one thread at a time.
///
/// It comes out of a shared object, or out of the program itself (`swift test`); both hand over
/// the same table, `struct kshim_table` of shims/public/kshim.h.
public final class Subject {
  /// The table. Valid as long as this object.
  public let table: UnsafePointer<kshim_table>
  public let name: String
  /// SHA-256 of the extracted text, hexadecimal.
  public let textSHA256: String
  public let slots: [String]
  public let calls: [String]
  public let entries: [String]
  public let locks: [String]
  public let prepares: [String]
  /// What the subject calls a thread, `vcpu`; nil where one step runs at a time.
  public let threadName: String?
  private let handle: UnsafeMutableRawPointer?

  /// Takes the table of a subject that is linked into this program.
  public init(table: UnsafePointer<kshim_table>) throws {
    handle = nil
    self.table = table
    (name, textSHA256, slots, calls, entries, locks, prepares) = try Self.read(table)
    threadName = Self.threadName(table)
  }

  /// Loads a shared object. Each path has a world of its own; a copy of the file makes another.
  ///
  /// - Throws: ``Failure`` of kind tool when it cannot be loaded or is of another version.
  public init(sharedObject path: String) throws {
    guard let handle = dlopen(path, RTLD_NOW | RTLD_LOCAL) else {
      throw Failure(
        .tool, asked: "load the compiled subject", cause: String(cString: dlerror()), place: path,
        remedy: "run the command again; if it repeats, report it")
    }
    guard let symbol = dlsym(handle, KSHIM_TABLE_SYMBOL) else {
      dlclose(handle)
      throw Failure(
        .tool, asked: "load the compiled subject", cause: "it has no \(KSHIM_TABLE_SYMBOL)()",
        place: path, remedy: "run the command again; if it repeats, report it")
    }
    typealias Function = @convention(c) () -> UnsafePointer<kshim_table>
    self.handle = handle
    table = unsafeBitCast(symbol, to: Function.self)()
    (name, textSHA256, slots, calls, entries, locks, prepares) = try Self.read(table)
    threadName = Self.threadName(table)
  }

  private static func threadName(_ table: UnsafePointer<kshim_table>) -> String? {
    table.pointee.thread_count > 1 ? String(cString: table.pointee.thread_name) : nil
  }

  deinit { if let handle { dlclose(handle) } }

  private static func read(
    _ table: UnsafePointer<kshim_table>
  ) throws -> (String, String, [String], [String], [String], [String], [String]) {
    let raw = table.pointee
    guard raw.abi == UInt32(KSHIM_ABI) else {
      throw Failure(
        .tool, asked: "load the compiled subject",
        cause: "it was built for version \(raw.abi) of the table, not \(KSHIM_ABI)",
        remedy: "extract it again with this kshim")
    }
    func names(_ list: UnsafePointer<UnsafePointer<CChar>?>?, _ count: UInt32) -> [String] {
      (0..<Int(count)).map { String(cString: list![$0]!) }
    }
    return (
      String(cString: raw.subject), String(cString: raw.text_sha256),
      names(raw.slots, raw.slot_count), names(raw.calls, raw.call_count),
      names(raw.entries, raw.entry_count), names(raw.locks, raw.lock_count),
      names(raw.prepares, raw.prepare_count)
    )
  }

  /// What to subtract from a return address to get its offset in the module's file.
  public var moduleStart: UInt64 { table.pointee.module_start }

  /// Where a place lies in the module; 0 for no place.
  func offset(of pc: UInt64) -> UInt64 { pc == 0 ? 0 : pc &- moduleStart }

  /// Where the line of a basic block is told, if not at the block's own place: behind what counts it.
  public func place(ofBlock offset: UInt64) -> UInt64 {
    table.pointee.place(offset &+ moduleStart) &- moduleStart
  }

  /// How many of the last basic blocks a world keeps.
  public var blockRing: Int { Int(KSHIM_BLOCK_RING) }

  /// Writes how often each branch was taken, where this build counts it.
  public func writeProfile(to path: String) { _ = table.pointee.write_profile?(path) }

  /// Counts anew, in a build that counts.
  public func forgetCounts() { table.pointee.forget_counts?() }

  public var world: World { World(table: table) }

  /// Number of a slot; nil when this kernel does not have it.
  public func slot(_ name: String) -> UInt32? { slots.firstIndex(of: name).map(UInt32.init) }

  /// From which call on what is asked is an input; nil where none is.
  public var firstInput: Int? {
    String(cString: table.pointee.plan).split(separator: "\n").lazy
      .filter { $0.hasPrefix("inputs ") }.compactMap { Int($0.dropFirst(7)) }.first
  }

  /// Number of a target.
  public func entry(_ name: String) -> UInt32? { entries.firstIndex(of: name).map(UInt32.init) }

  /// Whether a target returns nothing.
  public func isVoid(_ entry: Int) -> Bool { table.pointee.entry_is_void[entry] != 0 }

  /// Number of a boundary callee or callback; nil when this kernel does not have it.
  public func call(_ name: String) -> UInt16? { calls.firstIndex(of: name).map(UInt16.init) }

  /// Numbers of those that there are.
  func calls(_ names: Set<String>?) -> Set<UInt16> { Set((names ?? []).compactMap(call)) }
}
