// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// What the numbers were measured on.
struct Machine: Codable {
  var cpu: String
  var cores: Int
  var memoryMB: Int
  var system: String
  var swift: String
  var clang: String
  var cc: String
  /// Of one minute, before the first measurement: what else runs on it disturbs.
  var load: Double

  static func read() async -> Machine {
    func file(_ path: String) -> String {
      (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    }
    func version(_ command: [String]) async -> String {
      let text = try? await SetUp.run(command)
      return text?.split(separator: "\n").first.map(String.init) ?? "none"
    }
    let cpu = file("/proc/cpuinfo").firstMatch(of: /model name\s*:\s*(.*)/)?.1
    return Machine(
      cpu: cpu.map(String.init) ?? "unknown", cores: ProcessInfo.processInfo.activeProcessorCount,
      memoryMB: Int(ProcessInfo.processInfo.physicalMemory / 1_000_000),
      system: "Linux \(file("/proc/sys/kernel/osrelease"))".trimmingCharacters(in: .newlines),
      swift: await version(["swift", "--version"]),
      clang: await version([(try? clang()) ?? "clang", "--version"]),
      cc: await version(["cc", "--version"]),
      load: Double(file("/proc/loadavg").prefix { $0 != " " }) ?? 0)
  }

  /// The compiler that kshim takes: the Swift toolchain's, else the first on PATH.
  static func clang() throws -> String {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
      .filter { FileManager.default.isExecutableFile(atPath: "\($0)/clang") }
    let toolchain = folders.first {
      FileManager.default.isExecutableFile(atPath: "\($0)/swiftc")
    }
    guard let folder = toolchain ?? folders.first else {
      throw Trouble("there is no clang on PATH", remedy: "put the Swift toolchain's folder on it")
    }
    return "\(folder)/clang"
  }
}
