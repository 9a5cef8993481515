// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// What a process and all that it started take, as /proc says.
public struct ProcessTree {
  var processes = 0
  /// In bytes; what several share counts once for each.
  var memory = 0
  /// Processor time of those that there are, in seconds.
  var busy = 0.0

  init(of process: pid_t) {
    var waiting = [process]
    // What multiplies faster than it is counted is too many.
    while let next = waiting.popLast(), processes < 5000 {
      add(next)
      waiting += Self.children(of: next)
    }
  }

  private mutating func add(_ process: pid_t) {
    guard let text = Self.read("/proc/\(process)/stat"),
      let end = text.lastIndex(of: ")")
    else { return }
    processes += 1
    let fields = text[text.index(after: end)...].split(separator: " ")
    guard fields.count > 21 else { return }
    let ticks =
      (Double(fields[11]) ?? 0) + (Double(fields[12]) ?? 0)
      + (Double(fields[13]) ?? 0) + (Double(fields[14]) ?? 0)
    busy += ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
    memory += (Int(fields[21]) ?? 0) * Int(getpagesize())
  }

  public static func children(of process: pid_t) -> [pid_t] {
    let threads =
      (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/task")) ?? []
    return threads.flatMap { thread in
      (read("/proc/\(process)/task/\(thread)/children") ?? "").split(separator: " ")
        .compactMap { pid_t($0) }
    }
  }

  /// A file of /proc, all of it: its size is not known before, and Foundation stops at a page.
  package static func read(_ path: String) -> String? {
    guard let file = FileHandle(forReadingAtPath: path) else { return nil }
    var text = Data()
    while let part = try? file.read(upToCount: 1 << 16), !part.isEmpty { text += part }
    return String(decoding: text, as: UTF8.self)
  }

  /// Ends a process and all that it started.
  public static func end(_ process: pid_t) {
    let children = children(of: process)
    kill(process, SIGKILL)
    for child in children { end(child) }
  }
}
