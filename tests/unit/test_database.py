# SPDX-License-Identifier: LGPL-2.1-or-later
"""The e-smith format: what is read, what is written, and that nothing else changes."""

import base64
import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit_getmail import database
from cockpit_getmail.database import Broken, Database, Record

NASTY = ["|", "\\", "\\n", "\n", "\r", "\t", "\v", " ", "=", "#", "%", '"', "'", "é", "😀", "\xa0", "\x85"]
NASTY += ["base64:", "base64:YQ==", "n", "a", ""]
any_text = st.text(st.characters(exclude_categories=["Cs"]))
nasty_text = st.lists(st.sampled_from(NASTY), max_size=6).map("".join)
values = any_text | nasty_text
props_of_values = st.dictionaries(st.sampled_from(["0", "A", "B", "_", "a", "b"]), values)
nasty_lines = st.lists(st.sampled_from(["k", "k=", "P|v", "\udcff", "\0", *NASTY]), max_size=8).map("".join)
nasty_files = st.lists(nasty_lines).map(lambda lines: "\n".join(lines).encode("utf-8", "surrogateescape"))


def line_of(props: dict[str, str], key: str = "k") -> bytes:
    content = Database()
    content.put(key, "getmail", props)
    return content.format()


# A model of the Perl library's writer and reader, from its behaviour.


def perl_write(key: str, props: dict[str, str]) -> bytes:
    fields = ["getmail"]
    for name in sorted(props, key=str.encode):
        fields += [name, props[name]]
    content = "|".join(fields).replace("\n", "\\n").encode()
    return key.encode() + b"=" + re.sub(rb"\A[ \t\n\v\f\r]+|[ \t\n\v\f\r]+\Z", b"", content) + b"\n"


def perl_read(line: bytes) -> dict[bytes, bytes] | None:
    fields = re.split(rb"(?<!\\)\|", line.rstrip(b"\n").partition(b"=")[2].replace(b"\\n", b"\n"))
    return dict(zip(fields[1::2], fields[2::2], strict=True)) if len(fields) % 2 else None


def encoded(value: str) -> bytes:
    return b"base64:" + base64.b64encode(value.encode())


def is_carried(props: dict[str, str]) -> bool:
    """Whether the Perl library gets back what it wrote, and nothing is taken for our own code."""
    if any("|" in value or value.startswith("base64:") for value in props.values()):
        return False
    octets = {name.encode(): value.encode() for name, value in props.items()}
    return perl_read(perl_write("k", props)) == octets


@pytest.mark.parametrize(
    ("props", "line"),
    [
        ({"Password": "a=b=c=="}, b"k=getmail|Password|a=b=c==\n"),
        ({"P": "l1\nl2"}, b"k=getmail|P|l1\\nl2\n"),
        ({"Server": "s", "Password": ""}, b"k=getmail|Password||Server|s\n"),
        ({"P": "é😀"}, "k=getmail|P|é😀\n".encode()),
        ({"P": "a\rb\tc"}, b"k=getmail|P|a\rb\tc\n"),
        (dict.fromkeys("bBaA_0", ""), b"k=getmail|0||A||B||_||a||b|\n"),
        ({"P": "C:\\dir\\", "A": " a "}, b"k=getmail|A| a |P|C:\\dir\\\n"),
        ({}, b"k=getmail\n"),
        ({"P": "a|b"}, b"k=getmail|P|base64:YXxi\n"),
        ({"P": "a\\", "Q": "a\\"}, b"k=getmail|P|base64:YVw=|Q|a\\\n"),
        ({"P": "\\n"}, b"k=getmail|P|base64:XG4=\n"),
        ({"P": "a ", "Q": "a "}, b"k=getmail|P|a |Q|base64:YSA=\n"),
        ({"P": "base64:a"}, b"k=getmail|P|base64:YmFzZTY0OmE=\n"),
        ({"P": "a\xa0"}, "k=getmail|P|a\xa0\n".encode()),
    ],
)
def test_writes_what_the_perl_library_writes_or_else_base64(props: dict[str, str], line: bytes) -> None:
    assert line_of(props) == line
    assert Database(line).get("k") == Record("k", "getmail", props)


@given(props_of_values)
def test_any_text_comes_back_from_any_place(props: dict[str, str]) -> None:
    assert Database(line_of(props)).records == [Record("k", "getmail", props)]


@given(props_of_values)
def test_bytes_are_those_of_the_perl_library(props: dict[str, str]) -> None:
    if is_carried(props):
        assert line_of(props) == perl_write("k", props)
    else:
        assert b"|base64:" in line_of(props)


@given(props_of_values)
def test_perl_library_reads_the_value_or_its_base64(props: dict[str, str]) -> None:
    seen = perl_read(line_of(props))
    assert seen is not None
    assert set(seen) == {name.encode() for name in props}
    for name, value in props.items():
        assert seen[name.encode()] in (value.encode(), encoded(value))


@given(st.binary() | nasty_files)
def test_format_is_the_inverse_of_parsing(data: bytes) -> None:
    assert Database(data).format() == data


@given(st.binary() | nasty_files, props_of_values)
def test_adding_and_removing_leaves_every_other_line(data: bytes, props: dict[str, str]) -> None:
    content = Database(data)
    content.remove("new")
    without, others = content.format(), content.records
    content.put("new", "getmail", props)
    again = Database(content.format())
    assert again.get("new") == Record("new", "getmail", props)
    assert [record for record in again.records if record.key != "new"] == others
    content.remove("new")
    assert content.format() in (without, without + b"\n")


@pytest.mark.long
@given(props_of_values, props_of_values, st.sampled_from([b"\n", b"\r\n", b""]))
def test_any_change_of_any_record_comes_back(old: dict[str, str], new: dict[str, str], end: bytes) -> None:
    before = b"# note\na=x|P|1\n"
    content = Database(before + line_of(old).rstrip(b"\n") + end)
    content.put("k", "getmail", new)
    again = Database(content.format())
    assert again.get("k") == Record("k", "getmail", new)
    assert content.format().startswith(before)
    assert content.format().endswith(b"\n") == bool(end) or old == new


def test_equal_record_keeps_its_bytes() -> None:
    data = b" k = getmail|b|2|a|base64:MQ== \r\n"
    content = Database(data)
    content.put("k", "getmail", {"a": "1", "b": "2"})
    assert content.format() == data


def test_changed_record_keeps_the_bytes_of_its_other_props() -> None:
    content = Database(b"k=getmail|Z|1|C|base64:YQ==|B|a\\|b|A|base64:??\n")
    content.put("k", "getmail", {"Z": "2", "C": "a", "B": "a\\|b", "A": "base64:??"})
    assert content.format() == b"k=getmail|A|base64:??|B|a\\|b|C|base64:YQ==|Z|2\n"


def test_kept_bytes_are_encoded_anew_where_they_would_mean_something_else() -> None:
    content = Database(b"k=getmail|A|a |P|a\\\n")
    content.put("k", "getmail", {"A": "a ", "P": "a\\", "Q": "1"})
    assert content.format() == b"k=getmail|A|a |P|base64:YVw=|Q|1\n"
    content.put("k", "getmail", {"A": "a "})
    assert content.format() == b"k=getmail|A|base64:YSA=\n"


FILE = b"""\
# DO NOT MODIFY THIS FILE.

backup=service|Program|x|status|enabled
m@h=getmail|Account|m|Odd Prop|1\r
   # m and n
broken line
n@h=getmail|Account|n|Lost
\xff@h=getmail|Account|o
=getmail
z@h=getmail|Account|z|Time|30"""


def test_reads_records_of_all_types_and_tells_broken_lines() -> None:
    content = Database(FILE)
    assert [(record.key, record.type) for record in content.records] == [
        ("backup", "service"),
        ("m@h", "getmail"),
        ("z@h", "getmail"),
    ]
    assert content.get("m@h") == Record("m@h", "getmail", {"Account": "m", "Odd Prop": "1"})
    assert content.broken == [
        Broken(6, "it has no `=`"),
        Broken(7, "its last prop has no value"),
        Broken(8, "it is not UTF-8"),
        Broken(9, "it has no key"),
    ]


@pytest.mark.parametrize(
    ("key", "before"),
    [("a@h", b"backup="), ("c@h", b"m@h="), ("n@h", b"z@h="), ("z@h0", b""), ("é@h", b"")],
)
def test_new_record_goes_before_the_first_greater_key(key: str, before: bytes) -> None:
    content = Database(FILE)
    content.put(key, "getmail", {})
    place = FILE.index(before) if before else len(FILE)
    first = FILE[:place] if before else FILE + b"\n"
    assert content.format() == first + f"{key}=getmail\n".encode() + FILE[place:]


def test_new_record_goes_before_the_first_greater_key_of_an_unsorted_file() -> None:
    content = Database(b"z=t\na=t\n# c\nc=t\n")
    content.put("b", "t", {})
    assert content.format() == b"b=t\nz=t\na=t\n# c\nc=t\n"
    content.remove("z")
    content.put("bb", "t", {})
    content.put("aa", "t", {})
    assert content.format() == b"aa=t\nb=t\na=t\n# c\nbb=t\nc=t\n"


def test_of_one_key_the_last_counts() -> None:
    data = b"k=getmail|A|1\nl=getmail\nk=getmail|A|2\nk=getmail|A\n"
    content = Database(data)
    assert content.records == [Record("l", "getmail", {}), Record("k", "getmail", {"A": "2"})]
    content.put("k", "getmail", {"A": "3"})
    assert content.format() == b"k=getmail|A|1\nl=getmail\nk=getmail|A|3\nk=getmail|A\n"
    content.remove("k")
    assert content.format() == b"l=getmail\nk=getmail|A\n"


def test_of_one_prop_the_last_counts() -> None:
    assert Database(b"k=getmail|A|1|A|2\n").records == [Record("k", "getmail", {"A": "2"})]


@pytest.mark.parametrize(
    "text",
    ["base64:YQ", "base64:YQ= =", "base64:YR==", "base64:YQ==YQ==", "base64:/w==", "base64:é", "Base64:YQ=="],
)
def test_what_is_not_exactly_base64_of_utf8_is_itself(text: str) -> None:
    content = Database(f"k=getmail|A|{text}|B|1\n".encode())
    assert content.records == [Record("k", "getmail", {"A": text, "B": "1"})]


def test_missing_keys_are_none_and_removing_them_is_nothing() -> None:
    content = Database(FILE)
    for key in ("", "n@h", "#", "\ud800", "backup "):
        assert content.get(key) is None
        content.remove(key)
    assert content.format() == FILE


@pytest.mark.parametrize(
    ("key", "kind", "name"),
    [
        *((key, "t", "A") for key in ("", "#k", "a=b", "a\nb", " k", "k\t", "\ud800")),
        *(("k", kind, "A") for kind in ("a|b", "a\\", " t", "a\\n", "\ud800")),
        *(("k", "t", name) for name in ("a|b", "a\\", "a\\n", "\ud800")),
    ],
)
def test_what_has_no_form_at_all_is_refused(key: str, kind: str, name: str) -> None:
    content = Database(FILE)
    with pytest.raises(ValueError, match=r"can carry|surrogates not allowed"):
        content.put(key, kind, {name: "secret"})
    assert content.format() == FILE


def test_records_do_not_show_secrets_and_are_copies() -> None:
    content = Database(b"k=getmail|Password|canary\n")
    record = content.get("k")
    assert record is not None
    assert "canary" not in repr(record)
    record.props["Password"] = "changed"
    assert content.get("k") == Record("k", "getmail", {"Password": "canary"})


@pytest.mark.long
def test_ten_thousand_connectors_take_no_square_of_time(tmp_path: Path) -> None:
    """By the processor's time, to which others do not add: a look at each for each would be minutes."""
    props = {"Server": "imap.example.com", "Account": "a", "Password": "pass|word", "Time": "30"}
    path = tmp_path / "connectors"
    start = time.process_time()
    with database.transaction(path) as content:
        for number in range(10_000):
            content.put(f"{number * 7919 % 10_000:05}@h", "getmail", props)
    assert len(database.read(path).records) == 10_000
    assert time.process_time() - start < 3.5
