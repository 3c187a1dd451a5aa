# SPDX-License-Identifier: LGPL-2.1-or-later
"""Messages that nobody should send, and people do: by name, in octets."""

import base64

MIXED = b"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n"
LEVELS = 1000
PARTS = 100_000
MANY = 1 << 20


def make_multipart(boundary: bytes, *inner: bytes, kind: bytes = b"mixed") -> bytes:
    """Return an entity of these, each with its header."""
    head = b"Content-Type: multipart/%b; boundary=%b\r\n\r\n" % (kind, boundary)
    return head + b"".join(b"--%b\r\n%b\r\n" % (boundary, one) for one in inner) + b"--%b--" % boundary


def _nest(levels: int, line: bytes = b"\n") -> bytes:
    each = b"Content-Type: multipart/mixed; boundary=b%d" + line * 2 + b"--b%d" + line
    return b"".join(each % (level, level) for level in range(levels)) + line + b"deep"


def _nest_messages(levels: int) -> bytes:
    return b"Content-Type: message/rfc822\n\n" * levels + b"Subject: deep\n\nbody\n"


def _file(encoding: bytes, content: bytes, more: bytes = b"") -> bytes:
    head = b"Content-Type: application/pdf; name=a.pdf\nContent-Transfer-Encoding: %b\n\n" % encoding
    return MIXED + b"--b\n\ntext\n--b\n" + head + content + more + b"\n--b--\n"


ODD: dict[str, bytes] = {
    "nothing": b"",
    "only a line end": b"\r\n",
    "only a header": b"Subject: x",
    "no header": b"just text\nand more\n",
    "NULs": bytes(MANY),
    "line ends": b"\n" * MANY,
    "bare CRs": b"Subject: a\rTo: b\r\rbody\r",
    "all octets": bytes(range(256)) * 4096,
    "a subject of a MiB": b"Subject: " + b"x" * MANY + b"\n\nbody\n",
    "a subject of a MiB, folded": b"Subject: x" + b"\n x" * (MANY // 3) + b"\n\nbody\n",
    "a subject of encoded words": b"Subject: " + b"=?utf-8?q?b?= " * (MANY // 14) + b"\n\nbody\n",
    "a subject that never becomes a word": b"Subject: " + b"=?a?q?" * (MANY // 6) + b"\n\nbody\n",
    "a subject in rot13": b"Subject: =?rot13?q?uryyb?= =?zlib_codec?b?eJw=?=\n\nbody\n",
    "raw 8-bit header": b"Subject: gr\xfcn\nFrom: Zo\xeb <a@b>\nTo: Zo\xc3\xab <a@b>\n\ngr\xfcn\n",
    "control and direction characters": "Subject: \x1b[2J\0\u202eevil\u2066\x07\n\nbody\n".encode(),
    "many fields": b"X: y\n" * (MANY // 5) + b"\nbody\n",
    "a field without end": b"X" * MANY,
    "fields without names": b": x\n:\n :\n\nbody\n",
    "parentheses": b"From: " + b"(" * MANY + b"\n\nbody\n",
    "quotes": b'From: "' + b'\\"' * MANY + b"\n\nbody\n",
    "groups": b"To: " + b"a:" * MANY + b"\n\nbody\n",
    "commas": b"To: " + b"," * MANY + b"\n\nbody\n",
    "routes": b"To: <@a,@b:" + b"@a," * MANY + b">\n\nbody\n",
    "domain literals": b"To: a@[" + b"[" * MANY + b"\n\nbody\n",
    "parameters": b"Content-Type: text/plain" + b";a=b" * MANY + b"\n\nbody\n",
    "parameters in pieces": b"Content-Type: text/plain" + b";a*1=" * MANY + b"\n\nbody\n",
    "parameters in quotes": b"Content-Type: text/plain" + b';"' * MANY + b"\n\nbody\n",
    "a parameter's number": b"Content-Type: text/plain; a*" + b"9" * 6000 + b"=x\n\nbody\n",
    "an unknown charset": b"Content-Type: text/plain; charset=x-no-such\n\ngr\xfcn\n",
    "rot13": b"Content-Type: text/plain; charset=rot13\n\nuryyb\n",
    "zlib_codec": b"Content-Type: text/plain; charset=zlib_codec\n\nx\x9c\n",
    "punycode": b"Content-Type: text/plain; charset=punycode\n\n" + b"a-" * MANY,
    "utf-7": b"Content-Type: text/plain; charset=utf-7\n\n+2AA- " + b"+A" * MANY,
    "utf-16 that is none": b"Content-Type: text/plain; charset=utf-16\n\nabc",
    "iso-2022-jp without end": b"Content-Type: text/plain; charset=iso-2022-jp\n\n" + b"\x1b$B!" * MANY,
    "no boundary": b"Content-Type: multipart/mixed\n\n--b\n\none\n--b--\n",
    "an empty boundary": b'Content-Type: multipart/mixed; boundary=""\n\n--\n\none\n----\n',
    "a boundary that is not there": MIXED + b"text\n",
    "a boundary without end": MIXED + b"--b\n\none",
    "a boundary of a MiB": b"Content-Type: multipart/mixed; boundary=" + b"b" * MANY + b"\n\n--b\n\none",
    "a boundary of special characters": b'Content-Type: multipart/mixed; boundary=".*(a|b)["\n\n'
    b"--.*(a|b)[\n\nx",
    "nearly boundaries": MIXED + (b"--b" + b" " * 1000 + b"x\n") * 2000,
    "boundaries only": MIXED + b"--b\n" * PARTS,
    "parts": MIXED + b"--b\n\nx\n" * PARTS,
    "levels": _nest(LEVELS),
    "levels with CRLF": _nest(LEVELS, b"\r\n"),
    "levels of one boundary": MIXED + b"--b\n" + (MIXED + b"--b\n") * LEVELS + b"\ndeep",
    "levels before much": _nest(LEVELS) + b"x\n" * MANY,
    "messages in messages": _nest_messages(LEVELS),
    "base64 cut off": _file(b"base64", base64.b64encode(b"hello there")[:-3]),
    "base64 with rubbish": _file(b"base64", b"aGVs\n-- !\0\xff\nbG8="),
    "base64 after its end": _file(b"base64", b"aGVsbG8=", b"\nmore text, and = more"),
    "base64 of nothing": _file(b"base64", b"====" * 1000),
    "quoted-printable broken": _file(b"quoted-printable", b"a=\n=ZZ=3D=4=E9=\xff=\r \t=\n=" + b"=" * 5000),
    "uuencode": _file(b"x-uuencode", b"begin 644 a\n%:&5L;&\\\n`\nend", b"\nmore"),
    "uuencode broken": _file(b"x-uuencode", b"begin\n%:&5L\xff;&\\\nM" + b"~" * 100 + b"\n\0\n"),
    "an unknown encoding": _file(b"x-gzip64", b"hello"),
    "a name that leads out": b'Content-Disposition: attachment; filename="../../etc/passwd\0"\n\nx',
}
