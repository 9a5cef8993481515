// SPDX-License-Identifier: GPL-2.0-only
import CLinux
import Failures
import Foundation
import Synchronization

/// A process that does works, seen from the one that asks for them and believes only what comes whole.
final class WorkerProcess: Sendable {
  /// It ended before it had told what came of a work.
  struct Ended: Error {
    var failure: Failure
    /// Whether it did nothing else, so that the work ended it.
    var wasAlone: Bool
  }

  private struct Pending {
    var take: @Sendable (Result<Data, any Error>) -> Void
    var note: @Sendable (Data) -> Void
  }

  private struct State {
    var pending: [Int: Pending] = [:]
    var next = 1
    var process: pid_t = 0
    /// Why it was ended.
    var reason: (cause: String, remedy: String)?
    var ended: Failure?
    /// Whether something was heard of it since it was last looked at.
    var isHeard = true
  }

  private let state = Mutex(State())
  private let channel: Channel
  private let limits: WorkerLimits
  private let isJailed: Bool
  private let answer: @Sendable (Data) -> Data?

  /// - Parameter jail: nil: it may do what this process may.
  /// - Parameter answer: what it is told when it asks.
  init(
    _ program: String, arguments: [String], jail: Jail?, limits: WorkerLimits,
    answer: @escaping @Sendable (Data) -> Data?
  ) throws {
    var ends: [Int32] = [-1, -1]
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else {
      throw Self.tool("a socket cannot be made (\(String(cString: strerror(errno))))")
    }
    channel = Channel(ends[0])
    self.limits = limits
    isJailed = jail != nil
    self.answer = answer
    defer { close(ends[1]) }
    var (executable, all) = (program, arguments)
    var filter: Int32 = -1
    if let jail {
      executable = try Jail.program()
      filter = linux_worker_filter()
      guard filter >= 0 else { throw Self.tool("the filter of system calls cannot be made") }
      all = jail.arguments(filter: Self.filterDescriptor) + [program] + arguments
    }
    defer { if filter >= 0 { close(filter) } }
    // It dies with the thread that starts it, so that must be one that waits for it.
    let started = DispatchSemaphore(value: 0)
    let (program, socket, descriptor) = (executable, ends[1], filter)
    let result = Mutex<Result<pid_t, any Error>>(.success(0))
    Thread { [self, all] in
      let process = Result { try Self.start(program, all, socket, descriptor) }
      if case .success(let process) = process { state.withLock { $0.process = process } }
      result.withLock { $0 = process }
      started.signal()
      if case .success(let process) = process { wait(process) }
    }.start()
    started.wait()
    let process = try result.withLock { try $0.get() }
    Thread { [self] in listen() }.start()
    Thread { [self] in watch(process) }.start()
  }

  private static let filterDescriptor: Int32 = 3

  private static func start(
    _ executable: String, _ arguments: [String], _ socket: Int32, _ filter: Int32
  ) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, socket, 0)
    posix_spawn_file_actions_adddup2(&actions, socket, 1)
    // libclang's last words, and the code's, are nobody's result.
    if ProcessInfo.processInfo.environment["KSHIM_WORKER_ERRORS"] == nil {
      posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
    }
    if filter >= 0 { posix_spawn_file_actions_adddup2(&actions, filter, filterDescriptor) }
    var words = ([executable] + arguments).map { strdup($0) }
    words.append(nil)
    defer { for word in words { free(word) } }
    // A jail's first process has nothing that the others could read.
    var none: [UnsafeMutablePointer<CChar>?] = [nil]
    var process: pid_t = 0
    let error = none.withUnsafeMutableBufferPointer { none in
      posix_spawn(
        &process, executable, &actions, nil, words, filter >= 0 ? none.baseAddress! : environ)
    }
    guard error == 0 else {
      throw tool("\(executable) cannot be started (\(String(cString: strerror(error))))")
    }
    return process
  }

  private static func tool(_ cause: String) -> Failure {
    Failure(.tool, asked: "start a worker", cause: cause, remedy: "run the command again")
  }

  // MARK: Works

  /// How many works it does at the moment.
  var load: Int { state.withLock { $0.pending.count } }
  var hasEnded: Bool { state.withLock { $0.ended != nil } }

  func perform<W: Work>(
    _ work: W, note: @escaping @Sendable (W.Note) -> Void
  ) async throws -> W.Product {
    let record: Data = try await withCheckedThrowingContinuation { continuation in
      let pending = Pending(
        take: { continuation.resume(with: $0) },
        note: { [self] in
          do {
            note(try Records.body(W.Note.self, $0))
          } catch {
            spoil()
          }
        })
      let begun: (id: Int, failure: Failure?) = state.withLock { state in
        if let failure = state.ended { return (0, failure) }
        let id = state.next
        state.next += 1
        state.pending[id] = pending
        state.isHeard = true
        return (id, nil)
      }
      if let failure = begun.failure {
        pending.take(.failure(Ended(failure: failure, wasAlone: false)))
        return
      }
      do {
        // What cannot be sent is told as its end, by whoever waits for that.
        channel.write(try Records.encode(begun.id, .begin, work: W.name, work))
      } catch {
        let taken = state.withLock { $0.pending.removeValue(forKey: begun.id) }
        taken?.take(.failure(error))
      }
    }
    do {
      return try Records.body(W.Product.self, record)
    } catch {
      spoil()
      throw Ended(failure: Self.garbled, wasAlone: true)
    }
  }

  /// Ends it, when nobody waits for it any more.
  func end() {
    channel.shutDown()
    let process = state.withLock { $0.ended == nil ? $0.process : 0 }
    if process > 0 { ProcessTree.end(process) }
  }

  // MARK: What is heard of it

  private func listen() {
    while let record = channel.read() {
      guard let head = Records.head(record) else { return spoil() }
      switch head.kind {
      case .note:
        let pending: Pending? = state.withLock { state in
          state.isHeard = true
          return state.pending[head.id]
        }
        pending?.note(record)
      case .product, .failure:
        let pending: Pending? = state.withLock { state in
          state.isHeard = true
          return state.pending.removeValue(forKey: head.id)
        }
        guard let pending else { return spoil() }
        if head.kind == .product {
          pending.take(.success(record))
        } else if let failure = try? Records.body(Failure.self, record) {
          pending.take(.failure(failure))
        } else {
          pending.take(.failure(Ended(failure: Self.garbled, wasAlone: true)))
          return spoil()
        }
      case .ask:
        guard let said = answer(Records.bytes(record)),
          let told = try? Records.encode(head.id, .answer, bytes: said)
        else { return spoil() }
        channel.write(told)
      case .begin, .answer: return spoil()
      }
    }
  }

  private static let garbled = Failure(
    .build, asked: "come to a verdict",
    cause: "the process that compiles and runs the code told what cannot be understood",
    remedy: "look in the patch for what writes where it should not; without a patch, report it")

  /// What it says is not believed any more.
  private func spoil() {
    end(because: ("told what cannot be understood", Self.garbled.remedy))
  }

  /// Ends it for a reason, which those who wait are told.
  private func end(because reason: (cause: String, remedy: String)) {
    let process = state.withLock { state in
      if state.reason == nil { state.reason = reason }
      return state.ended == nil ? state.process : 0
    }
    if process > 0 { ProcessTree.end(process) }
  }

  private func wait(_ process: pid_t) {
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0, errno == EINTR {}
    // What it told is taken first.
    usleep(20_000)
    channel.shutDown()
    let reason = state.withLock { $0.reason }
    let failure = failure(status, reason)
    let pending: [Pending] = state.withLock { state in
      state.ended = failure
      defer { state.pending = [:] }
      return Array(state.pending.values)
    }
    let ended = Ended(failure: failure, wasAlone: pending.count == 1)
    for one in pending { one.take(.failure(ended)) }
  }

  private func failure(_ status: Int32, _ reason: (cause: String, remedy: String)?) -> Failure {
    let signal = status & 0x7F
    // A shell's way to tell of a signal is bubblewrap's, too.
    let code = (status >> 8) & 0xFF
    let number = signal != 0 ? signal : isJailed && code > 128 ? code - 128 : 0
    let what =
      reason?.cause
      ?? (number != 0
        ? "was ended by signal \(number) (\(String(cString: strsignal(number))))"
        : "ended by itself, with status \(code)")
    return Failure(
      .build, asked: "come to a verdict",
      cause: "the process that compiles and runs the code \(what) before it told one",
      remedy: reason?.remedy
        ?? "look in the patch for what ends a process or crashes the compiler; without a patch, report it"
    )
  }

  // MARK: Limits

  /// Looks after what it takes, as long as it is there.
  private func watch(_ process: pid_t) {
    let clock = SuspendingClock()
    var (last, silent, before) = (clock.now, 0.0, 0.0)
    while !hasEnded {
      usleep(200_000)
      let now = clock.now
      // Who was stopped himself, by Ctrl-Z say, has not listened.
      let elapsed = min(0.5, (now - last) / .seconds(1))
      last = now
      guard load > 0 else { continue }
      let tree = ProcessTree(of: process)
      let isHeard = state.withLock { state in
        defer { state.isHeard = false }
        return state.isHeard
      }
      if isHeard { (silent, before) = (0, tree.busy) } else { silent += elapsed }
      if let reason = excess(tree, silent: silent, busy: max(0, tree.busy - before)) {
        end(because: reason)
        return
      }
    }
  }

  private func excess(
    _ tree: ProcessTree, silent: Double, busy: Double
  ) -> (cause: String, remedy: String)? {
    if tree.memory > limits.memory {
      return (
        "took more than \(limits.memory >> 20) MB of memory and was ended",
        "look in the patch for what lets the compiler or the code grow, as a macro that doubles itself"
      )
    }
    if tree.processes > limits.processes {
      return (
        "made more than \(limits.processes) processes and was ended",
        "look in the patch for what starts processes"
      )
    }
    let isStuck = silent > limits.idle && busy < silent / 10
    guard busy > limits.busy || isStuck else { return nil }
    return (
      "said nothing for \(Int(silent)) seconds, \(Int(busy)) of them busy, and was ended",
      "look in the patch for what the compiler or the code waits for without end"
    )
  }
}
