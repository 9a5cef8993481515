// SPDX-License-Identifier: GPL-2.0-only

/// What a SARIF log tells beside its results: what was not judged, and why.
enum SARIFNotice: String, CaseIterable {
  case failed
  case notJudged = "not-judged"
  case limit
  case notAsked = "not-asked"
  case notWatched = "not-watched"

  var descriptor: SARIFLog.Descriptor {
    let text =
      switch self {
      case .failed: "The revision cannot be judged."
      case .notJudged: "A function cannot be judged."
      case .limit: "The search reached a limit: nothing is known of what lies behind it."
      case .notAsked: "No scenario asks for a property."
      case .notWatched: "The patches bring something that a clean verdict does not speak of."
      }
    return .init(id: rawValue, shortDescription: .init(text: text))
  }

  func notification(_ level: SARIFLog.Level, _ text: String) -> SARIFLog.Notification {
    .init(
      descriptor: .init(id: rawValue, index: Self.allCases.firstIndex(of: self)), level: level,
      message: .init(text: text))
  }
}

extension Verdict {
  /// What was not judged.
  var notifications: [SARIFLog.Notification] {
    let unjudged = (functions ?? []).filter { $0.status == .notJudged }.map { function in
      var notification = SARIFNotice.notJudged.notification(
        .warning, "\(function.function)() is not judged: \(function.why ?? "nobody says why")")
      notification.locations = [location(function.file, 0, function.function)]
      return notification
    }
    let limits = (exploration.limits ?? []).map {
      SARIFNotice.limit.notification(.warning, "not judged beyond \($0)")
    }
    let contained = (revision.contains ?? []).map {
      SARIFNotice.notWatched.notification(.warning, $0)
    }
    let open = properties.enumerated().filter { $0.element.checked == 0 }.map { number, property in
      var notification = SARIFNotice.notAsked.notification(
        .note, "no scenario asks for \(property.id)")
      notification.associatedRule = .init(id: property.id, index: number)
      return notification
    }
    return unjudged + limits + contained + open
  }

  /// A place in the kernel, with its text where the verdict has it.
  ///
  /// - Parameter line: 0 where there is none.
  func location(_ file: String, _ line: Int, _ function: String?) -> SARIFLog.Location {
    var place = SARIFLog.Location(
      physicalLocation: .init(artifactLocation: .init(uri: file, uriBaseId: "%SRCROOT%")),
      logicalLocations: function.map { [.init(name: $0, kind: "function")] })
    guard line > 0 else { return place }
    var region = SARIFLog.Region(startLine: line)
    let source = (sources ?? []).first {
      $0.file == file && ($0.firstLine...max($0.firstLine, $0.lastLine)).contains(line)
    }
    if let source, source.lines.indices.contains(line - source.firstLine) {
      region.snippet = .init(text: source.lines[line - source.firstLine])
      let first = max(source.firstLine, line - 3)
      let last = min(source.lastLine, line + 3)
      let lines = source.lines[(first - source.firstLine)...(last - source.firstLine)]
      if first < last {
        place.physicalLocation.contextRegion = .init(
          startLine: first, endLine: last, snippet: .init(text: lines.joined(separator: "\n")))
      }
    }
    place.physicalLocation.region = region
    return place
  }
}
