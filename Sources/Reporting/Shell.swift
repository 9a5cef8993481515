// SPDX-License-Identifier: GPL-2.0-only

/// Words for a shell.
public enum Shell {
  /// A word as a shell takes it back; as it is where nothing in it means anything to a shell.
  public static func quoted(_ word: String) -> String {
    let isPlain = word.unicodeScalars.allSatisfy {
      $0.properties.isAlphabetic || ("0"..."9").contains($0)
        || "%+,-./:=@_^".unicodeScalars.contains($0)
    }
    return isPlain && !word.isEmpty ? word : "'\(word.replacing("'", with: "'\\''"))'"
  }
}

extension Verdict.Finding {
  /// The option that names what was checked, where the verdict is on more.
  var subjectOption: String {
    guard let subject else { return "" }
    return "\(subject.contains(":") ? "--function" : "--subject") \(Shell.quoted(subject)) "
  }
}
