// SPDX-License-Identifier: GPL-2.0-only
import Crypto
import Failures
import Foundation
import Mustache

/// The templates, the style and the script of the page: the files of `Page/`, which are built into the
/// program.
struct PageTemplate {
  private let library: MustacheLibrary
  let style: String
  let script: String

  /// - Throws: where a template is no Mustache.
  init() throws {
    MustacheContentTypes.register(PageText(), named: "PAGE")
    var library = MustacheLibrary()
    for (name, bytes) in [
      ("page", PackageResources.page_mustache), ("verdict", PackageResources.verdict_mustache),
      ("finding", PackageResources.finding_mustache),
      ("comparison", PackageResources.comparison_mustache),
    ] {
      // A partial does not take over how text is escaped where it is named.
      try library.register("{{% CONTENT_TYPE:PAGE}}\n" + Self.text(bytes), named: name)
    }
    self.library = library
    style = Self.text(PackageResources.page_css) + Self.text(PackageResources.details_css)
    script = [
      PackageResources.data_js, PackageResources.source_js, PackageResources.events_js,
      PackageResources.picture_js, PackageResources.finding_js, PackageResources.coverage_js,
      PackageResources.compare_js, PackageResources.filter_js, PackageResources.controls_js,
    ].map(Self.text).joined()
  }

  func rendered(_ page: Page) -> String {
    library.render(page, withTemplate: "page") ?? ""
  }

  /// A text of the page as its policy names it: a browser runs and applies nothing else.
  static func hash(_ text: String) -> String {
    "sha256-\(Data(SHA256.hash(data: Data(text.utf8))).base64EncodedString())"
  }

  private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}

/// How text of others stands in the page: no sign of it has a meaning in an element or in a quoted
/// attribute. What a letter is put together with does not hide one: each scalar is looked at.
struct PageText: MustacheContentType {
  func escapeText(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.shown(lines: true).unicodeScalars {
      switch scalar {
      case "&": result.append(contentsOf: "&amp;".unicodeScalars)
      case "<": result.append(contentsOf: "&lt;".unicodeScalars)
      case ">": result.append(contentsOf: "&gt;".unicodeScalars)
      case "\"": result.append(contentsOf: "&quot;".unicodeScalars)
      case "'": result.append(contentsOf: "&#39;".unicodeScalars)
      case "\u{fffe}", "\u{ffff}": result.append("\u{fffd}")
      default: result.append(scalar)
      }
    }
    return String(result)
  }
}
