// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import KernelSource
import TestSupport

/// One run of kshim on a hostile patch, watched from outside.
struct HostileRun: Sendable {
  /// What the patch has done that nobody asked for; empty: none.
  var harm: [String] = []
  /// The exit status; nil where the test had to end it.
  var status: Int32?
  /// The first line of what it said.
  var message = ""
  var seconds = 0.0
  /// How the harm is told that it had not ended in time.
  static let goesOn = "still running"
  /// What is there still after the test has cleared up.
  var left: [String] = []
}

/// What a hostile patch is let loose on: canaries in a directory of its own, a process, a listener.
struct HostileScene {
  let patch: HostilePatch
  let tree: KernelTree
  /// Nobody else may write there.
  let directory: String
  /// What kshim keeps of this pass.
  let cache: String
  /// More options of kshim, as `--no-jail`.
  let options: [String]
  /// After so many seconds the test ends it.
  let most: Double

  /// More would be harm.
  private static let mostMemory = 2 << 30
  private static let mostProcesses = 100
  private static let mostDisk = 512 << 20

  func run() async throws -> HostileRun {
    let mark =
      "hostile\(UInt64.random(in: 0...UInt64.max) | 1 << 60)".prefix(20)
      + String(UInt32.random(in: 0x100_0000...0xfff_ffff), radix: 16)
    let token = "s\(UInt64.random(in: .min ... .max))x\(UInt64.random(in: .min ... .max))"
    let files = FileManager.default
    for folder in ["work", "tmp"] {
      try files.createDirectory(
        atPath: "\(directory)/\(folder)", withIntermediateDirectories: true)
    }
    let listener = try Listener()
    let victim = try Spawned(
      ["/bin/sleep", "600"], environment: [:], directory: directory, output: "/dev/null",
      errors: "/dev/null", input: "/dev/null")
    let targets = HostilePatch.Targets(
      mark: String(mark), directory: directory, cache: cache, port: listener.port,
      victim: victim.process)
    try Data("\(token);\n".utf8).write(to: URL(fileURLWithPath: targets.secret))
    try Data(repeating: 0x76, count: 100).write(to: URL(fileURLWithPath: targets.spoiled))
    chmod(targets.spoiled, 0o644)
    let path = "\(directory)/\(mark).patch"
    try await patch.patch(targets, of: tree).write(to: URL(fileURLWithPath: path))
    let terminal = try Terminal()
    let began = terminal.settings

    var run = HostileRun()
    var environment = ProcessInfo.processInfo.environment
    for name in ["KERNEL", "KSHIM_ROOT", "NO_COLOR"] { environment[name] = nil }
    environment["TMPDIR"] = "\(directory)/tmp"
    environment["XDG_CACHE_HOME"] = cache
    environment["HOSTILE_SECRET"] = token
    environment["HOSTILE_MARK"] = targets.mark
    let named =
      patch.options.contains("--each-commit")
      ? [] : ["--function", "\(HostilePatch.file):\(HostilePatch.function)"]
    let start = ContinuousClock.now
    let kshim = try Spawned(
      [Tool.path, "check", "--kernel", tree.directory, "--patch", path, "--no-cache"] + named
        + patch.options + options, environment: environment, directory: "\(directory)/work",
      output: "\(directory)/out", errors: "\(directory)/err", input: terminal.path)
    var (memory, processes, disk) = (0, 0, 0)
    while kshim.status == nil {
      let tree = Processes.below(kshim.process)
      memory = max(memory, tree.memory)
      processes = max(processes, tree.count)
      disk = max(disk, Self.size(of: "\(directory)/tmp"))
      run.seconds = Self.seconds(since: start)
      if run.seconds > most {
        run.harm.append("\(HostileRun.goesOn) after \(Int(most)) s")
        break
      }
      try await Task.sleep(for: .milliseconds(100))
    }
    run.seconds = Self.seconds(since: start)
    let isEnded = kshim.status != nil
    run.status = kshim.status
    // What outlives it may need a moment to show.
    try await Task.sleep(for: .milliseconds(600))

    let output = files.contents(atPath: "\(directory)/out") ?? Data()
    let errors = files.contents(atPath: "\(directory)/err") ?? Data()
    run.message = Self.message(output, errors)
    func add(_ harm: String, _ isSo: Bool) { if isSo { run.harm.append(harm) } }
    let said = String(decoding: output + errors, as: UTF8.self)
    add("secret sent", listener.received.contains(token))
    add("secret shown", said.lowercased().contains(token))
    for (name, path) in [
      ("canary", targets.canary), ("working directory", "\(directory)/work/\(mark)"),
      ("shared memory", targets.shared), ("cache", "\(cache)/kshim/results/\(mark)"),
    ] { add("file written (\(name))", files.fileExists(atPath: path)) }
    let fill = "\(directory)/fill"
    add("disk filled", Self.size(of: fill) > 100 << 20 || disk > Self.mostDisk)
    for path in [
      targets.canary, fill, targets.shared, targets.once, "\(directory)/work/\(mark)",
      "\(cache)/kshim/results/\(mark)",
    ] { try? files.removeItem(atPath: path) }
    add("segment left", Self.removeSegment(targets.segment))
    var status = stat()
    add(
      "file spoiled",
      stat(targets.spoiled, &status) != 0 || status.st_size != 100
        || status.st_mode & 0o777 != 0o644)
    add("process killed", victim.status != nil)
    add("process stopped", victim.status == nil && Processes.isTraced(victim.process))
    add("\(memory >> 20) MB of memory", memory > Self.mostMemory)
    add("\(processes) processes", processes > Self.mostProcesses)
    if isEnded {
      add("process left", !Processes.marked(targets.mark).isEmpty)
      let scratch = (try? files.contentsOfDirectory(atPath: "\(directory)/tmp")) ?? []
      add("scratch left", !scratch.isEmpty)
      add("ended by a signal", (run.status ?? 0) > 128)
      add("no word", output.isEmpty && errors.isEmpty)
      // The function leaks in each of these.
      add("called clean", patch.kind == .forgedVerdict && run.status == 0 && patch.leaks)
    }
    add("forged line", said.contains("FORGED"))
    add("terminal sequence", (output + errors).contains { $0 == 0x1b || $0 == 0x07 })
    add("terminal written to", terminal.isWritten)
    add("terminal changed", terminal.settings != began)

    Processes.end(targets.mark)
    kshim.end()
    victim.end()
    listener.close()
    terminal.close()
    if !Processes.marked(targets.mark).isEmpty { run.left.append("a process") }
    try files.removeItem(atPath: directory)
    for path in [targets.shared, targets.once] where files.fileExists(atPath: path) {
      run.left.append(path)
    }
    return run
  }

  private static func seconds(since start: ContinuousClock.Instant) -> Double {
    let (seconds, parts) = start.duration(to: .now).components
    return Double(seconds) + Double(parts) / 1e18
  }

  /// The first line that kshim says of the patch.
  private static func message(_ output: Data, _ errors: Data) -> String {
    let lines = String(decoding: (errors.isEmpty ? output : errors).prefix(4096), as: UTF8.self)
      .split(separator: "\n").map { $0.filter { $0 >= " " && $0 != "\u{7f}" } }
    let line =
      lines.first { $0.hasPrefix("kshim: ") } ?? lines.first { $0.contains("leak") }
      ?? lines.first { $0.contains(": clean") } ?? lines.first ?? ""
    return String(line)
  }

  private static func size(of path: String) -> Int {
    var status = stat()
    guard lstat(path, &status) == 0 else { return 0 }
    guard status.st_mode & S_IFMT == S_IFDIR else { return Int(status.st_blocks) * 512 }
    let names = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
    return names.reduce(0) { sum, name in
      lstat("\(path)/\(name)", &status) == 0 ? sum + Int(status.st_blocks) * 512 : sum
    }
  }

  /// - Returns: whether there was one.
  private static func removeSegment(_ key: UInt32) -> Bool {
    let id = shmget(key_t(bitPattern: key), 0, 0)
    guard id >= 0 else { return false }
    shmctl(id, IPC_RMID, nil)
    return true
  }

  /// A terminal that is kshim's standard input.
  private struct Terminal {
    private let master: Int32
    private let slave: Int32
    let path: String

    init() throws {
      master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
      var (lock, number): (Int32, Int32) = (0, 0)
      // TIOCSPTLCK and TIOCGPTN.
      guard master >= 0, ioctl(master, 0x4004_5431, &lock) == 0,
        ioctl(master, 0x8004_5430, &number) == 0
      else { throw POSIXError(.ENXIO) }
      path = "/dev/pts/\(number)"
      slave = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC)
    }

    var settings: [UInt32] {
      var settings = termios()
      tcgetattr(slave, &settings)
      return [settings.c_iflag, settings.c_oflag, settings.c_cflag, settings.c_lflag]
    }

    var isWritten: Bool {
      var wait = pollfd(fd: master, events: Int16(POLLIN), revents: 0)
      return poll(&wait, 1, 0) > 0
    }

    func close() {
      Glibc.close(slave)
      Glibc.close(master)
    }
  }
}
