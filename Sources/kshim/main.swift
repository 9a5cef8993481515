// SPDX-License-Identifier: GPL-2.0-only
import Extraction
import KernelSource
let store = KernelStore()
do {
  let installation = try Installation.locate()
  let tree = try await store.resolve(CommandLine.arguments[1]) { print($0) }
  let revision = try await store.revision(tree: tree, patches: [])
  let e = try await Extraction.extract("kvm-mmu-roots", from: revision, installation: installation, into: CommandLine.arguments[2])
  for p in SharedObject.Poison.allCases {
    _ = try await SharedObject.build(e, poison: p, counting: p == .zero, installation: installation, into: CommandLine.arguments[2] + "/\(p).so")
  }
} catch { print(error) }
