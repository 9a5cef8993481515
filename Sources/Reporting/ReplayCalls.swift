// SPDX-License-Identifier: GPL-2.0-only

/// A replay for a mail: the state as assignments, then each call with what its callees answer, in
/// order, as comments. Lines have less than 76 columns, but for the scenario, which is one word to
/// copy.
struct ReplayCalls {
  var replay: Replay
  private static let width = 75
  private static let tab = 8

  var text: String {
    var lines = header + replay.setUp.flatMap { Self.statement($0) }
    let shown = replay.broken.map { (broken: $0, event: event(of: $0)) }
    var called: [String?: String] = [:]
    for (index, event) in replay.trace.enumerated() {
      guard event.event != "enter" else {
        called[event.thread] = event.function
        lines += ["", Self.call(event)]
        continue
      }
      lines += Self.comment(Self.words(event, in: called[event.thread]))
      for (broken, place) in shown where place == index {
        lines += Self.comment("^ \(broken.property): \(broken.message)")
      }
    }
    for (broken, place) in shown where place == nil {
      let words = [
        broken.thread, broken.line == 0 ? nil : "\(broken.line)",
        broken.function.isEmpty ? nil : "in \(broken.function)()",
      ].compactMap(\.self).joined(separator: " ")
      let at = words.isEmpty ? "" : "\(words): "
      lines += Self.comment("\(at)\(broken.property): \(broken.message)")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// The event at which a property breaks, by its index; nil where that is not certain.
  private func event(of broken: Replay.Broken) -> Int? {
    let here = replay.trace.indices.filter { index in
      let event = replay.trace[index]
      return broken.line != 0 && event.line == broken.line && event.function == broken.function
        && event.thread == broken.thread
    }
    // A call's own event stands before what came of it.
    let results = here.filter { replay.trace[$0].event != "boundary" }
    let last = results.isEmpty ? here : results
    return last.count == 1 ? last[0] : nil
  }

  private var header: [String] {
    let patches = replay.revision.patches.count
    let with = patches == 0 ? "" : " with \(patches) patch\(patches == 1 ? "" : "es")"
    let told =
      "\(replay.subject) on Linux \(replay.revision.version)\(with); lines of \(replay.source)"
    let command = "kshim replay \(replay.replayOptions)".split(separator: " ").map(String.init)
    let lines =
      Self.filled(told.split(separator: " ").map(String.init), width: Self.width - 3)
      + Self.filled(command, width: Self.width - 5).map { "\($0) \\" }
      + ["  \(replay.scenario)"]
    return ["/*"] + lines.map { " * \($0)" } + [" */"]
  }

  private static func statement(_ line: String) -> [String] {
    line.hasSuffix(";") ? [line] : comment(line, indent: "")
  }

  private static func call(_ event: Verdict.Event) -> String {
    let remarks = [event.thread, event.detail.isEmpty ? nil : event.detail].compactMap { $0 }
    let remark = remarks.isEmpty ? "" : "  /* \(remarks.joined(separator: ", ")) */"
    return "\(event.function)(...);\(remark)"
  }

  /// `4015: get_zeroed_page() = NULL`; the function where it is not the one that was called.
  private static func words(_ event: Verdict.Event, in called: String?) -> String {
    let place = [
      event.thread, event.line == 0 ? nil : "\(event.line)",
      event.function == called ? nil : "in \(event.function)()",
    ].compactMap { $0 }.joined(separator: " ")
    // Callees say themselves what they are.
    let isCallee = ["boundary", "alloc", "free"].contains(event.event) && event.callee != nil
    let what = [
      isCallee ? nil : event.event, event.callee, event.detail.isEmpty ? nil : event.detail,
    ]
    let said = what.compactMap { $0 }.joined(separator: " ")
    return place.isEmpty ? said : "\(place): \(said)"
  }

  private static func comment(_ text: String, indent: String = "\t") -> [String] {
    let room = width - indent.count * tab - 6
    let lines = filled(text.split(separator: " ").map(String.init), width: room)
    return lines.enumerated().map { number, line in
      "\(indent)\(number == 0 ? "/* " : " * ")\(line)\(number == lines.count - 1 ? " */" : "")"
    }
  }

  /// Words in lines of a width.
  private static func filled(_ words: [String], width: Int) -> [String] {
    var lines: [String] = []
    for word in words {
      if let last = lines.last, last.count + 1 + word.count <= width {
        lines[lines.count - 1] = "\(last) \(word)"
      } else {
        lines.append(word)
      }
    }
    return lines
  }
}
