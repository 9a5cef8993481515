// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// A mail of git's that can be given the forms that mail clients give mails.
struct MailForm {
  var fields: [String]
  var body: Data

  init(_ mail: Data) {
    let end = mail.range(of: Data("\n\n".utf8))?.lowerBound ?? mail.endIndex
    let header = String(decoding: mail[..<end], as: UTF8.self)
    fields = header.components(separatedBy: "\n").filter { !$0.hasPrefix("From ") }
    body = Data(mail[end...].dropFirst(2))
  }

  static let envelope = "From 0123456789abcdef0123456789abcdef01234567 Mon Sep 17 00:00:00 2001\n"

  /// The mail's bytes.
  func data(envelope: String = Self.envelope) -> Data {
    Data((envelope + fields.joined(separator: "\n") + "\n\n").utf8) + body
  }

  func with(_ field: String, _ value: String) -> MailForm {
    var mail = self
    mail.fields.removeAll { $0.lowercased().hasPrefix(field.lowercased() + ":") }
    mail.fields.append("\(field): \(value)")
    return mail
  }

  func mapBody(_ change: (Data) -> Data) -> MailForm {
    var mail = self
    mail.body = change(body)
    return mail
  }

  func mapText(_ change: (String) -> String) -> MailForm {
    mapBody { Data(change(String(decoding: $0, as: UTF8.self)).utf8) }
  }

  // MARK: Encodings

  func encoded(_ encoding: String, charset: String = "UTF-8") -> MailForm {
    with("Content-Type", "text/plain; charset=\"\(charset)\"").with("MIME-Version", "1.0")
      .with("Content-Transfer-Encoding", encoding).mapBody { Self.encode($0, encoding) }
  }

  static func encode(_ body: Data, _ encoding: String) -> Data {
    switch encoding.lowercased() {
    case "base64":
      body.base64EncodedData(options: [.lineLength76Characters, .endLineWithLineFeed])
        + Data("\n".utf8)
    case "quoted-printable": quotedPrintable(body)
    default: body
    }
  }

  private static func quotedPrintable(_ body: Data) -> Data {
    var text = ""
    for line in body.split(separator: 10, omittingEmptySubsequences: false) {
      var column = 0
      for (index, byte) in line.enumerated() {
        let isLast = index == line.count - 1
        let isPlain =
          (33...126).contains(byte) && byte != 61 || (byte == 32 || byte == 9) && !isLast
        let piece = isPlain ? String(UnicodeScalar(byte)) : String(format: "=%02X", byte)
        if column + piece.count > 75 {
          text += "=\n"
          column = 0
        }
        text += piece
        column += piece.count
      }
      text += "\n"
    }
    return Data(text.dropLast().utf8)
  }

  /// RFC 3676: lines stuffed, blanks at their ends gone; long lines broken if `width` says so.
  func flowed(width: Int = .max, delSp: Bool = false, stuffed: Bool = true) -> MailForm {
    with("Content-Type", "text/plain; charset=UTF-8; format=flowed" + (delSp ? "; delsp=yes" : ""))
      .mapText { text in
        text.components(separatedBy: "\n").map { line -> String in
          guard line != "-- " else { return line }
          var line = Substring(line)
          while line.last == " " { line = line.dropLast() }
          if stuffed, line.first == " " || line.first == ">" || line.hasPrefix("From ") {
            line = " " + line
          }
          var pieces: [Substring] = []
          while line.count > width, let blank = line.prefix(width).lastIndex(of: " "),
            blank > line.index(after: line.startIndex)
          {
            pieces.append(line[...blank] + (delSp ? " " : ""))
            line = line[line.index(after: blank)...]
          }
          return (pieces + [line]).joined(separator: "\n")
        }.joined(separator: "\n")
      }
  }

  // MARK: Parts

  /// A part of a multipart mail.
  struct Part {
    var type = "text/plain; charset=UTF-8"
    var encoding = "7bit"
    var disposition: String?
    let body: Data

    init(
      _ body: Data, type: String = "text/plain; charset=UTF-8", encoding: String = "7bit",
      disposition: String? = nil
    ) {
      self.body = body
      self.type = type
      self.encoding = encoding
      self.disposition = disposition
    }

    init(_ text: String, type: String = "text/plain; charset=UTF-8") {
      self.init(Data(text.utf8), type: type)
    }

    var data: Data {
      let disposition = disposition.map { "Content-Disposition: \($0)\n" } ?? ""
      let header =
        "Content-Type: \(type)\nContent-Transfer-Encoding: \(encoding)\n\(disposition)\n"
      return Data(header.utf8) + MailForm.encode(body, encoding)
    }

    static func multipart(_ kind: String, boundary: String, _ parts: [Part]) -> Part {
      Part(
        MailForm.joined(parts, boundary), type: "multipart/\(kind); boundary=\"\(boundary)\"")
    }
  }

  private static func joined(_ parts: [Part], _ boundary: String) -> Data {
    parts.reduce(Data()) { $0 + Data("--\(boundary)\n".utf8) + $1.data + Data("\n".utf8) }
      + Data("--\(boundary)--\n".utf8)
  }

  func multipart(_ kind: String, _ parts: [Part], boundary: String = "=-=outer") -> MailForm {
    with("MIME-Version", "1.0").with("Content-Type", "multipart/\(kind); boundary=\"\(boundary)\"")
      .mapBody { _ in Self.joined(parts, boundary) }
  }

  /// The body from its first diff on.
  var diff: Data {
    let start = body.range(of: Data("diff --git ".utf8))?.lowerBound ?? body.startIndex
    return Data(body[start...])
  }
}

extension Data {
  /// With CR LF at the end of each line.
  var crlf: Data {
    Data(flatMap { $0 == 10 ? [13, 10] : [$0] })
  }
}
