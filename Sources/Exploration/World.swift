// SPDX-License-Identifier: GPL-2.0-only
import Shims

/// The simulated machine that a subject runs in: one fresh one for each scenario.
///
/// A thin view of `struct kshim_table`; nothing here allocates, because it runs per scenario.
/// Addresses are host physical addresses (hpa) in bytes.
public struct World {
  @usableFromInline let table: UnsafePointer<kshim_table>

  @inlinable init(table: UnsafePointer<kshim_table>) { self.table = table }

  /// Starts afresh; the first decisions are answered as given, later ones without failure.
  @inlinable public func reset(_ choices: UnsafeBufferPointer<UInt8>) {
    table.pointee.reset(choices.baseAddress, UInt32(choices.count))
  }

  /// Starts afresh from a state, of which it is then known which inputs were looked at.
  public func begin(
    _ state: StartingState, of space: StateSpace, _ choices: UnsafeBufferPointer<UInt8>
  ) {
    withUnsafeTemporaryAllocation(of: kshim_input.self, capacity: space.arities.count) { list in
      for (index, arity) in space.arities.enumerated() {
        list[index] = kshim_input(value: state.values[index], arity: UInt8(arity))
      }
      table.pointee.inputs(list.baseAddress, UInt32(list.count))
    }
    reset(choices)
  }

  /// Looks at an input of the starting state, by its number.
  @inlinable public func ask(_ input: UInt8) { _ = table.pointee.ask(UInt32(input)) }

  /// Remembers the world as it is now, the starting state, for ``back(_:)``.
  @inlinable public func mark() { table.pointee.mark() }

  /// The marked world again; decisions are answered as for ``reset(_:)``.
  @inlinable public func back(_ choices: UnsafeBufferPointer<UInt8>) {
    table.pointee.back(choices.baseAddress, UInt32(choices.count))
  }

  /// The inputs that somebody looked at, in that order.
  @inlinable public var asked: UnsafeBufferPointer<kshim_asked> {
    let world = happened
    return UnsafeBufferPointer(start: world.pointee.asked, count: Int(world.pointee.asked_count))
  }

  /// The same, without what only who judges has looked at, see ``Record/isJudging``.
  var seen: UnsafeBufferPointer<kshim_asked> {
    let world = happened
    return UnsafeBufferPointer(start: world.pointee.seen, count: Int(world.pointee.seen_count))
  }

  /// Says whether who looks from here on only judges.
  func judge(_ isJudging: Bool) { table.pointee.judging(isJudging) }

  /// What was passed since the reset, where ``fill(unset:tracing:)`` asks for it.
  var path: UnsafeBufferPointer<kshim_passed> {
    let world = happened
    return UnsafeBufferPointer(start: world.pointee.path, count: Int(world.pointee.path_count))
  }

  /// Whether something was read that nothing had written.
  @inlinable public var hasReadUnset: Bool { happened.pointee.read_unset }

  /// Says what everything holds from the next reset on that nothing has written yet.
  ///
  /// - Parameter tracing: whether every block and comparison counts in ``digest``.
  func fill(unset byte: UInt8, tracing: Bool) { table.pointee.fill_unset(byte, tracing) }

  /// A page that is in use before the first step, every byte as given. Returns its hpa.
  @inlinable public func bootPage(fill: UInt8 = 0, below4G: Bool = false) -> UInt64 {
    table.pointee.boot_page(fill, below4G)
  }

  @inlinable public func set(_ slot: UInt32, _ value: UInt64, at index: Int = 0) {
    table.pointee.set(slot, UInt32(index), value)
  }

  /// Sets a slot whose value depends on inputs of the starting state, a bit for each.
  @inlinable public func set(
    _ slot: UInt32, _ value: UInt64, at index: Int = 0, asking mask: UInt32
  ) {
    guard mask != 0 else { return set(slot, value, at: index) }
    table.pointee.set_input(slot, UInt32(index), value, mask)
  }

  /// Looks at a slot: the inputs that it depends on count as looked at.
  @inlinable public func get(_ slot: UInt32, at index: Int = 0) -> UInt64 {
    table.pointee.get(slot, UInt32(index))
  }

  /// A slot's value, to compare it or for what looks at the inputs itself.
  @inlinable public func peek(_ slot: UInt32, at index: Int = 0) -> UInt64 {
    table.pointee.peek(slot, UInt32(index))
  }

  /// As ``load(_:)``, but nothing counts as looked at.
  @inlinable public func peek(memory hpa: UInt64) -> UInt64? {
    var value: UInt64 = 0
    return table.pointee.peek_memory(hpa, &value) ? value : nil
  }

  /// Eight bytes of simulated memory at an aligned hpa; nil when no page is in use there.
  @inlinable public func load(_ hpa: UInt64) -> UInt64? {
    var value: UInt64 = 0
    return table.pointee.load(hpa, &value) ? value : nil
  }

  /// Whether the page in use at an hpa holds nothing.
  public func isClear(_ hpa: UInt64) -> Bool {
    var entry = nextEntry(of: hpa, from: 0)
    while entry < 512 {
      if peek(memory: hpa + UInt64(entry) * 8) != 0 { return false }
      entry = nextEntry(of: hpa, from: entry + 1)
    }
    return true
  }

  /// Number of the first entry, of the 512 of the page at an hpa, from one on, that is not 0, or that may
  /// depend on an input; 512 when there is none.
  @inlinable public func nextEntry(of hpa: UInt64, from entry: Int) -> Int {
    Int(table.pointee.next_entry(hpa, UInt32(entry)))
  }

  /// Writes eight bytes of a page in use; for the set-up. They depend on the inputs of the mask.
  @inlinable public func poke(_ hpa: UInt64, _ value: UInt64, asking mask: UInt32 = 0) {
    table.pointee.poke(hpa, value, mask)
  }

  /// Calls a helper of the glue, for the set-up.
  ///
  /// - Parameter asking: whether what it looks at of the state is asked for.
  @inlinable public func prepare(
    _ helper: UInt32, _ a: UInt64, _ b: UInt64, _ c: UInt64, asking: Bool = false
  ) -> UInt64 {
    withUnsafeTemporaryAllocation(of: UInt64.self, capacity: Int(KSHIM_MAX_ARGS)) { arguments in
      arguments.initialize(repeating: 0)
      arguments[0] = a
      arguments[1] = b
      arguments[2] = c
      return table.pointee.prepare(helper, arguments.baseAddress, asking)
    }
  }

  /// Calls a target with arguments for what are no objects. Returns its result, nil when an event
  /// ended the scenario.
  @inlinable public func call(_ entry: UInt32, _ first: UInt64 = 0, _ second: UInt64 = 0) -> UInt64?
  {
    withUnsafeTemporaryAllocation(of: UInt64.self, capacity: Int(KSHIM_MAX_ARGS)) { arguments in
      arguments.initialize(repeating: 0)
      arguments[0] = first
      arguments[1] = second
      var result: UInt64 = 0
      kshim_run_in(table)
      defer { kshim_run_in(nil) }
      return table.pointee.call(entry, arguments.baseAddress, &result) ? result : nil
    }
  }

  /// Says whose objects slots, helpers and calls are about from here on; a reset says thread 0.
  @inlinable public func select(thread: Int) { table.pointee.select(UInt32(thread)) }

  /// Calls two targets at once, each in a thread of its own; thread 0 begins.
  ///
  /// - Parameters:
  ///   - first: thread 0's target and its argument for what is no object.
  ///   - switches: how often, at most, one that could go on gives way to the other. Each such place
  ///     is a decision of the callee `switch`.
  ///   - failures: how many answers of callees, at most, are failures.
  ///   - joining: whether, of orders that differ only in what touches nothing in common, one is made.
  /// - Returns: both results; nil when an event ended the scenario.
  public func race(
    _ first: (entry: UInt32, argument: UInt64), _ second: (entry: UInt32, argument: UInt64),
    switches: Int, failures: Int, joining: Bool
  ) -> (UInt64, UInt64)? {
    withUnsafeTemporaryAllocation(of: kshim_racer.self, capacity: 2) { calls in
      calls[0] = kshim_racer(entry: first.entry, args: (first.argument, 0, 0, 0, 0, 0, 0, 0))
      calls[1] = kshim_racer(entry: second.entry, args: (second.argument, 0, 0, 0, 0, 0, 0, 0))
      return withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 2) { results in
        kshim_run_in(table)
        defer { kshim_run_in(nil) }
        return table.pointee.race(
          calls.baseAddress, results.baseAddress, UInt32(switches), UInt32(failures), joining)
          ? (results[0], results[1]) : nil
      }
    }
  }

  /// How many decisions of the last run can be taken otherwise without running again what came before.
  @inlinable public var checkpoints: Int { Int(happened.pointee.checkpoint_count) }

  /// Goes back to where a decision was asked for, takes another answer for it and those given behind
  /// it, and runs to the end of that step. Returns both threads' results, as ``race`` or ``call`` would; nil when an event ended it.
  @inlinable func resume(
    decision: Int, _ choices: UnsafeBufferPointer<UInt8>
  ) -> (UInt64, UInt64)? {
    withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 2) { results in
      kshim_run_in(table)
      defer { kshim_run_in(nil) }
      return table.pointee.resume(
        UInt32(decision), choices.baseAddress, UInt32(choices.count), results.baseAddress)
        ? (results[0], results[1]) : nil
    }
  }

  /// Takes the next scenario that does not end for a hang again, not for a limit.
  func forgetLoops() { table.pointee.forget_loops() }

  /// Whether runs tell that they passed a new way, see `new_path` of `struct kshim_world`.
  func watchWays(_ isWatching: Bool) { table.pointee.watch_ways(isWatching) }

  /// Puts a mutant in the place of its function; 0 is the original everywhere.
  public func choose(mutant: Int) { table.pointee.choose_mutant?(UInt32(mutant)) }

  /// Whether what a mark of a build with mutants stands for came about since it was last asked.
  public func take(mark: Int) -> Bool { table.pointee.marked?(UInt32(mark)) ?? 0 != 0 }

  /// What happened since the reset. Valid until the next one.
  @inlinable public var happened: UnsafePointer<kshim_world> { table.pointee.world()! }

  @inlinable public var events: UnsafeBufferPointer<kshim_event> {
    let world = happened
    return UnsafeBufferPointer(start: world.pointee.events, count: Int(world.pointee.event_count))
  }

  @inlinable public var decisions: UnsafeBufferPointer<kshim_decision> {
    let world = happened
    return UnsafeBufferPointer(
      start: world.pointee.decisions, count: Int(world.pointee.decision_count))
  }

  @inlinable public var digest: UInt64 { table.pointee.digest() }

  /// Whether memory that was written outside of the stack holds a value, of which the name is given.
  ///
  /// - Parameter besides: whether the page that the value names is none of it.
  func names(_ symbol: UInt64, besides: Bool = false) -> Bool {
    let world = happened.pointee
    let address = table.pointee.virtual_address(symbol)
    return (0..<Int(world.store_count)).contains { index in
      let stored = world.stores[index].address
      if besides, stored >> 12 == address >> 12 { return false }
      let place = UnsafePointer<UInt64>(bitPattern: UInt(stored))
      return place.map { $0.pointee == symbol || $0.pointee == address } ?? false
    }
  }

  /// Whether memory that was written outside of the stack holds a number, of 4 bytes or of 8.
  func holds(number: UInt64) -> Bool {
    guard number > 2 else { return false }
    let world = happened.pointee
    return (0..<Int(world.store_count)).contains { index in
      let store = world.stores[index]
      guard store.size == 4 || store.size == 8,
        let value = UnsafePointer<UInt64>(bitPattern: UInt(store.address))?.pointee
      else { return false }
      return value == number
        || store.size == 4 && value >> (UInt64(store.within) * 8) & 0xffff_ffff == number
    }
  }

  /// Where memory that was written outside of the stack, and of an object's own pages, points into these.
  func places(of symbols: [UInt64]) -> [[UInt64]] {
    var found = symbols.map { _ in [UInt64]() }
    guard !symbols.isEmpty else { return found }
    let world = happened.pointee
    let pages = symbols.map { ($0 >> 12, table.pointee.virtual_address($0) >> 12) }
    for index in 0..<Int(world.store_count) {
      let stored = world.stores[index].address
      guard let value = UnsafePointer<UInt64>(bitPattern: UInt(stored))?.pointee, value > 0xffff
      else { continue }
      let page = value >> 12
      for (number, (low, virtual)) in pages.enumerated()
      where (page == low || page == virtual) && stored >> 12 != virtual
        && !found[number].contains(stored)
      {
        found[number].append(stored)
      }
    }
    return found
  }

  /// How many blocks and writes come behind the last write to an address, and which; nil where they are too
  /// many.
  func tail(behind address: UInt64) -> Tail? {
    let world = happened.pointee
    let writes = Int(world.store_count)
    guard
      let store = (max(0, writes - Tail.most)..<writes).last(where: {
        world.stores[$0].address == address
      })
    else { return nil }
    let (count, ring) = (Int(world.block_count), Int(KSHIM_BLOCK_RING))
    let passed = (count - Int(world.stores[store].block)) & 0xffffff
    guard passed <= min(count, ring) else { return nil }
    var tail = Tail(count: passed)
    for block in count - passed..<count { tail.take(world.blocks[block % ring]) }
    for write in store..<writes { tail.take(world.stores[write].pc) }
    return tail
  }

  /// The basic blocks that led to the last event at an address, the newest first; nil where there is none, or
  /// they have made room for others.
  ///
  /// - Parameter start: where the module begins: they are told as offsets.
  package func blocks(to pc: UInt64, from start: UInt64) -> [UInt64]? {
    let passed = Int(happened.pointee.block_count)
    guard let count = events.last(where: { $0.pc == pc }).map({ Int($0.block) }),
      passed - count <= Int(KSHIM_BLOCK_RING) - Self.mostBlocks
    else { return nil }
    return blocks(before: count, from: start)
  }

  /// The last basic blocks of the run, the newest first.
  func blocks(from start: UInt64) -> [UInt64] {
    blocks(before: Int(happened.pointee.block_count), from: start)
  }

  private static let mostBlocks = 16

  private func blocks(before count: Int, from start: UInt64) -> [UInt64] {
    let blocks = happened.pointee.blocks!
    return (0..<min(count, Self.mostBlocks)).map {
      blocks[(count - 1 - $0) % Int(KSHIM_BLOCK_RING)] &- start
    }
  }

  struct Tail: Equatable {
    static let most = 512
    var count: Int
    private var digest: UInt64 = 0

    init(count: Int) { self.count = count }

    mutating func take(_ value: UInt64) { digest = (digest &* 31) &+ value }
  }

  /// Whether memory that was written outside of the stack and of an object's own pages points into these.
  func leadsTo(_ symbol: UInt64) -> Bool { !places(of: [symbol])[0].isEmpty }

  /// Return address of the last write to a virtual address, 0 when no step wrote there.
  public func lastStore(to address: UInt64) -> UInt64 {
    let world = happened.pointee
    for index in stride(from: Int(world.store_count) - 1, through: 0, by: -1)
    where world.stores[index].address == address & ~7 {
      return world.stores[index].pc
    }
    return 0
  }

  /// The address by which the kernel's code writes to an hpa.
  @inlinable public func virtualAddress(_ hpa: UInt64) -> UInt64 {
    table.pointee.virtual_address(hpa)
  }

  /// Whether an address, as it is recorded, lies on the stack, where all have one name.
  func isOnStack(_ symbol: UInt64) -> Bool { symbol == KSHIM_SYMBOL_STACK }

  /// Where a slot lies, 0 for a bit-field.
  public func address(of slot: UInt32, at index: Int = 0) -> UInt64 {
    table.pointee.address(slot, UInt32(index))
  }

  /// Return address of the last write to simulated memory at an hpa.
  public func lastStore(hpa: UInt64) -> UInt64 { lastStore(to: table.pointee.virtual_address(hpa)) }

  /// Return address of the last write to a slot, 0 also for a bit-field.
  public func lastStore(slot: UInt32, at index: Int = 0) -> UInt64 {
    let address = table.pointee.address(slot, UInt32(index))
    return address == 0 ? 0 : lastStore(to: address)
  }
}
