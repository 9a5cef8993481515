// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation

#if canImport(FoundationXML)
  import FoundationXML
#endif

extension XMLElement {
  /// An element with attributes, in their order, those that are nil left out, and with text if there
  /// is some.
  convenience init(
    _ name: String, _ attributes: KeyValuePairs<String, String?>, text: String? = nil
  ) {
    self.init(name: name)
    for case (let key, let value?) in attributes {
      let attribute = XMLNode(kind: .attribute)
      attribute.name = key
      attribute.stringValue = value.xml
      addAttribute(attribute)
    }
    if let text { stringValue = text.xml }
  }
}

extension XMLDocument {
  /// The document of an element, with its declaration and a newline at the end.
  static func text(of root: XMLElement) -> String {
    let document = XMLDocument(rootElement: root)
    document.version = "1.0"
    document.characterEncoding = "UTF-8"
    let text = document.xmlString(options: .nodePrettyPrint)
    return text.hasSuffix("\n") ? text : text + "\n"
  }
}

extension String {
  /// With what XML 1.0 does not have spelled out or replaced: a writer would let it through.
  fileprivate var xml: String {
    let shown = shown(lines: true)
    guard shown.unicodeScalars.contains(where: { $0.value | 1 == 0xffff }) else { return shown }
    return String(
      String.UnicodeScalarView(
        shown.unicodeScalars.map { $0.value | 1 == 0xffff ? "\u{fffd}" : $0 }))
  }
}
