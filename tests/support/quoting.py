# SPDX-License-Identifier: LGPL-2.1-or-later
"""How systemd reads what systemd-run is given."""

import re


def unquote(word: str) -> str:
    """Do what systemd's extract_first_word() does with a word that ends at a blank or a colon."""
    found = re.match(r"(?:\\.|[^\\\s:'\"])*", word)
    assert found
    assert found.end() == len(word), "the word ends before its end"
    return re.sub(r"\\(.)", r"\1", word)
