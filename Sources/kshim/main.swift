// SPDX-License-Identifier: GPL-2.0-only
import Extraction
import KernelSource
import Exploration
import KVMRoots
import Foundation
let store = KernelStore()
do {
  let installation = try Installation.locate()
  let tree = try await store.resolve(CommandLine.arguments[1]) { print($0) }
  let revision = try await store.revision(tree: tree, patches: try PatchFile.read(Array(CommandLine.arguments.dropFirst(3))))
  let dir = CommandLine.arguments[2]
  let e = try await Extraction.extract("kvm-mmu-roots", from: revision, installation: installation, into: dir)
  for p in SharedObject.Poison.allCases {
    _ = try await SharedObject.build(e, poison: p, counting: p == .zero, installation: installation, into: dir + "/\(p).so")
    try FileManager.default.copyItem(atPath: dir + "/\(p).so", toPath: dir + "/\(p)1.so")
  }
  let r = try Explorer.search(RootDomain.self, jobs: 2, load: { w in
    let s = w == 0 ? "" : "1"
    return (try Subject(sharedObject: dir + "/pattern\(s).so"), try Subject(sharedObject: dir + "/zero\(s).so"))
  }, progress: { print($0) })
  print(r.scenarios, r.seconds)
  let a = try Subject(sharedObject: dir + "/pattern.so"), b = try Subject(sharedObject: dir + "/zero.so")
  var d = try RootDomain(pattern: a, zero: b)
  for (c, en) in r.findings.entries.sorted(by: { $0.value.failing > $1.value.failing }).prefix(60) {
    print(c.property, c.function, String(c.offset, radix: 16), en.failing, en.message, Explorer.scenario(state: en.state, choices: en.choices, in: &d, subject: a))
  }
} catch { print(error) }
