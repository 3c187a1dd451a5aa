# SPDX-License-Identifier: LGPL-2.1-or-later
from collections.abc import Callable
from typing import Any

import pytest

from cockpit_getmail import shape
from cockpit_getmail.problem import TEXT_LIMIT


def refused(check: Callable[..., Any], *args: Any) -> bool:
    try:
        check(*args)
    except (ValueError, TypeError):
        return True
    return False


def test_texts_are_printable_and_short() -> None:
    assert shape.text("a\x1b[2Jé\n") == "a\\x1b[2Jé\\x0a"
    assert len(shape.text("é" * 100_000).encode()) <= TEXT_LIMIT
    assert all(refused(shape.text, value) for value in (None, 1, b"a", ["a"], {"a": 1}))


def test_a_name_stays_as_it_is() -> None:
    """It is how the folder is named to the server again."""
    assert shape.folder_name("שלום\u200f & ../../etc") == "שלום\u200f & ../../etc"
    assert shape.folder_name("a\nb\ud800") == "a\\x0ab\\ud800"
    assert len(shape.folder_name("x" * 5000).encode()) <= TEXT_LIMIT
    assert refused(shape.folder_name, None)


@pytest.mark.parametrize("value", [True, -1, 1.0, "1", None, 1 << 63])
def test_what_is_no_number(value: Any) -> None:
    assert refused(shape.number, value)


def test_the_rest() -> None:
    assert shape.number(0) == 0
    assert refused(shape.number, 5, 5)
    assert shape.optional(shape.number, None) is None
    assert shape.optional(shape.number, 7) == 7
    assert shape.truth(False) is False
    assert all(refused(shape.truth, value) for value in (0, 1, "true", None))
    assert shape.word("a", "a", "b") == "a"
    assert all(refused(shape.word, value, "a", "b") for value in ("c", None, ["a"]))
    assert shape.texts(["a", "\0"], 2) == ["a", "\\x00"]
    assert all(refused(shape.texts, value, 2) for value in (["a", "b", "c"], ("a",), "ab", None, [1]))
