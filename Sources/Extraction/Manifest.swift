// SPDX-License-Identifier: GPL-2.0-only

/// What a subject is: read from `kernel-extract/subjects/NAME.yaml`.
///
/// It holds names and C expressions only; prototypes and types come from the tree.
/// docs/manifest.md describes the file.
public struct Manifest: Sendable {
  /// A function of the source file, and names of which its definition uses one.
  public struct Mention: Sendable {
    public var function: String
    public var names: [String]
  }

  /// A piece of kernel state that the harness reads and writes by name.
  public struct Slot: Sendable {
    public var name: String
    /// C lvalues over the objects; `i` is the element. The first that the tree has is taken.
    public var spellings: [String]
    public var count: Int
    /// A function that trees with this slot have.
    public var with: String?
    /// What the tree's own text, before any patch, says where there is this slot.
    public var mentioned: Mention?
    public var isOptional: Bool
    /// In the manifest, from 1.
    public var line: Int
    /// What it can hold before the first call, C expressions, the ordinary one first; empty: what
    /// the world has there.
    public var values: [String] = []
  }

  /// What the glue remembers: an array of its own, zero in every fresh world.
  public struct State: Sendable {
    public var name: String
    public var type: String
    public var count: Int
  }

  /// An object that targets get as an argument, bound by its type.
  public struct Object: Sendable {
    public var name: String
    public var type: String
    /// Where it lies inside another object, as candidate C expressions; empty: on its own.
    public var spellings: [String]
    public var isOptional: Bool
    public var line: Int
  }

  /// An assignment that is made in every fresh world.
  public struct Binding: Sendable {
    public var spellings: [String]
    public var value: String
    public var isOptional: Bool
    public var line: Int
  }

  /// What an input can be.
  public struct Input: Sendable {
    public var numbers: [Int64]
    /// Variables of the source file whose addresses it can be.
    public var symbols: [String]
  }

  /// How the harness answers a callee.
  public struct Rule: Sendable {
    public enum Memory: String, Sendable, CaseIterable {
      case page
      case pageStruct = "page-struct"
      case object
    }
    /// Who allocates an object, and so who frees it; the numbers are those of `enum kshim_memory`.
    public enum Allocator: String, Sendable, CaseIterable {
      case kmalloc, vmalloc, kvmalloc, percpu, device, dma, other

      var number: Int {
        switch self {
        case .kmalloc: 2
        case .vmalloc: 4
        case .kvmalloc: 5
        case .percpu: 6
        case .device: 7
        case .dma: 8
        case .other: 9
        }
      }
    }
    public enum Mode: String, Sendable, CaseIterable { case read, write, mutex, shared }
    /// A section that a thread is in; the order is that of `enum kshim_context`.
    public enum Context: String, Sendable, CaseIterable {
      case irq, bh, preempt, rcu, srcu, cpus, migrate
    }
    /// What a lock's function does about contexts besides.
    public enum Beside: String, Sendable, CaseIterable { case irq, irqsave, bh }
    public enum When: String, Sendable, CaseIterable {
      case never, always
      case byGFP = "by-gfp"
    }
    /// How a callee does not come back: it is the end of all, or waits for what nobody here does.
    public enum End: String, Sendable, CaseIterable { case crash, wait }
    public enum Action: Sendable, Equatable {
      case allocates(Memory, zeroed: When)
      case frees(Memory)
      case locks(Mode)
      case unlocks(Mode)
      /// A lock held exclusively is shared from here on.
      case downgrades
      case enters(Context)
      case leaves(Context)
      case warns
      /// One of these C expressions; more than one is a decision.
      case returns([String])
      /// A fresh object of a type; or one of the other answers.
      case makes(String)
      /// A function of the glue.
      case custom(String)
      case translatesPhysical
      /// Nothing comes after it.
      case ends(End)
      case ignored
    }
    public var action: Action
    /// Number of the order argument; nil: one page.
    public var order: Int?
    /// Size of an object in bytes, a C expression over `p0`, `p1`, ….
    public var size: String?
    /// What a new object starts with, a C expression for its address.
    public var copies: String?
    /// The old object that a new one takes the place of, a C expression for its address.
    public var replaces: String?
    /// Whose an object is that is allocated or freed; nil: of the services kmalloc()'s, else nobody has
    /// said.
    public var by: Allocator?
    /// The cache that an object is of, or the domain of a section of SRCU, a C expression.
    public var of: String?
    /// Number of the argument that is freed or locked.
    public var argument = 0
    /// What a lock's function does about contexts besides.
    public var beside: Beside?
    /// What a lock's function returns: the first where the lock is taken; none: nothing. What is
    /// returned instead of a fresh object.
    public var answers: [String] = []
    /// Whether a lock's function does not wait.
    public var tries = false
    /// How many spinning locks may be held where it sleeps, a C expression.
    public var allowing: String?
    /// Whether it is one of the services.
    public var isService = false
    /// Whether it is no subject's own: no model knows what its answers mean.
    public var isGeneral = false

    /// As enum kshim_memory.
    var objectKind: Int { by?.number ?? (isService ? Allocator.kmalloc.number : 10) }

    /// Whether the services' own C answers.
    var usesServiceGlue: Bool {
      if case .custom = action { isService } else { false }
    }
    public var sleeps: When = .never
    /// A lock that must be held exclusively.
    public var holds: String?
    /// C expressions over `p0`, `p1`, … that the trace keeps; nil: all arguments.
    public var records: [String]?
  }

  /// A variable of another file, which the harness defines and sets in every fresh world.
  public struct Variable: Sendable {
    public var name: String
    /// nil: as the tree declares it; a tree that does not declare it does not get it.
    public var type: String?
    public var value: String
    /// Whether it is one of the services, which are defined where they are used.
    public var isService = false
  }

  public var subject: String
  public var title: String
  public var source: String
  /// The first Linux version that has it, for messages.
  public var since: String?
  public var include: [String]
  public var targets: [String]
  /// Targets that an older or newer tree may lack.
  public var optionalTargets: [String]
  public var extract: [String]
  public var objects: [Object]
  public var inputs: [(name: String, count: Int)]
  /// The input that says which of several threads runs; nil where there is one.
  public var threads: (input: String, count: Int)?
  public var state: [State]
  public var bindings: [Binding]
  public var locks: [(name: String, expression: String)]
  public var slots: [Slot]
  public var glue: String?
  /// Names of the services' C files, for their `custom` functions.
  public var serviceGlue: [String] = []
  public var glueLine = 1
  public var prepares: [String]
  public var callbacks: [(name: String, spellings: [String], rule: Rule)]
  public var boundary: [(name: String, rule: Rule)]
  public var variables: [Variable]
  /// Rules of the services for callees that begin alike and have none of their own.
  public var patterns: [(prefix: String, rule: Rule)] = []
  /// For a type the first value of variables of other files that have it.
  public var types: [String: String] = [:]
  /// Functions that stand in a file of the tree which is compiled with what calls them.
  public var files: [String: String] = [:]
  /// What is called, and in which order; a target that none of them calls is called alone.
  public var drivers: [Driver] = []
  /// Values of arguments that are no objects.
  public var arguments: [Argument] = []
  /// Whether what it does not say comes from the types and from how the text uses them.
  public var isFromTypes = false
  /// Whether it is read for a patch's base.
  var isOfBase = false
  /// What the makefiles say of the source file; nil where the manifest stands for that.
  var makefile: Makefile?
  /// What one callee takes another gives back.
  public var pairs: [(acquires: String, releases: String)] = []
  /// What inputs can be, by their names in reports, the ordinary value first.
  public var fields: [String: Input] = [:]
  /// How many answers of a run are not the ordinary ones; nil: as many as there are.
  public var bound: Int?
  /// Where it was read from, for messages.
  public var path: String

  /// Its own rules where all else comes from types: of what has a prototype in the tree.
  var ownRules: [String: Rule] {
    guard isFromTypes else { return [:] }
    return Dictionary(
      boundary.filter { !$0.rule.isService }.map { ($0.name, $0.rule) },
      uniquingKeysWith: { first, _ in first })
  }

  /// Names that it has a rule or a value for.
  var answered: Set<String> { Set(boundary.map(\.name) + variables.map(\.name)) }

  /// Of names without a rule of their own those that a pattern answers.
  func byPattern(_ names: [String]) -> [(name: String, rule: Rule)] {
    let known = answered
    return names.compactMap { name in
      known.contains(name)
        ? nil
        : patterns.first { name.hasPrefix($0.prefix) }.map { (name: name, rule: $0.rule) }
    }
  }

  /// Adds rules and variables. What is there already wins: a subject's own, then a project's.
  mutating func add(_ services: Services) {
    let named = Set(boundary.map(\.name))
    boundary += services.boundary.filter { !named.contains($0.name) }
    let set = Set(variables.map(\.name))
    variables += services.variables.filter { !set.contains($0.name) }
    patterns += services.patterns
    types.merge(services.types) { first, _ in first }
    for (file, functions) in services.files {
      for function in functions { files[function] = file }
    }
  }

  /// What any subject may call.
  struct Services {
    var boundary: [(name: String, rule: Rule)]
    var variables: [Variable]
    var patterns: [(prefix: String, rule: Rule)]
    var types: [String: String]
    /// Functions of files of the tree that are compiled with what calls them, by file.
    var files: [String: [String]]

    mutating func makeGeneral() {
      for index in boundary.indices { boundary[index].rule.isGeneral = true }
      for index in patterns.indices { patterns[index].rule.isGeneral = true }
    }
  }

  /// Callees that allocate, free or lock and do nothing else.
  var primitives: Set<String> {
    let names = boundary.filter { entry in
      switch entry.rule.action {
      case .allocates, .frees, .locks, .unlocks, .downgrades, .enters, .leaves: true
      default: false
      }
    }
    return Set(names.map(\.name))
  }
}
