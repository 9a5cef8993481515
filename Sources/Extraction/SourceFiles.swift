// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import KernelSource
import Synchronization

/// What several extractions from one source file share: what the makefiles say of it, its parse, and
/// the files around it.
public final class SourceFiles: Sendable {
  private struct State: Sendable {
    var files: [SourceFile] = []
    var makefiles: [(file: String, revision: Revision, makefile: Makefile)] = []
  }

  private let isKeeping: Bool
  private let state = Mutex(State())
  private let counter = Counter()

  /// - Parameter isKeeping: whether what is read is kept until ``forget(_:)``; else each extraction
  ///   reads its own.
  public init(isKeeping: Bool = false) { self.isKeeping = isKeeping }

  /// How often a source file was parsed.
  package var parses: Int { counter.value }

  /// Lets go of a file that no more extractions are from: a path relative to the tree's top.
  public func forget(_ path: String) {
    let gone = state.withLock { state in
      let gone = state.files.filter { $0.path == path }
      state.files.removeAll { $0.path == path }
      state.makefiles.removeAll { $0.file == path }
      return gone
    }
    // A parse goes without the others waiting for that.
    _ = consume gone
  }

  /// What is read and compiled in the same way.
  ///
  /// - Parameter key: all that it depends on but the text itself.
  func file(_ path: String, _ key: [String]) -> SourceFile {
    guard isKeeping else { return SourceFile(path, key, counter) }
    return state.withLock { state in
      if let file = state.files.first(where: { $0.path == path && $0.key == key }) { return file }
      let file = SourceFile(path, key, counter)
      state.files.append(file)
      return file
    }
  }

  func makefile(of file: String, in revision: Revision) -> Makefile {
    let kept = state.withLock {
      $0.makefiles.first { $0.file == file && $0.revision.id == revision.id }?.makefile
    }
    if let kept { return kept }
    let makefile = Makefile(of: file, in: revision)
    if isKeeping { state.withLock { $0.makefiles.append((file, revision, makefile)) } }
    return makefile
  }

  fileprivate final class Counter: Sendable {
    private let stored = Mutex(0)
    var value: Int { stored.withLock { $0 } }
    func count() { stored.withLock { $0 += 1 } }
  }
}

/// One source file of a revision, read with one set of options.
///
/// libclang's unit is for one at a time, also where it is only looked at: whoever follows its cursors
/// has the file's turn.
final class SourceFile: Sendable {
  /// Relative to the tree's top.
  let path: String
  let key: [String]
  /// When nothing of it had been read yet.
  let began = FileStamp.now()
  private let counter: SourceFiles.Counter
  private let turns = Turns()
  // Whoever has the turn.
  private nonisolated(unsafe) var last: ParsedFile?
  private nonisolated(unsafe) var neighbours: Neighbours?

  fileprivate init(_ path: String, _ key: [String], _ counter: SourceFiles.Counter) {
    self.path = path
    self.key = key
    self.counter = counter
  }

  /// Calls the closure when no other follows cursors of this file.
  func turn<Made>(_ body: () async throws -> Made) async rethrows -> Made {
    await turns.take()
    do {
      let made = try await body()
      await turns.give()
      return made
    } catch {
      await turns.give()
      throw error
    }
  }

  /// The parse that there is, if it serves; else a new one. In the file's turn.
  ///
  /// - Parameter parse: given the probes, which are more than were asked for where others asked before.
  func parsed(
    _ text: [UInt8], _ companions: [String], _ probes: Probes,
    parse: (_ probes: Probes) async throws -> ParsedFile
  ) async throws -> ParsedFile {
    var probes = probes
    if let last, last.text == text, last.companions == companions {
      if last.probes.cover(probes), last.isIntact { return last }
      probes.add(last.probes)
    }
    counter.count()
    let parsed = try await parse(probes)
    last = parsed
    return parsed
  }

  /// The files around it. In the file's turn.
  func neighbours(_ make: () -> Neighbours) -> Neighbours {
    if let neighbours { return neighbours }
    let made = make()
    neighbours = made
    return made
  }

  /// One after another, in the order of asking.
  private actor Turns {
    private var isTaken = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func take() async {
      guard isTaken else {
        isTaken = true
        return
      }
      await withCheckedContinuation { waiting.append($0) }
    }

    func give() {
      guard waiting.isEmpty else { return waiting.removeFirst().resume() }
      isTaken = false
    }
  }
}

/// What stands in other files.
struct Neighbours {
  /// Of a folder with more files none is read.
  private static let most = 150

  /// The texts of the files beside it.
  let beside: [String]
  let callers: Callers

  init(of source: String, in revision: Revision) {
    let folder = (source as NSString).deletingLastPathComponent
    let directory = "\(revision.tree.directory)/\(folder)"
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
    callers = Callers(revision, source)
    beside =
      names.count > Self.most
      ? []
      : names.sorted().filter { $0.hasSuffix(".c") }.compactMap { name in
        guard let path = revision.path(of: "\(folder)/\(name)"),
          let data = FileManager.default.contents(atPath: path)
        else { return nil }
        return String(decoding: data, as: UTF8.self)
      }
  }
}

/// A source file with its probes, parsed, and what stands in it.
final class ParsedFile {
  let text: [UInt8]
  let companions: [String]
  let probes: Probes
  let preamble: Preamble
  let unit: ClangUnit
  /// What was read in place of the preamble.
  let precompiled: PrecompiledPreamble?
  let diagnostics: [ClangUnit.Diagnostic]
  /// What the compiler said of the precompiled headers.
  let warnings: [ClangUnit.Diagnostic]
  /// Lines of probes that do not compile.
  let failed: Set<Int>
  let definedness: Definedness
  /// Definitions, and declarations of the source file that are none.
  private(set) var functions: [String: ClangCursor] = [:]
  private(set) var declarations: [String: [ClangCursor]] = [:]
  /// Functions of files that are included between the functions of the source file.
  private(set) var included: Set<String> = []
  private(set) var macros: [String: [ClangCursor]] = [:]
  /// Variables of the source file without a first value, which the end of the file defines.
  private(set) var tentative: [String: ClangCursor] = [:]
  private(set) var inclusions: [ClangCursor] = []
  private(set) var probed: [Int: ClangCursor] = [:]
  private var naming: ClangCursor?
  private(set) var firstFunction = Int.max
  private(set) lazy var named = probes.named(naming, failed: failed)
  /// What is wrong with the file alone, where somebody looked.
  var alone: [ClangUnit.Diagnostic]?

  init(
    _ text: [UInt8], _ companions: [String], _ probes: Probes, _ preamble: Preamble,
    _ unit: ClangUnit, _ precompiled: PrecompiledPreamble?, _ warnings: [ClangUnit.Diagnostic]
  ) {
    self.text = text
    self.companions = companions
    self.probes = probes
    self.preamble = preamble
    self.unit = unit
    self.precompiled = precompiled
    self.warnings = warnings
    diagnostics = unit.diagnostics
    failed = Set(
      diagnostics.filter { $0.isError && $0.file == Probes.fileName }.map(\.line))
    definedness = Definedness(diagnostics, canary: probes.canary)
    unit.root.visit { cursor in
      switch cursor.kind {
      case .macro where cursor.isInMainFile && cursor.extent.lowerBound >= preamble.end:
        macros[cursor.name, default: []].append(cursor)
      case .inclusion where cursor.isInMainFile && cursor.extent.lowerBound >= preamble.end:
        inclusions.append(cursor)
      case .function: add(function: cursor)
      case .variable where cursor.isInMainFile && !cursor.isExtern && !cursor.isDefinition:
        if tentative[cursor.name] == nil { tentative[cursor.name] = cursor }
      default: break
      }
      return false
    }
  }

  private func add(function cursor: ClangCursor) {
    let name = cursor.name
    if name.hasPrefix(Probes.prefix), let number = Int(name.dropFirst(Probes.prefix.count)) {
      probed[number] = cursor
    } else if name == Probes.naming {
      naming = cursor
    } else if cursor.isDefinition {
      if functions[name] == nil { functions[name] = cursor }
      if cursor.isInMainFile {
        firstFunction = min(firstFunction, cursor.extent.lowerBound)
      } else if firstFunction != Int.max, !cursor.isOfGuardedFile {
        included.insert(name)
      }
    } else if cursor.isInMainFile {
      declarations[name, default: []].append(cursor)
    }
  }

  /// Whether what was precompiled is still there for the compiler; then it is kept for longer.
  var isIntact: Bool {
    guard let precompiled else { return true }
    precompiled.use()
    return precompiled.isIntact
  }

  /// Whether the file ends inside a function, a comment or a conditional.
  var isCutShort: Bool {
    probed[probes.sentinel] == nil || failed.contains(probes.sentinel + 1)
      || diagnostics.contains {
        $0.isError && $0.file != Probes.fileName && $0.message.hasPrefix("unterminated")
      }
  }
}
