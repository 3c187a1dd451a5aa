# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is valid, the words for what is not, and the files that say so."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.provisional import domains
from jsonschema import Draft202012Validator

from cockpit_getmail import destination, schema
from cockpit_getmail.connector import DEFAULTS, RETRIEVERS, SECRETS
from tests.support.schemas import FOLDER, check_schema, load

CONNECTOR = {
    "Retriever": "SimpleIMAPRetriever",
    "Server": "mail.example",
    "Username": "u",
    "Password": "p",
    "Account": "a",
}
FILES = sorted(str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*.json"))
INPUTS = [name for name in FILES if name.endswith(".input.json")]
UNSTORED = ("TLS", "Auth", "Grant", "FolderMap", "MarkSeen")
"""Props whose default need not be stored."""
CONTROL = [*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=4,
)


def word_of(parameter: str, value: Any, verb: str = "create") -> str | None:
    """Return the word for what is wrong with one prop, None if nothing is."""
    faults = schema.check(verb, verb, {"action": verb, "name": "", **CONNECTOR, parameter: value})
    return next((fault["error"] for fault in faults if fault["parameter"] == parameter), None)


@pytest.mark.parametrize("prop", ["Folders", "FolderMap", "Search", "Since", "MarkSeen"])
def test_what_pop3_does_not_know_is_a_conflict(prop: str) -> None:
    values = {"FolderMap": "keep", "Search": "UNSEEN", "Since": "2026-01-01", "MarkSeen": "seen"}
    data = {**CONNECTOR, "Retriever": "SimplePOP3SSLRetriever", prop: values.get(prop, "INBOX")}
    told = [{"parameter": prop, "value": data[prop], "error": "conflict"}]
    assert schema.check("create", "create", data) == told
    assert schema.check("update", "update", {"action": "update", "name": "x", **data}) == told
    assert schema.check("update", "update", {"action": "update", "name": "x", **data, prop: None}) == []


def test_inputs_and_answers_in_readme_are_what_they_are() -> None:
    text = (FOLDER.parent / "README.md").read_text()
    inputs = re.findall(r"echo '(\{.*?\})' \| \./(\w+)$", text, re.DOTALL | re.MULTILINE)
    assert len(inputs) == len(re.findall("^ +echo ", text, re.MULTILINE))
    for written, verb in inputs:
        data = json.loads(written)
        assert schema.check(verb, data.get("action", verb), {"action": verb, **data}) == []
    login, problem = re.findall(r'^    (\{"(?:state|id)".*?\})$', text, re.DOTALL | re.MULTILINE)
    check_schema("read/check-credentials.output.json", json.loads(login))
    check_schema("problem.json", json.loads(problem))


@pytest.mark.parametrize("auth", ["plain", "login", "cram-md5", "scram-sha-256", "external"])
def test_a_provider_has_its_own_way_to_log_in(auth: str) -> None:
    data = {**CONNECTOR, "Provider": "google", "Auth": auth, "ClientCert": "/c.pem"}
    assert schema.check("create", "create", data) == [
        {"parameter": "Auth", "value": auth, "error": "conflict"}
    ]


def test_what_needs_no_password() -> None:
    data = {prop: value for prop, value in CONNECTOR.items() if prop != "Password"}
    for other in ({"Tunnel": "/bin/imapd"}, {"Auth": "external", "ClientCert": "/c.pem"}):
        assert schema.check("create", "create", {**data, **other}) == []


@pytest.mark.parametrize("props", [{"Auth": "external"}, {"ClientKey": "/k.pem"}])
def test_a_certificate_is_needed(props: dict[str, str]) -> None:
    assert schema.check("create", "create", {**CONNECTOR, **props}) == [
        {"parameter": "ClientCert", "value": None, "error": "required"}
    ]


@pytest.mark.parametrize(
    ("parameter", "value", "word"),
    [
        *[("Retriever", name, None) for name in RETRIEVERS],
        ("Retriever", "simpleimapretriever", "enum"),
        ("Retriever", "BrokenUIDLPOP3Retriever", "enum"),
        ("Retriever", 1, "enum"),
        ("Server", "", "minLength"),
        ("Server", ["a"], "type"),
        ("Delete", "", "integer"),
        ("Delete", "-1", None),
        ("Delete", -1.0, None),
        ("Delete", 1.5, "type"),
        ("Delete", "1.0", "integer"),
        ("Delete", "+1", "integer"),
        ("Delete", " 1", "integer"),
        ("Delete", "1\n", "integer"),
        ("Delete", "٣", "integer"),
        ("Delete", "1_0", "integer"),
        ("Delete", "--1", "integer"),
        ("Delete", "never", "integer"),
        ("Delete", True, "type"),
        ("Delete", None, "type"),
        ("Delete", "0" * 5000, "maxLength"),
        ("Time", "5\n", "integer"),
        ("Time", [], "type"),
        ("SyncPeriod", "24h", None),
        ("SyncPeriod", "2h", "enum"),
        ("SyncPeriod", 4, "enum"),
        ("Folders", "INBOX, \\Sent, *, !Junk", None),
        ("Folders", "", "minLength"),
        ("Folders", "!", "format"),
        ("Folders", '"a', "format"),
        ("Folders", "a\nb", "format"),
        ("FolderMap", "Keep", "enum"),
        ("Search", "OR UNSEEN (FROM x SINCE 1-Jan-2026)", None),
        ("Search", "UNSEEN)", "format"),
        ("Search", "FROM", "format"),
        ("Since", "2026-02-28", None),
        ("Since", "2026-02-29", "format"),
        ("Since", "20260228", "format"),
        ("MaxSize", "999999999999", None),
        ("MaxSize", "0", "minimum"),
        ("MaxSize", 10**12, "maximum"),
        ("MaxSize", "5 MB", "integer"),
        ("MaxMessages", 1, None),
        ("MaxMessages", "-1", "minimum"),
        ("MaxMessages", "1000000000", "maximum"),
        ("MarkSeen", "yes", "enum"),
        ("Auth", "CRAM-MD5", "enum"),
        ("Auth", "apop", "conflict"),
        ("ClientCert", "cert.pem", "format"),
        ("Tunnel", "ssh host", "format"),
        ("Label", "00", None),
        ("Label", " Größe|😀 ", None),
        ("Label", "0", "format"),
        ("Label", 0, "type"),
        ("Label", "", "minLength"),
        ("Label", "x" * 201, "maxLength"),
        ("CallbackUrl", "https://panel.example/hooks/mail?of=ann&x=%2F", None),
        ("CallbackUrl", "HTTP://xn--bcher-kva.example:65535", None),
        ("CallbackUrl", "http://192.0.2.1?x", None),
        ("CallbackUrl", "http://localhost:1/", None),
        ("StatusCallbackUrl", "https://[2001:db8::1]:8443/a/~b/$!;=@:", None),
        ("CallbackUrl", "", "format"),
        ("CallbackUrl", 7, "type"),
        ("CallbackUrl", "panel.example/hook", "format"),
        ("CallbackUrl", "//panel.example/hook", "format"),
        ("CallbackUrl", "ftp://panel.example/", "format"),
        ("CallbackUrl", "file:///etc/passwd", "format"),
        ("CallbackUrl", "https:///hook", "format"),
        ("CallbackUrl", "https://:443/", "format"),
        ("CallbackUrl", "https://ann@panel.example/", "format"),
        ("CallbackUrl", "https://ann:secret@panel.example/", "format"),
        ("CallbackUrl", "https://panel.example\\@inner/", "format"),
        ("CallbackUrl", "https://panel.example/#part", "format"),
        ("CallbackUrl", "https://panel.example/a b", "format"),
        ("CallbackUrl", "https://panel.example/\n", "format"),
        ("CallbackUrl", "https://panel.example/\r\nX: y", "format"),
        ("CallbackUrl", "https://panel.example/%0", "format"),
        ("CallbackUrl", "https://panel.example:0/", "format"),
        ("CallbackUrl", "https://panel.example:65536/", "format"),
        ("CallbackUrl", "https://panel.example:/", "format"),
        ("CallbackUrl", "https://bücher.example/", "format"),
        ("CallbackUrl", "http://127.1/", "format"),
        ("CallbackUrl", "http://2130706433/", "format"),
        ("CallbackUrl", "http://0x7f000001/", "format"),
        ("CallbackUrl", "http://0177.0.0.1/", "format"),
        ("CallbackUrl", "http://[fe80::1%25eth0]/", "format"),
        ("CallbackUrl", f"http://{'x' * 64}.example/", "format"),
        ("CallbackUrl", f"http://{'x.' * 127}de/", "format"),
        ("StatusCallbackUrl", "https://panel.example/" + "x" * 2027, "maxLength"),
        ("Port", "993\n", "integer"),
        ("TLS", "auto", None),
        ("TLS", "always", "enum"),
        ("TLS", None, "enum"),
        ("CAFile", "/ca.pem", None),
        ("CAFile", "ca.pem", "format"),
        ("CAFile", "", "format"),
        ("CAFile", "/ca.pem\n", "format"),
        ("CAFile", "/" + "x" * 4096, "maxLength"),
        ("Fingerprint", "0a" * 32, None),
        ("Fingerprint", ":".join(["0A"] * 32), None),
        ("Fingerprint", "0a" * 32 + "\n", "format"),
        ("Fingerprint", "0a" * 20, "format"),
        ("Fingerprint", "0a:" * 32, "format"),
        ("Username", "", "minLength"),
        ("Username", "x" * 1025, "maxLength"),
        ("Username", 7, "type"),
        ("Username", " Größe|😀 ", None),
        ("Password", "", "minLength"),
        ("Password", " |\\=%\"'é😀 ", None),
        ("Password", "x" * 8193, "maxLength"),
        ("Account", "giacomo@local.neth.eu", None),
        ("Account", "ä b@c", None),
        ("Account", "a@b@c", None),
        ("Account", "", "minLength"),
        ("Account", "../../root", "format"),
        ("Account", "..", "format"),
        ("Account", "..@h", "format"),
        ("Account", "a@..", "format"),
        ("Account", "a/b", "format"),
        ("Account", "@h", "format"),
        ("Account", "a@", "format"),
        ("Account", "..\n", "format"),
        ("status", "enabled", None),
        ("status", "on", "enum"),
        ("FilterCheck", "", "enum"),
        ("SpamCheck", "disabled", None),
        ("VirusCheck", True, "enum"),
        ("type", "getmail", None),
        ("type", "mailbox", "enum"),
        ("name", "x", "enum"),
        ("Destinations", "x", "additionalProperties"),
        ("retriever", "x", "additionalProperties"),
    ],
)
def test_word(parameter: str, value: Any, word: str | None) -> None:
    assert word_of(parameter, value) == word


@pytest.mark.long
@pytest.mark.parametrize(
    ("parameter", "least", "greatest"),
    [("Delete", -1, 999999999), ("Time", 5, 999999999), ("Port", 1, 65535)],
)
@given(number=st.integers(-200, 200) | st.integers(65_000, 110_000) | st.integers(), zeros=st.integers(0, 3))
@example(number=65535, zeros=0)
@example(number=65536, zeros=2)
@example(number=10**9, zeros=0)
@example(number=10**9 - 1, zeros=1)
@example(number=10**60, zeros=0)
def test_digits_are_judged_as_the_number_is(
    parameter: str, least: int, greatest: int, number: int, zeros: int
) -> None:
    word = "minimum" if number < least else "maximum" if number > greatest else None
    assert word_of(parameter, number) == word
    digits = f"{'-' if number < 0 else ''}{'0' * zeros}{abs(number)}"
    assert word_of(parameter, digits) == word


@pytest.mark.long
@pytest.mark.parametrize("parameter", ["Username", "Password", "Account", "Label", "CAFile"])
def test_no_control_character(parameter: str) -> None:
    passed = [
        code for code in CONTROL if word_of(parameter, f"/{chr(code)}x"[parameter != "CAFile" :]) != "format"
    ]
    assert not passed


@pytest.mark.long
@given(st.ip_addresses(v=4) | st.ip_addresses(v=6))
def test_any_address_is_a_server(address: Any) -> None:
    assert word_of("Server", str(address)) is None


@pytest.mark.long
@given(domains())
def test_any_host_name_is_a_server(name: str) -> None:
    assert word_of("Server", name) is None
    assert word_of("Server", f"{name}.") is None


@pytest.mark.parametrize(
    "server",
    [
        "localhost",
        "a-b.example",
        "1and1.example",
        "3com",
        "bücher.example",
        "例え.テスト",
        "xn--bcher-kva.example",
        "::ffff:192.0.2.1",
        "BÜCHER.example",
        ".".join(["a" * 61] * 4) + ".exam",
    ],
)
def test_server(server: str) -> None:
    assert word_of("Server", server) is None


@pytest.mark.parametrize(
    "server",
    [
        "a b",
        " mail.example",
        "mail.example\n",
        "mail.example..",
        "a..b",
        ".a",
        ".",
        "-a.example",
        "a-.example",
        "a_b.example",
        "a" * 64 + ".example",
        ".".join(["a" * 62] * 4) + ".exam",
        "256.1.1.1",
        "1.2.3",
        "127.1",
        "0x7f000001",
        "2130706433",
        "01.2.3.4",
        "1.2.3.4:993",
        "[::1]",
        "fe80::1%eth0",
        "::1::",
        "imap://mail.example",
        "mail.example/x",
        "user@mail.example",
        "mail.example:993",
        "$(id)",
        "a\u200bb\u0000.example",
        "é" * 200,
    ],
)
def test_no_server(server: str) -> None:
    assert word_of("Server", server) == "format"


@pytest.mark.long
@given(st.text(max_size=40) | st.text("a@./\\ é\n", max_size=8))
def test_account_that_is_valid_has_a_folder_of_its_own(account: str) -> None:
    if word_of("Account", account) is None:
        parts = ["account", "user", *(["domain"] if "@" in account else [])]
        for part in parts:
            path = Path(destination.expand(f"/mail/{{{part}}}", account))
            assert path.parent == Path("/mail")
            assert path.name == path.resolve().name


def test_all_faults_at_once_and_one_for_a_parameter() -> None:
    data = {"action": "create", "Server": "\n", "Password": "\n" * 9000, "Time": "-0", "x": 1, "Delete": {}}
    faults = schema.check("create", "create", data)
    assert [(fault["parameter"], fault["error"]) for fault in faults] == [
        ("Account", "required"),
        ("Delete", "type"),
        ("Password", faults[2]["error"]),
        ("Retriever", "required"),
        ("Server", "format"),
        ("Time", "minimum"),
        ("Username", "required"),
        ("x", "additionalProperties"),
    ]
    assert faults[2]["error"] in ("maxLength", "format")


@pytest.mark.parametrize("verb", ["create", "update", "validate"])
def test_tls_cannot_be_switched_off_where_it_begins_at_once(verb: str) -> None:
    action = "create" if verb == "validate" else verb
    name = {"name": "x"} if verb == "update" else {}
    for retriever in RETRIEVERS:
        data = {"action": action, **name, **CONNECTOR, "Retriever": retriever, "TLS": "none"}
        words = [(fault["parameter"], fault["error"]) for fault in schema.check(verb, action, data)]
        assert words == ([("TLS", "conflict")] if "SSL" in retriever else [])


def test_update_takes_null_for_what_is_optional() -> None:
    optional = ("Port", "TLS", "CAFile", "Fingerprint", *DEFAULTS, "FilterCheck", "SpamCheck", "VirusCheck")
    assert (
        schema.check("update", "update", {"action": "update", "name": "x", **dict.fromkeys(optional)}) == []
    )
    faults = schema.check("update", "update", {"action": "update", "name": "x", **dict.fromkeys(CONNECTOR)})
    assert {fault["parameter"] for fault in faults} == set(CONNECTOR)


@pytest.mark.parametrize(
    ("value", "word"), [("x", "integer"), ("4", "minimum"), (10**10, "maximum"), ([], "type"), (True, "type")]
)
def test_update_has_the_words_of_create(value: Any, word: str) -> None:
    assert word_of("Time", value, "update") == word


def test_value_is_shown_and_no_secret() -> None:
    shown = {
        "Time": 3,
        "Port": "\x1b[1m",
        "Server": "x" * 5000,
        "Username": {"Password": "canary"},
        "Password": "canary\n",
        "Pasword": "canary",
    }
    faults = {
        fault["parameter"]: fault["value"]
        for fault in schema.check("create", "create", {**CONNECTOR, **shown})
    }
    assert faults.pop("Server").startswith("xxx")
    assert faults == {"Time": 3, "Port": "\\x1b[1m", "Username": "", "Password": "", "Pasword": ""}


@pytest.mark.parametrize("name", INPUTS)
@pytest.mark.parametrize("value", ["canary\n", "canary" * 5000, 12345])
def test_no_fault_shows_what_is_write_only(name: str, value: Any) -> None:
    props = [prop for prop, parts in find_props(load(name)).items() if any(map(is_write_only, parts))]
    verb, _, action = name.removesuffix(".input.json").partition("/")
    told = {fault["parameter"]: fault for fault in schema.check(verb, action, dict.fromkeys(props, value))}
    assert all(told[prop]["value"] == "" for prop in props if prop in told)
    assert "canary" not in json.dumps(list(told.values()))
    assert "12345" not in json.dumps(list(told.values()))


def test_no_fault_shows_a_secret_of_a_form() -> None:
    form = {"action": "check-credentials", "Password": "canary\n", "Server": "", "Pasword": "canary"}
    told = {
        fault["parameter"]: fault
        for fault in schema.check("read", "folders", {"action": "folders", "form": form})
    }
    assert told["form.Password"] == {"parameter": "form.Password", "value": "", "error": "format"}
    assert told["form.Server"]["value"] == ""
    assert told["form.Pasword"]["error"] == "additionalProperties"
    assert "canary" not in json.dumps(list(told.values()))


def test_name_or_form() -> None:
    form = {"Retriever": "SimpleIMAPRetriever", "Server": "x"}
    both = {"action": "certificate", "form": form, "name": "x", "account": "y"}
    words = {fault["parameter"]: fault["error"] for fault in schema.check("read", "certificate", both)}
    assert words == {"name": "conflict", "account": "conflict"}
    [neither] = schema.check("read", "certificate", {"action": "certificate"})
    assert neither == {"parameter": "name", "value": None, "error": "required"}


@given(st.sampled_from(INPUTS), st.dictionaries(st.text(), JSON, max_size=6))
def test_faults_have_the_shape_of_a_problem(name: str, data: dict[str, Any]) -> None:
    verb, _, action = name.removesuffix(".input.json").partition("/")
    faults = schema.check(verb, action, data)
    answer = {"type": "NotValid", "message": "validation_failed", "attributes": faults}
    if faults:
        check_schema("problem.json", answer)


@pytest.mark.parametrize("name", FILES)
def test_file_is_a_schema(name: str) -> None:
    content = json.loads((FOLDER / name).read_bytes())
    Draft202012Validator.check_schema(content)
    assert content["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    for part in find_schemas(content):
        if part.get("type") == "object":
            assert {"additionalProperties", "unevaluatedProperties"} & part.keys(), part
        if "pattern" in part:
            re.compile(part["pattern"])
    assert content.get("title") or name == "connector.json"


def test_each_input_has_an_output() -> None:
    outputs = {name for name in FILES if name.endswith(".output.json")}
    assert {name.replace(".input.", ".output.") for name in INPUTS} == outputs
    shared = {"acting.json", "connector.json", "mail.json", "problem.json", "task.json"}
    assert set(FILES) == {*INPUTS, *outputs, *shared}


@pytest.mark.parametrize("verb", ["create", "update"])
@pytest.mark.parametrize(("minutes", "period"), [(5, "1h"), ("60", "1h"), ("x", "4h")])
def test_interval_is_said_once(verb: str, minutes: Any, period: str) -> None:
    data = {"action": verb, "name": "", **CONNECTOR, "Time": minutes, "SyncPeriod": period}
    words = {fault["parameter"]: fault["error"] for fault in schema.check(verb, verb, data)}
    assert words["SyncPeriod"] == "conflict"
    assert words.get("Time") == ("integer" if minutes == "x" else None)


@pytest.mark.parametrize("name", INPUTS)
def test_what_is_write_only_is_a_secret(name: str) -> None:
    for prop, parts in find_props(load(name)).items():
        # Context.IO's provider_token is stored as RefreshToken. A redirect brings one, once. A form has them.
        has_one = prop in (*SECRETS, "provider_token", "redirect") or (
            prop == "form" and "Password" in str(parts)
        )
        assert any(map(is_write_only, parts)) == has_one, prop


def test_a_connector_has_the_same_props_everywhere() -> None:
    create = find_props(load("create/create.input.json")).keys()
    for name in (
        "update/update.input.json",
        "read/check-credentials.input.json",
        "validate/create.input.json",
    ):
        assert find_props(load(name)).keys() - {"account", "exact"} == create, name


def test_defaults_are_those_of_the_schema() -> None:
    create = load("create/create.input.json")["properties"]
    told = {prop: part["allOf"][0]["default"] for prop, part in create.items() if "default" in str(part)}
    assert {prop: value for prop, value in told.items() if prop not in UNSTORED} == DEFAULTS


@pytest.mark.long
@given(JSON)
def test_whatever_it_is_it_is_judged(value: Any) -> None:
    for parameter in CONNECTOR:
        word_of(parameter, value)


def find_schemas(node: Any) -> Iterator[dict[str, Any]]:
    """Yield all objects in a schema file but those that are maps of schemas."""
    if isinstance(node, list):
        for item in node:
            yield from find_schemas(item)
    elif isinstance(node, dict):
        yield node
        for key, item in node.items():
            yield from find_schemas(list(item.values()) if key in ("properties", "$defs") else item)


def find_props(content: Any) -> dict[str, list[Any]]:
    """Return the schemas of an input's props by name, wherever `properties` stands."""
    found: dict[str, list[Any]] = {}
    for part in find_schemas(content):
        for prop, rule in part.get("properties", {}).items():
            found.setdefault(prop, []).append(rule)
    return found


def is_write_only(rule: Any) -> bool:
    return any(part.get("writeOnly") is True for part in find_schemas(rule))
