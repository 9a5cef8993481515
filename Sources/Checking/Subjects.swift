// SPDX-License-Identifier: GPL-2.0-only
import Exploration
import Extraction
import Failures
import KVMRoots

/// Which subjects there are, and who judges each.
public enum Subjects {
  /// What is checked where nothing else is named.
  public static let standard = models[0].subject

  /// Subjects with a model. Any other is judged by what holds for every code.
  private static let models: [(subject: String, domain: any ObservedDomain.Type)] = [
    ("kvm-mmu-roots", RootDomain.self)
  ]

  /// Who judges a subject. Whether there is such a subject, its extraction tells.
  package static func domain(
    of subject: String, in installation: Installation
  ) -> any ObservedDomain.Type {
    // Nothing says that a manifest from elsewhere means what a model of the same name does.
    guard installation.addedSubject != subject,
      let model = models.first(where: { $0.subject == subject })
    else { return ManifestDomain.self }
    return model.domain
  }
}
