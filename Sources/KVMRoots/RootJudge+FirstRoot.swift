// SPDX-License-Identifier: GPL-2.0-only
import Exploration

/// What a VM keeps beside its memory slots once it shadows a guest's tables.
struct Metadata {
  /// `shadow_root_allocated`.
  var isDone = false
  /// The hash of shadow pages, 0 where there is none or the kernel does not allocate it.
  var pageHash: UInt64 = 0
  /// Three reverse maps and the write tracking of each of four slots; 0 where there is none.
  private var tables = SIMD16<UInt64>()

  init() {}

  /// - Parameter asking: whether to look at it counts.
  init(_ world: World, _ slots: RootSlots, asking: Bool = true) {
    func get(_ slot: UInt32, at index: Int = 0) -> UInt64 {
      asking ? world.get(slot, at: index) : world.peek(slot, at: index)
    }
    guard let done = slots.firstRootDone else { return }
    isDone = get(done) != 0
    if let hash = slots.pageHash { pageHash = get(hash) }
    for number in 0..<4 where get(slots.slotPages, at: number) != 0 {
      for level in 0..<3 {
        tables[number * 4 + level] = get(slots.slotRmap, at: number * 3 + level)
      }
      tables[number * 4 + 3] = get(slots.slotTrack, at: number)
    }
  }

  func rmap(_ slot: Int, _ level: Int) -> UInt64 { tables[slot * 4 + level] }
  func track(_ slot: Int) -> UInt64 { tables[slot * 4 + 3] }
  func hasRmaps(_ slot: Int) -> Bool { (0..<3).allSatisfy { rmap(slot, $0) != 0 } }

  func names(_ hpa: UInt64) -> Bool { hpa == pageHash || (0..<16).contains { tables[$0] == hpa } }

  /// Whether all that another has is still here.
  func keeps(_ other: Metadata) -> Bool {
    (other.pageHash == 0 || other.pageHash == pageHash)
      && (0..<16).allSatisfy { other.tables[$0] == 0 || other.tables[$0] == tables[$0] }
  }

  /// What is missing for the first shadow root, in words; nil when nothing is.
  func missing(_ slotCount: Int, hasHash: Bool) -> String? {
    if hasHash, pageHash == 0 { return "the hash of shadow pages" }
    for slot in 0..<slotCount {
      if !hasRmaps(slot) { return "the reverse maps of memory slot \(slot)" }
      if track(slot) == 0 { return "the write tracking of memory slot \(slot)" }
    }
    return nil
  }
}

/// `mmu_first_shadow_root_alloc()`.
extension RootJudge {
  func firstRoot(_ step: Step, _ world: World, _ report: inout Report) -> Bool {
    let state = step.state
    // The TDP MMU needs two-dimensional paging. Without it a slot gets its reverse maps when it is
    // made; without two-dimensional paging, or with others who track, its write tracking too.
    let has = state.metadata
    let hasRmaps = has == .rmaps || has == .all
    let hasTracks = has == .tracks || has == .all
    guard !state.tdpMMU || state.tdp,
      !state.hadShadowRoot || has == .all && state.hasPageHash,
      state.tdpMMU || state.hasPageHash && hasRmaps,
      state.tdp && !state.isTracked || hasTracks
    else { return false }
    let before = memory.metadata
    let after = Metadata(world, slots)
    warns(exactly: 0, step, &report)
    if !after.keeps(before) {
      report.broken(
        .partialState, in: step.function, at: step.end,
        "metadata of memory slots that was there is dropped")
    }
    if let what = step.after.firstDifference(from: step.before) {
      report.broken(
        .rootIdentity, in: step.function, at: place(of: what, step, slots),
        "\(what) is changed by allocating metadata")
    }
    arguments(step, world, &report)
    kept(step, after, &report)
    if before.isDone {
      done(step, after, &report)
      return true
    }
    if step.other != nil {
      raced(step, world, &report)
      // The other vCPU may have done it.
      if events.failure != nil || events.isRefused && events.warned.isEmpty, step.result < 0 {
        failsCleanly(step, &report)
        return true
      }
    }
    var missing: String? {
      after.missing(state.layout.count, hasHash: slots.pageHash != nil)
    }
    if hasFailed(step, isDone: after.isDone && missing == nil) {
      failsCleanly(step, &report)
      if after.isDone { published(step, "although the function fails", world, &report) }
      return true
    }
    returnsZero(step, &report)
    if let missing {
      report.broken(
        step.other == nil ? .allocationSet : .earlyPublication, in: step.function, at: step.end,
        "\(missing) is not allocated for the first shadow root")
    } else if !after.isDone {
      report.broken(
        .allocationSet, in: step.function, at: step.end,
        "everything is allocated and shadow_root_allocated is not set")
    }
    if let size = slots.pageHashSize.map({ world.get($0) }), before.pageHash == 0,
      after.pageHash != 0
    {
      let hash = world.events.first { $0.is(.allocation) && $0.value == after.pageHash }
      let bytes = hash?.arg.1 ?? 0
      if bytes < size {
        report.broken(
          .allocationSet, in: step.function, at: hash?.pc ?? step.end,
          "the hash of shadow pages has \(bytes) bytes instead of \(size)")
      }
    }
    if !state.tdpMMU, !state.tdp || state.isTracked,
      let call = events.calls.first(where: {
        $0.call == slots.rmapAlloc || $0.call == slots.trackAlloc
      })
    {
      report.broken(
        .idempotent, in: step.function, at: call.pc,
        "metadata is asked for although every slot got it when it was made")
    }
    for event in events.allocated
    where after.names(event.value) && !event.allocation.contains([.accounted, .maySleep, .zeroed]) {
      report.broken(
        .allocationSet, in: step.function, at: event.pc,
        "metadata is not zeroed, not charged to the VM's owner or allocated without sleeping")
    }
    return true
  }

  /// Nothing is left to do: no lock, no allocation.
  private func done(_ step: Step, _ after: Metadata, _ report: inout Report) {
    if step.result != 0 {
      report.broken(
        .idempotent, in: step.function, at: step.end,
        "the function returns \(Errno.name(step.result)) although all metadata exists")
    }
    if !after.isDone {
      report.broken(
        .idempotent, in: step.function, at: step.end,
        "shadow_root_allocated is taken back")
    }
    if let event = events.calls.first(where: { $0.call != slots.trackEnabled }) {
      report.broken(
        .idempotent, in: step.function, at: event.pc,
        "\(subject.calls[Int(event.call)])() is called although nothing is left to do")
    }
  }

  /// Beside another vCPU that does the same.
  private func raced(_ step: Step, _ world: World, _ report: inout Report) {
    let all = world.events
    let mine = events.returned.flatMap { mine in
      all.firstIndex { $0.is(.returned) && $0.thread == mine.thread }
    }
    // The other's allocations that come after this one's return, which said that all is there.
    let metadata = Metadata(world, slots)
    if step.result == 0, let mine,
      let late = all[mine...].first(where: {
        $0.is(.allocation) && ($0.value == 0 || metadata.names($0.value))
      })
    {
      report.broken(
        .earlyPublication, in: step.function, at: late.pc,
        "metadata is allocated after another vCPU was told that it exists")
    }
    guard let done = slots.firstRootDone else { return }
    let happened = world.happened.pointee
    let address = world.address(of: done)
    func isSet(_ granule: UInt64) -> Bool { granule >> ((address & 7) * 8) & 0xff != 0 }
    let stores = (0..<Int(happened.store_count)).map { happened.stores[$0] }
      .filter { $0.address == address & ~7 }
    for (index, store) in stores.enumerated()
    where isSet(store.before) && stores[..<index].contains(where: { $0.thread != store.thread }) {
      let isStill = index + 1 < stores.count ? isSet(stores[index + 1].before) : metadata.isDone
      guard isStill else { continue }
      report.broken(
        .idempotent, in: step.function, at: store.pc,
        "shadow_root_allocated is set again by a vCPU that had only to look")
    }
  }

  private func published(
    _ step: Step, _ why: String, _ world: World, _ report: inout Report
  ) {
    let place = slots.firstRootDone.map { world.lastStore(slot: $0) } ?? 0
    report.broken(
      .partialState, in: step.function, at: place != 0 ? place : step.end,
      "shadow_root_allocated is set \(why)")
  }

  /// Reverse maps are made for all pages of their slot.
  private func arguments(_ step: Step, _ world: World, _ report: inout Report) {
    var asked: UInt64 = 0
    for call in events.calls where call.call == slots.rmapAlloc {
      if asked >> call.arg.0 & 1 != 0 {
        report.broken(
          .boundaryArguments, in: step.function, at: call.pc,
          "reverse maps are asked for memory slot \(call.arg.0) twice")
      }
      // Who was refused may ask again.
      if call.value == 0 { asked |= 1 << call.arg.0 }
      let pages = world.get(slots.slotPages, at: Int(call.arg.0 & 3))
      if call.arg.1 != pages {
        report.broken(
          .boundaryArguments, in: step.function, at: call.pc,
          "reverse maps for \(call.arg.1) pages are made for a slot of \(pages)")
      }
    }
  }

  /// What was made stays, also when a later allocation fails: whoever tries again finds it.
  private func kept(_ step: Step, _ after: Metadata, _ report: inout Report) {
    for call in events.calls where call.value == 0 {
      let slot = Int(call.arg.0 & 3)
      if call.call == slots.rmapAlloc && !after.hasRmaps(slot)
        || call.call == slots.trackAlloc && after.track(slot) == 0
      {
        report.broken(
          .partialState, in: step.function, at: call.pc,
          "metadata of memory slot \(slot) is not kept for the next try")
      }
    }
  }
}
