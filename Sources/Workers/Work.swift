// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import Synchronization

/// A piece of work in which a stranger's code takes part: it is parsed, compiled or run. What goes in
/// and what comes out can be written down, so that another process can do it.
public protocol Work: Codable, Sendable {
  associatedtype Product: Codable & Sendable
  /// What is told on the way.
  associatedtype Note: Codable & Sendable

  /// Works of one group may share a process; those of two revisions may not.
  var group: String { get }

  func run(in shop: Workshop, note: @escaping @Sendable (Note) -> Void) async throws -> Product
}

extension Work {
  /// What it is called in a record.
  static var name: String { "\(Self.self)" }
}

/// What works in one process share.
public final class Workshop: Sendable {
  private let shared = Mutex<[ObjectIdentifier: any Sendable]>([:])
  private let asking: Questions?

  /// - Parameter asking: whom the process asks that it works for; nil: it is that itself.
  init(asking: Questions? = nil) { self.asking = asking }

  /// Whether it works for another process, which it can ask.
  public var isRemote: Bool { asking != nil }

  /// Asks the process that it works for.
  ///
  /// - Returns: nil where that does not answer.
  public func ask(_ question: Data) async -> Data? { await asking?.ask(question) }

  /// Tells it something, without an answer.
  public func tell(_ question: Data) { asking?.tell(question) }

  /// What there is one of in each workshop.
  public func one<Shared: Sendable>(_ make: () -> Shared) -> Shared {
    shared.withLock { shared in
      let key = ObjectIdentifier(Shared.self)
      if let known = shared[key] as? Shared { return known }
      let made = make()
      shared[key] = made
      return made
    }
  }
}

/// Does works.
public protocol Worker: Sendable {
  /// - Throws: what the work throws; where another process does it also `Failure` of kind build when
  ///   that ends before it has told what came of it.
  func perform<W: Work>(
    _ work: W, note: @escaping @Sendable (W.Note) -> Void
  ) async throws -> W.Product
}

extension Worker {
  public func perform<W: Work>(_ work: W) async throws -> W.Product {
    try await perform(work) { _ in }
  }
}

/// Does works in this process, without a jail.
public final class LocalWorker: Worker {
  private let shop = Workshop()

  public init() {}

  public func perform<W: Work>(
    _ work: W, note: @escaping @Sendable (W.Note) -> Void
  ) async throws -> W.Product {
    try await work.run(in: shop, note: note)
  }
}
