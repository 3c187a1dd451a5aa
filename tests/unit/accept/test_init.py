# SPDX-License-Identifier: LGPL-2.1-or-later
"""The made code accepts what jsonschema accepts and nothing else, and stands aside where it is not sure."""

import base64
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.provisional import domains
from jsonschema import Draft202012Validator

from cockpit_getmail import accept, schema
from cockpit_getmail.connector import RETRIEVERS
from tests.support.schemas import FOLDER, load

ACTIONS = sorted(
    (path.parent.name, path.name.removesuffix(".input.json")) for path in FOLDER.glob("*/*.input.json")
)
each_action = pytest.mark.parametrize(("verb", "action"), ACTIONS)
CONNECTOR = ("Retriever", "Server", "Username", "Password", "Account")
ALWAYS = (
    *("action", "name", "token", "uid", "file"),
    *("uids", "flags", "target", "message", "folder"),
)
TEXT = st.text(st.characters(exclude_categories=("C", "Zl", "Zp")), min_size=1, max_size=20)
UIDS = st.integers(1, 4294967295)
SWITCH = st.sampled_from(["enabled", "disabled"])
NAMES: dict[tuple[str, str], st.SearchStrategy[Any]] = {
    ("create", "create"): st.sampled_from([None, ""]),
    ("validate", "create"): st.sampled_from([None, ""]),
    ("read", "check-credentials"): st.none() | st.text(),
}
PASSWORD_WAYS = ("plain", "login", "cram-md5", "scram-sha-256", "apop", "external")
IMAP_ONLY = ("Folders", "FolderMap", "Search", "Since", "MarkSeen")
URLS = st.sampled_from(
    ["http://localhost", "HTTPS://a-b.example:8443/x?y=%2F$;", "https://[::1]/", "http://1.2.3.4"]
)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "type": st.just("getmail"),
    "redact": st.booleans(),
    "label": st.text(),
    "status_ok": st.integers(0, 1),
    "Retriever": st.sampled_from(sorted(RETRIEVERS)),
    "Server": domains() | st.ip_addresses().map(str) | st.sampled_from(["bücher.example", "localhost."]),
    "Port": st.integers(1, 65535),
    "TLS": st.sampled_from(["auto", "required"]),
    "CAFile": TEXT.map(lambda text: f"/{text}"),
    "Fingerprint": st.binary(min_size=32, max_size=32).flatmap(
        lambda octets: st.sampled_from([octets.hex(), octets.hex(":").upper()])
    ),
    "Username": TEXT,
    "Password": TEXT,
    "Account": st.sampled_from(["a", "giacomo@local.neth.eu", "ä b@c@d", "..."]),
    "Delete": st.integers(-1, 999999999),
    "Time": st.integers(5, 999999999),
    "SyncPeriod": st.sampled_from(["1h", "4h", "12h", "24h"]),
    "Label": TEXT.filter("0".__ne__),
    "CallbackUrl": URLS,
    "StatusCallbackUrl": URLS,
    "Auth": st.sampled_from(["auto", *PASSWORD_WAYS, "xoauth2", "oauthbearer"]),
    "Provider": st.sampled_from(["google", "microsoft", "custom"]),
    "Tenant": st.sampled_from(["common", "a-b.example", "0" * 32]),
    **dict.fromkeys(("TokenUrl", "AuthorizationUrl", "DeviceUrl", "RedirectUrl"), URLS),
    **dict.fromkeys(("ClientId", "provider_consumer_key"), TEXT),
    **dict.fromkeys(
        ("ClientSecret", "RefreshToken", "provider_token", "provider_token_secret"), TEXT | st.just("")
    ),
    "Scope": st.sampled_from(["openid", "https://mail.example/IMAP.All offline_access"]),
    "Grant": st.sampled_from(["refresh", "client_credentials", "jwt"]),
    **dict.fromkeys(
        ("KeyFile", "PasswordFile", "PasswordCommand", "ClientCert", "ClientKey", "Tunnel"),
        TEXT.map(lambda text: f"/{text}"),
    ),
    "Folders": st.sampled_from(["INBOX", "*, !Junk", '"a, b", ü/%', "\\Sent"]),
    "FolderMap": st.sampled_from(["inbox", "keep"]),
    "Search": st.sampled_from(["ALL", "UNSEEN NOT DELETED", 'OR FROM "a b" SUBJECT ü']),
    "Since": st.dates().map(str),
    "MaxSize": st.integers(1, 999999999999),
    "MaxMessages": st.integers(1, 999999999),
    "MarkSeen": st.sampled_from(["none", "seen"]),
    "Destination": st.sampled_from(
        ["maildir:/a", "maildir:~/a", "lmtp:unix:/a", "lmtp:[::1]:24", "lmtp:h:24", "command:/a b"]
    ),
    "Folder": st.sampled_from(["Work", "Work/Invoices.2026", "ü b"]),
    "account": TEXT,
    "exact": st.booleans(),
    "token": st.binary(min_size=16, max_size=16).map(bytes.hex),
    "version": st.integers(0),
    "wait": st.integers(0, 600_000),
    "limit": st.integers(1, 200),
    "lines": st.integers(1, 5000),
    "after": st.from_regex("[A-Za-z0-9=;:,.+/_-]{1,512}", fullmatch=True),
    "flow": st.sampled_from(["device", "code"]),
    "redirect": TEXT,
    "folder": TEXT,
    "uid": TEXT | st.integers(1),
    "search": st.sampled_from(["ALL", "UNSEEN NOT DELETED"]),
    "before": TEXT | st.integers(1),
    "raw_file_list": st.integers(0, 1),
    "file": st.from_regex(r"[1-9][0-9]{0,5}(\.[1-9][0-9]{0,5}){0,9}", fullmatch=True),
    "offset": st.integers(0, 4294967295),
    "uids": st.lists(UIDS | UIDS.map(str), min_size=1, max_size=5),
    "uidvalidity": UIDS,
    "flags": st.lists(st.sampled_from(["\\Seen", "\\Deleted", "$Forwarded", "a-1"]), min_size=1, max_size=3),
    "remove": st.booleans(),
    "target": TEXT,
    "message": st.binary(min_size=1).map(lambda octets: base64.b64encode(octets).decode()),
    "date": st.integers(0, 253402300799),
    "rename": TEXT,
    "subscribed": st.booleans(),
    "force": st.booleans(),
    "status": SWITCH,
    "FilterCheck": SWITCH,
    "SpamCheck": SWITCH,
    "VirusCheck": SWITCH,
}
CONFLICTS = {
    "form": ["name", "exact", "account"],
    "Time": ["SyncPeriod"],
    "PasswordFile": ["Password", "PasswordCommand"],
    "PasswordCommand": ["Password"],
    "provider_token": ["RefreshToken"],
    "provider_consumer_key": ["ClientId"],
}
CONDITIONS = ("OK", "NEVER_RUN", "INVALID_CREDENTIALS", "TEMP_DISABLED", "DISABLED")
NUMBERS = ("Port", "Delete", "Time", "MaxSize", "MaxMessages")
ODD_DIGITS = ("-", "-0", "-1", "-2", "0", "4", "5", "00005", "1.0", "+5", "٣", "65536", "9999999999")
ODD_WORDS = (
    "none",
    "auto",
    "getmail",
    "SimpleIMAPSSLRetriever",
    "..",
    "a/b",
    "@",
    "a@..",
    "/",
    "/\x85",
    "\n",
)
ODD_SERVERS = ("127.1", "1.2.3.4:5", "fe80::1%eth0", "a..b", "-a", "é" * 300, "x" * 101, "x" * 9000)
ODD_URLS = ("http://", "http://a@b/", "ftp://b/", "http://127.1/", "http://b/#", "http://b/\n", "http://b:0")
ODD_NUMBERS = (True, False, 0, 1, -1, 4, 5.0, 5.5, -1.0, 65536, 10**9, 10**60, 1e300)
ODD: st.SearchStrategy[Any] = st.sampled_from(
    [*ODD_DIGITS, *ODD_WORDS, *ODD_SERVERS, *ODD_URLS, *ODD_NUMBERS, None, "", [], {}, ["getmail"]]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=4,
)


@cache
def validator(verb: str, action: str) -> Draft202012Validator:
    content = load(f"{verb}/{action}.input.json")
    return Draft202012Validator(content, format_checker=schema.format_checker())


def find_props(content: Any) -> set[str]:
    """Return the names of an input's props."""
    return set(content.get("properties", {})).union(*map(find_props, content.get("allOf", [])))


@st.composite
def valid_inputs(draw: Callable[[Any], Any], verb: str, action: str) -> dict[str, Any]:
    props = find_props(load(f"{verb}/{action}.input.json"))
    values = {"action": st.just(action), "name": NAMES.get((verb, action), TEXT), **VALUES}
    values |= {"status": st.sampled_from(CONDITIONS)} if verb == "read" and "label" in props else {}
    if "form" in props:
        values["form"] = servers() if action == "certificate" else valid_inputs("read", "check-credentials")
    kept = props & {*ALWAYS, *CONNECTOR} | draw(st.sets(st.sampled_from(sorted(props))))
    data = {prop: draw(values[prop]) for prop in sorted(kept)}
    digits = draw(st.sets(st.sampled_from(NUMBERS)))
    data |= {prop: str(data[prop]) for prop in digits & kept}
    if action == "update":
        kept_always = {"action", "name", "exact", "account", "type", *CONNECTOR}
        removed = draw(st.sets(st.sampled_from(sorted(props - kept_always))))
        data |= dict.fromkeys(removed)
    for prop, excluded in CONFLICTS.items():
        if data.get(prop) is not None or (prop == "Time" and prop in data):
            for other in excluded:
                data.pop(other, None)
    return settle(data)


def servers() -> st.SearchStrategy[dict[str, Any]]:
    """Servers as `read certificate` takes them."""
    fixed = {prop: VALUES[prop] for prop in ("Retriever", "Server")}
    more = {prop: VALUES[prop] for prop in ("Port", "TLS", "CAFile", "Fingerprint")}
    return st.fixed_dictionaries(fixed, optional=more)


def settle(data: dict[str, Any]) -> dict[str, Any]:
    """Return an input in which nothing contradicts the protocol and the way to log in."""
    is_pop3, auth = str(data.get("Retriever")).startswith("SimplePOP3"), data.get("Auth")
    data = {prop: value for prop, value in data.items() if not (is_pop3 and value and prop in IMAP_ONLY)}
    if auth in PASSWORD_WAYS:
        data = {prop: value for prop, value in data.items() if prop not in ("Provider", "provider_token")}
        data |= {"Auth": "plain"} if auth == "apop" and not is_pop3 else {}
    elif {"Auth", "Provider"} & data.keys():
        data |= {"Provider": data.get("Provider") or "custom", "TokenUrl": data.get("TokenUrl") or "http://b"}
    return data | ({"ClientCert": "/c"} if auth == "external" or data.get("ClientKey") else {})


@st.composite
def mutated_inputs(draw: Callable[[Any], Any], verb: str, action: str) -> dict[str, Any]:
    data: dict[str, Any] = draw(valid_inputs(verb, action))
    props = sorted({"action", "name", *VALUES} | data.keys())
    for _ in range(draw(st.integers(1, 3))):
        prop = draw(st.sampled_from(props) | st.text(max_size=3))
        value = data.get(prop)
        match draw(st.sampled_from(["remove", "replace", "prepend", "append"])):
            case "remove":
                data.pop(prop, None)
            case "prepend" if isinstance(value, str):
                data[prop] = draw(st.text(max_size=2) | st.sampled_from("0-@./")) + value
            case "append" if isinstance(value, str):
                data[prop] = value + draw(st.text(max_size=2) | st.sampled_from("\n.@0 "))
            case _:
                data[prop] = draw(ODD | JSON)
    return data


@pytest.mark.long
@each_action
@given(data=st.data())
def test_what_is_valid_is_accepted(verb: str, action: str, data: st.DataObject) -> None:
    value = data.draw(valid_inputs(verb, action))
    assert validator(verb, action).is_valid(value)
    assert accept.is_accepted(verb, action, value)


@pytest.mark.long
@each_action
@given(data=st.data())
def test_what_jsonschema_refuses_is_not_accepted(verb: str, action: str, data: st.DataObject) -> None:
    value = data.draw(mutated_inputs(verb, action))
    before = repr(value)
    is_valid = validator(verb, action).is_valid(value)
    assert accept.is_accepted(verb, action, value) == is_valid
    assert (not schema.check(verb, action, value)) == is_valid
    assert repr(value) == before


@pytest.mark.long
@each_action
def test_jsonschema_is_not_imported_for_what_is_valid(verb: str, action: str) -> None:
    data = {
        "Retriever": "SimpleIMAPSSLRetriever",
        "Server": "mail.example",
        "Username": "u",
        "Password": "p",
        "Account": "a",
        "Time": "30",
        "token": "0" * 32,
        "uid": "1",
        "file": "2",
        "uids": [1, "2"],
        "flags": ["\\Seen"],
        "target": "Work",
        "message": "YQ==",
        "folder": "Work",
    }
    props = find_props(load(f"{verb}/{action}.input.json"))
    value = {"action": action, **{prop: data[prop] for prop in props & data.keys()}}
    value |= {"name": "x"} if "name" in props and "create" not in action else {}
    code = (
        f"import sys; sys.path.insert(0, sys.argv[1]); from cockpit_getmail import schema;"
        f"print(schema.check({verb!r}, {action!r}, {value!r}), {{'jsonschema', 'idna'}} & sys.modules.keys())"
    )
    command = [sys.executable, "-ISc", code, str(FOLDER.parent / "lib")]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "[] set()\n"


@pytest.fixture
def schemas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of schemas/."""
    folder = tmp_path / "schemas"
    shutil.copytree(FOLDER, folder)
    monkeypatch.setattr(accept, "SCHEMAS", str(folder))
    return folder


@pytest.mark.parametrize("edited", ["update/update.input.json", "connector.json"])
def test_nothing_is_accepted_by_a_schema_that_was_edited(schemas: Path, edited: str) -> None:
    value = {"action": "update", "name": "x"}
    assert accept.is_accepted("validate", "update", value)
    path = schemas / edited
    path.write_bytes(path.read_bytes() + b"\n")
    assert not accept.is_accepted("validate", "update", value)
    assert accept.is_accepted("read", "list", {"action": "list"}) == (edited != "connector.json")


def test_nothing_is_accepted_without_made_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accept, "module_name", lambda verb, action: "no_such")
    assert not accept.is_accepted("read", "list", {"action": "list"})
    assert schema.check("read", "list", {"action": "list"}) == []
    assert schema.check("read", "list", {"action": "lst"}) != []
