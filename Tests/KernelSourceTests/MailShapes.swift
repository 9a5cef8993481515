// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// A file with one patch, in a form in which people have patches.
struct MailShape {
  let name: String
  let content: Data
  /// The git command that reads it.
  var command = "am -q --no-3way --empty=drop"

  init(_ name: String, _ mail: MailForm) {
    self.init(name, mail.data())
  }

  init(_ name: String, _ content: Data, _ command: String = "am -q --no-3way --empty=drop") {
    self.name = name
    self.content = content
    self.command = command
  }
}

extension MailTestCase {
  /// Mails in which the diff stands in the text.
  func textShapes() throws -> [MailShape] {
    let line = try MailForm(data("mails/line"))
    let utf8 = try MailForm(data("mails/utf8"))
    let latin = try MailForm(data("mails/latin"))
    let long = try MailForm(data("mails/long"))
    let blanks = try MailForm(data("mails/blanks"))
    let crlf = try MailForm(data("mails/crlf"))
    let spoiled = { (body: String) in
      body.replacing("\n line 8\n", with: "\n line 8 is\n wrapped\n")
    }
    return [
      MailShape("no envelope", line.data(envelope: "")),
      MailShape("lore envelope", line.data(envelope: "From mboxrd@z Thu Jan  1 00:00:00 1970\n")),
      MailShape(
        "spoiled envelope", line.data(envelope: ">" + MailForm.envelope),
        "am -q --no-3way --patch-format=mbox"),
      MailShape("blank lines ahead", Data("\n\n".utf8) + line.data(envelope: "")),
      MailShape("archive fields", line.data(envelope: "Received: from a\n\tby b; Mon\nX-Y: z\n")),
      MailShape("quoted-printable", long.encoded("quoted-printable")),
      MailShape("quoted-printable, blanks", blanks.encoded("quoted-printable")),
      MailShape("quoted-printable, UTF-8", utf8.encoded("Quoted-Printable")),
      MailShape("base64", utf8.encoded("base64")),
      MailShape("base64, long lines", long.encoded("BASE64")),
      MailShape("8bit UTF-8", utf8.encoded("8bit")),
      MailShape("8bit latin1", latin.encoded("8bit", charset: "iso-8859-1")),
      MailShape("base64 latin1", latin.encoded("base64", charset: "iso-8859-1")),
      MailShape(
        "quoted-printable latin1", latin.encoded("quoted-printable", charset: "ISO-8859-1")),
      MailShape("unknown charset", line.encoded("8bit", charset: "no-such-charset")),
      MailShape(
        "encoded subject",
        line.with("Subject", "=?UTF-8?q?=5BPATCH=5D_gr=C3=BC=C3=9Fe?= =?UTF-8?b?IGRhcg==?=")),
      MailShape("folded subject", line.with("Subject", "[PATCH] a subject\n that is\n\tlong")),
      MailShape("CRLF mail", line.data().crlf),
      MailShape("CRLF mail, no envelope", line.data(envelope: "").crlf),
      MailShape("CRLF file", crlf),
      MailShape("CRLF file, base64", crlf.encoded("base64")),
      MailShape("CRLF file, quoted-printable", crlf.encoded("quoted-printable")),
      MailShape("base64 of CRLF", line.mapBody(\.crlf).encoded("base64")),
      MailShape(
        "CR in one line", line.mapText { $0.replacing("\n line 8\n", with: "\n line 8\r\n") }),
      MailShape("flowed", line.flowed()),
      MailShape("flowed, blank context", blanks.flowed()),
      MailShape("flowed and broken", long.flowed(width: 70)),
      MailShape("flowed and broken, DelSp", long.flowed(width: 70, delSp: true)),
      MailShape("flowed, not stuffed", line.flowed(stuffed: false)),
      MailShape("flowed by name only", line.with("Content-Type", "text/plain; format=flowed")),
      MailShape("wrapped", line.mapText(spoiled)),
      MailShape("blanks at line ends gone", blanks.mapText { $0.replacing(/[ ]+\n/, with: "\n") }),
      MailShape("blank context gone", blanks.mapText { $0.replacing("\n \n", with: "\n\n") }),
      MailShape("tabs as blanks", long.mapText { $0.replacing("\t", with: "        ") }),
      MailShape("list footer", line.mapText { $0 + "\n_____\nlist mailing list\nlist@example\n" }),
      MailShape("no signature", line.mapText { $0.replacing(/\n-- \n(?s:.*)/, with: "\n") }),
      MailShape("scissors", line.mapText { "Hello,\n\n-- >8 --\nSubject: [PATCH] inner\n\n" + $0 }),
      MailShape(
        "diff ahead of scissors",
        line.mapText { "--- a/virt/guest.txt\n+++ b/virt/guest.txt\n-- >8 --\n" + $0 }),
      MailShape(
        "sender and subject in the text",
        line.mapText { "From: B <b@example>\nSubject: [PATCH] of the text\n\n" + $0 }),
      MailShape("quoted From", line.mapText { ">From here on\n" + $0 }),
      MailShape(
        "notes with a quoted diff",
        line.mapText {
          $0.replacing(
            "---\n arch", with: "---\n> diff --git a/x b/x\n> --- a/x\n> @@ -1 +1 @@\n> -a\n\n arch"
          )
        }),
      MailShape(
        "notes with an indented diff",
        line.mapText {
          $0.replacing(
            "---\n arch",
            with:
              "---\nInterdiff:\n  diff --git a/x b/x\n  --- a/x\n  +++ b/x\n  @@ -1 +1 @@\n  -a\n  +b\n\n arch"
          )
        }),
      MailShape(
        "text with the word diff",
        line.mapText { "what diff this makes\n@@ is no hunk\nIndex of things\n" + $0 }),
      MailShape(
        "inline PGP",
        line.mapText { text in
          "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n"
            + text.replacing(/(?m)^-/, with: "- -") + "-----BEGIN PGP SIGNATURE-----\nxx\n"
        }),
      MailShape(
        "base commit",
        line.mapText { $0.replacing("\n-- \n", with: "\nbase-commit: 01234567\n-- \n") }),
    ]
  }

  /// Mails of several parts.
  func partShapes() throws -> [MailShape] {
    typealias Part = MailForm.Part
    let line = try MailForm(data("mails/line"))
    let utf8 = try MailForm(data("mails/utf8"))
    let note = Part("Hello,\n\nsee the patch.\n")
    let attached = { (encoding: String) in
      Part(
        utf8.diff, type: "text/x-patch; charset=UTF-8; name=\"a.patch\"", encoding: encoding,
        disposition: "attachment; filename=\"a.patch\"")
    }
    let octets = Part(
      line.diff, type: "application/octet-stream; name=a.diff", encoding: "base64",
      disposition: "attachment")
    let html = Part("<html><body><pre>diff of things</pre></body></html>\n", type: "text/html")
    let htmlDiff = Part(
      "<html><pre>\n" + String(decoding: line.diff, as: UTF8.self) + "</pre></html>\n",
      type: "text/html")
    let alternative = [Part(line.body), html]
    let signature = Part("-----BEGIN PGP SIGNATURE-----\nxx\n", type: "application/pgp-signature")
    return [
      MailShape("attachment, 8bit", line.multipart("mixed", [note, attached("8bit")])),
      MailShape("attachment, base64", line.multipart("mixed", [note, attached("base64")])),
      MailShape(
        "attachment, quoted-printable",
        line.multipart("mixed", [note, attached("quoted-printable")])),
      MailShape("attachment of octets", line.multipart("mixed", [note, octets])),
      MailShape(
        "attached whole format-patch file",
        line.multipart("mixed", [note, Part(line.data(), type: "text/x-patch")])),
      MailShape("two attachments", line.multipart("mixed", [note, attached("8bit"), octets])),
      MailShape("attachment and footer", line.multipart("mixed", [note, attached("7bit"), note])),
      MailShape("alternative with HTML", line.multipart("alternative", alternative)),
      MailShape(
        "alternative with a diff in HTML",
        line.multipart("alternative", [Part(line.body), htmlDiff])),
      MailShape(
        "nested",
        line.multipart(
          "mixed",
          [.multipart("alternative", boundary: "=-=inner", [note, html]), attached("base64")])),
      MailShape(
        "signed", line.multipart("signed; micalg=pgp-sha256", [Part(line.body), signature])),
      MailShape(
        "signed, nested",
        line.multipart(
          "signed", [.multipart("mixed", boundary: "b2", [note, attached("7bit")]), signature])),
      MailShape("related", line.multipart("related", alternative)),
      MailShape("CRLF parts", line.multipart("mixed", [note, attached("7bit")]).data().crlf),
      MailShape(
        "forwarded as a mail",
        line.multipart("mixed", [note, Part(line.data(envelope: ""), type: "message/rfc822")])),
      MailShape("HTML only", line.multipart("alternative", [htmlDiff])),
    ]
  }

  /// Diffs with no mail around them.
  func plainShapes() throws -> [MailShape] {
    let apply = "apply"
    let line = try MailForm(data("mails/line"))
    let diff = line.diff
    let bare = Data(
      String(decoding: diff, as: UTF8.self).replacing(/(?m)^(diff|index) .*\n/, with: "").utf8)
    let text = { (text: String) in Data(text.utf8) }
    return [
      MailShape("git diff", diff, apply),
      MailShape("diff -u", bare, apply),
      MailShape("text ahead", text("Some words: a diff\n\nFrom: nobody\n\n") + diff, apply),
      MailShape(
        "git show", text("commit 0123\nAuthor: A <a@b>\nDate:   Mon\n\n    title\n\n") + diff, apply
      ),
      MailShape("quilt", text("Subject: x\nFrom: y\n---\n") + diff, apply),
      MailShape("Index lines", text("Index: b/arch/x86/poem.txt\n=====\n") + bare, apply),
      MailShape("From as a word", text("From the desk of A\n\n") + diff, apply),
      MailShape("CRLF diff", diff.crlf, apply),
      MailShape(
        "CR in one line of a diff",
        text(String(decoding: diff, as: UTF8.self).replacing("\n line 8\n", with: "\n line 8\r\n")),
        apply),
      MailShape("two diffs", diff + (try MailForm(data("mails/utf8"))).diff, apply),
      MailShape("cut diff", Data(diff.dropLast(40)), apply),
      MailShape("writes through its own link", text(Self.ownLink), apply),
      MailShape("link in place of a directory", text(Self.linkAtDirectory), apply),
    ]
  }

  private static let ownLink = """
    diff --git a/virt/door b/virt/door
    new file mode 120000
    --- /dev/null
    +++ b/virt/door
    @@ -0,0 +1 @@
    +..
    \\ No newline at end of file
    diff --git a/virt/door/evil b/virt/door/evil
    new file mode 100644
    --- /dev/null
    +++ b/virt/door/evil
    @@ -0,0 +1 @@
    +x

    """

  static let linkAtDirectory = """
    diff --git a/arch/arm b/arch/arm
    new file mode 120000
    --- /dev/null
    +++ b/arch/arm
    @@ -0,0 +1 @@
    +/tmp
    \\ No newline at end of file

    """
}
