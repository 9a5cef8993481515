// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation
import Synchronization

/// Does works in other processes, one for each group of them: what the code of one revision does to its
/// process is not another's.
public final class WorkerPool: Worker {
  /// More are not kept when they have nothing to do.
  private static let most = 3

  private let program: String
  private let arguments: [String]
  private let jail: Jail?
  private let limits: WorkerLimits
  private let answering: @Sendable () -> @Sendable (Data) -> Data?
  /// By group; those that were used last stand last.
  private let processes = Mutex<[(group: String?, process: WorkerProcess)]>([])
  private let alone = Turn()

  /// - Parameters:
  ///   - program: answers with ``WorkerService/run(_:)`` to these arguments.
  ///   - jail: what it may see; nil for no jail.
  ///   - answering: makes, for each process, what answers when that asks.
  public init(
    _ program: String, arguments: [String], jail: Jail?, limits: WorkerLimits = WorkerLimits(),
    answering: @escaping @Sendable () -> @Sendable (Data) -> Data?
  ) {
    self.answering = answering
    self.program = program
    self.arguments = arguments
    self.jail = jail
    self.limits = limits
  }

  /// Starts a process for the first group that comes.
  ///
  /// - Parameter work: what it does until then, whatever comes of it.
  public func warmUp(_ work: some Work) {
    let process = processes.withLock { processes -> WorkerProcess? in
      guard processes.isEmpty, let process = try? start() else { return nil }
      processes.append((nil, process))
      return process
    }
    Task { _ = try? await process?.perform(work) { _ in } }
  }

  public func perform<W: Work>(
    _ work: W, note: @escaping @Sendable (W.Note) -> Void
  ) async throws -> W.Product {
    do {
      return try await process(work.group).perform(work, note: note)
    } catch let ended as WorkerProcess.Ended {
      if ended.wasAlone { throw try checked(ended.failure) }
    }
    // Another work may have ended it: once more, without others.
    await alone.take()
    do {
      let process = try start()
      defer { process.end() }
      let product = try await process.perform(work, note: note)
      await alone.give()
      return product
    } catch {
      await alone.give()
      throw try (error as? WorkerProcess.Ended).map { try checked($0.failure) } ?? error
    }
  }

  /// Ends all processes.
  public func end() {
    let all = processes.withLock { processes in
      defer { processes = [] }
      return processes
    }
    for one in all { one.process.end() }
  }

  private func start() throws -> WorkerProcess {
    try WorkerProcess(
      program, arguments: arguments, jail: jail, limits: limits, answer: answering())
  }

  private func process(_ group: String) throws -> WorkerProcess {
    var old: WorkerProcess?
    defer { old?.end() }
    return try processes.withLock { processes in
      processes.removeAll { $0.process.hasEnded }
      let index =
        processes.firstIndex { $0.group == group } ?? processes.firstIndex { $0.group == nil }
      let process = try index.map { processes.remove(at: $0).process } ?? start()
      if processes.count >= Self.most,
        let idle = processes.firstIndex(where: { $0.process.load == 0 })
      {
        old = processes.remove(at: idle).process
      }
      processes.append((group, process))
      return process
    }
  }

  /// What a worker's end means: where no jail can be made, that.
  private func checked(_ failure: Failure) throws -> Failure {
    if let jail { try jail.probe() }
    return failure
  }
}

/// One at a time.
private actor Turn {
  private var isTaken = false
  private var waiting: [CheckedContinuation<Void, Never>] = []

  func take() async {
    if !isTaken {
      isTaken = true
      return
    }
    await withCheckedContinuation { waiting.append($0) }
  }

  func give() {
    if waiting.isEmpty {
      isTaken = false
    } else {
      waiting.removeFirst().resume()
    }
  }
}
