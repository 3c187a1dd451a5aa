# SPDX-License-Identifier: LGPL-2.1-or-later
"""Text out of octets, whatever charset they are said to have."""

from __future__ import annotations

import codecs
import re
from encodings import normalize_encoding
from encodings.aliases import aliases

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:()+-]{0,59}")
# What Python calls a codec may be no charset at all (zlib, rot13), or know no bounds in time (punycode).
_CODECS = re.compile(
    r"ascii|utf_?(7|8(_sig)?|16(_?[bl]e)?|32(_?[bl]e)?)|iso8859_?\d{1,2}|latin_?1|cp\d{3,4}|koi8_[rtu]|"
    r"kz1048|ptcp154|tis_620|hp_roman8|mac_(arabic|croatian|cyrillic|farsi|greek|iceland|roman(ian)?|turkish)|"
    r"big5(hkscs)?|gb(2312|k|18030)|hz|johab|euc_(jp|jis_2004|jisx0213|kr)|shift_jis(_2004|x0213)?|"
    r"iso2022_(kr|jp(_\d|_2004|_ext)?)"
)
# What is sent under these names is of the larger sets, which have all of them (https://encoding.spec.whatwg.org).
_LARGER = {
    "ascii": "cp1252",
    "iso8859_1": "cp1252",
    "iso8859_9": "cp1254",
    "tis_620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
    "iso2022_jp": "iso2022_jp_ext",
}
_ALIASES = {
    "ks_c_5601_1987": "cp949",
    "ksc5601": "cp949",
    "iso_8859_8_i": "iso8859_8",
    "iso_8859_8_e": "iso8859_8",
    "iso_8859_6_i": "iso8859_6",
    "x_sjis": "cp932",
    "windows_31j": "cp932",
    "x_gbk": "gb18030",
    "x_mac_cyrillic": "mac_cyrillic",
    "macintosh": "mac_roman",
    "dos_874": "cp874",
    "windows_874": "cp874",
    "x_euc_jp": "euc_jp",
    "iso_2022_jp_ms": "iso2022_jp",
    "cp50220": "iso2022_jp",
    "cp50221": "iso2022_jp",
    "iso_10646_ucs_2": "utf_16_be",
}
_SURROGATES = re.compile("[\ud800-\udfff]")


def decode(octets: bytes, charset: str = "") -> str:
    """Return octets as text; each that has no meaning in its charset becomes U+FFFD. Never raises.

    A charset that there is not is guessed; so is one that cannot be, as where US-ASCII is said of octets
    beyond it.
    """
    codec = _find(charset)
    if codec in ("", "ascii") and (text := _as_utf8(octets)) is not None:
        return text
    codec = _LARGER.get(codec, codec) or "cp1252"
    try:
        text = octets.decode(codec, "replace")
    except (LookupError, ValueError):
        # Some codecs give up even so.
        text = octets.decode("cp1252", "replace")
    return _SURROGATES.sub("\ufffd", text).removeprefix("\ufeff")


def _find(charset: str) -> str:
    """Return the codec of a charset by Python's name, empty where there is none."""
    if not _NAME.fullmatch(charset):
        return ""
    name = charset.lower().replace("-", "_")
    name = normalize_encoding(_ALIASES.get(name, name))
    # What it does not know, Python looks for in a folder: a message may name a hundred thousand.
    if not _CODECS.fullmatch(aliases.get(name) or aliases.get(name.replace(".", "_")) or name):
        return ""
    try:
        name = codecs.lookup(name).name.replace("-", "_")
    except (LookupError, ValueError):
        return ""
    return name if _CODECS.fullmatch(name) else ""


def _as_utf8(octets: bytes) -> str | None:
    """Return octets as UTF-8 has them, None where they are none. The last character may be cut, but for
    the only one that is not ASCII: that is more likely a whole one of another charset.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        text = decoder.decode(octets)
    except UnicodeDecodeError:
        return None
    return None if decoder.getstate()[0] and text.isascii() else text
