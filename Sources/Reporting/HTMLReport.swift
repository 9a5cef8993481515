// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// A report as one page for a browser. It needs nothing beside it, asks no network, and without its
/// script the verdict and the list of findings are still there.
public struct HTMLReport {
  private var page: Page
  private var data: PageData

  /// A check: one verdict, or one for each step of a series.
  public init(_ report: CheckReport) {
    data = PageData()
    page = Page(report, &data)
  }

  /// Revisions beside each other.
  public init(_ comparison: Comparison) {
    data = PageData()
    page = Page(comparison, &data)
  }

  /// The page, a newline at its end.
  ///
  /// - Throws: what the templates that are built in do not let through: never for what is reported.
  public var text: String {
    get throws {
      let template = try PageTemplate()
      var page = page
      page.data = try data.json()
      page.style = template.style
      page.script = template.script
      page.styleHash = PageTemplate.hash(page.style)
      page.scriptHash = PageTemplate.hash(page.script)
      return template.rendered(page)
    }
  }
}
