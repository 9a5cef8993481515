// SPDX-License-Identifier: GPL-2.0-only

extension Verdict {
  /// Whether it can be one that kshim has written: what a cache holds may be damaged and decode all the
  /// same.
  public var isSound: Bool {
    let all = findings + notes + (assumed ?? [])
    let explorations = [exploration] + (functions ?? []).compactMap(\.exploration)
    return schema == 1 && ["clean", "findings", "not-judged"].contains(verdict)
      && all.allSatisfy { Self.isCount($0.line) && Self.isCount($0.failing) }
      && all.allSatisfy { $0.trace.allSatisfy { Self.isCount($0.line) } }
      && all.allSatisfy(\.showsSound) && (sources ?? []).allSatisfy(\.isSound)
      && findings.allSatisfy { $0.cause.map(causes.indices.contains) ?? true }
      && causes.allSatisfy { cause in
        !cause.findings.isEmpty && Self.isCount(cause.line)
          && cause.findings.allSatisfy(findings.indices.contains)
      }
      && properties.allSatisfy { Self.isCount($0.checked) && Self.isCount($0.broken) }
      && explorations.allSatisfy(\.isSound)
  }

  /// More is no number of lines or scenarios, and sums of less do not overflow.
  fileprivate static func isCount(_ number: Int) -> Bool { (0...(1 << 48)).contains(number) }
}

extension Verdict.Finding {
  /// Whether what a page shows of it has numbers of lines where it should.
  fileprivate var showsSound: Bool {
    let executed = (executed ?? []) + (base?.executed ?? [])
    let boxes = (picture?.boxes ?? []) + (base?.picture?.boxes ?? [])
    return executed.allSatisfy { $0.lines.allSatisfy(Verdict.isCount) }
      && (base?.trace ?? []).allSatisfy { Verdict.isCount($0.line) }
      && boxes.allSatisfy { Verdict.isCount($0.column) }
  }
}

extension Verdict.Source {
  fileprivate var isSound: Bool {
    Verdict.isCount(firstLine)
      && (counts.map {
        $0.count == lines.count && $0.compactMap(\.self).allSatisfy(Verdict.isCount)
      } ?? true)
      && (branches ?? []).allSatisfy {
        Verdict.isCount($0.line) && Verdict.isCount($0.taken) && Verdict.isCount($0.notTaken)
      }
  }
}

extension Verdict.Exploration {
  fileprivate var isSound: Bool {
    Verdict.isCount(scenarios) && Verdict.isCount(runs ?? 0) && (0...1e9).contains(seconds)
      && (unreached ?? []).allSatisfy(Verdict.isCount)
      && (extracted ?? []).allSatisfy {
        Verdict.isCount($0.firstLine) && Verdict.isCount($0.lastLine)
      }
  }
}
