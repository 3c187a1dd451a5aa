# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every field of Context.IO's sources, in its order, and what stands for it here."""

import subprocess
import time
from typing import Any

import pytest

from cockpit_getmail import status_file
from cockpit_getmail.callbacks.message import make_complete, sign
from cockpit_getmail.connector import Connector, folder_name
from tests.api.conftest import CONNECTOR, Api
from tests.unit.test_status import BAD, FINE, SOME, WRONG, report

pytestmark = pytest.mark.long

SECRET = "your oauth secret"
WORDS = sorted(
    [
        "INVALID_CREDENTIALS",
        "CONNECTION_IMPOSSIBLE",
        "NO_ACCESS_TO_ALL_MAIL",
        "OK",
        "TEMP_DISABLED",
        "DISABLED",
    ]
)
"""The possible statuses. A database is in the order of its names, and so are answers."""
ALL = sorted([*WORDS, "NEVER_RUN"])
TOLD: dict[str, dict[str, Any]] = {
    "OK": {"outcome": FINE},
    "INVALID_CREDENTIALS": {"outcome": WRONG, "failures": 1, "refused": 1},
    "CONNECTION_IMPOSSIBLE": {"outcome": BAD, "failures": 1},
    "NO_ACCESS_TO_ALL_MAIL": {"outcome": SOME},
    "TEMP_DISABLED": {"outcome": WRONG, "failures": 5, "refused": 5},
    "DISABLED": {"outcome": FINE},
}
"""What the last run of a connector told that has this status."""


@pytest.fixture
def sources(api: Api) -> Api:
    """A connector of each status in one account, named by it, and one that never ran."""
    names = {word: api.add(Username=word, Label=word, Account="me") for word in ALL}
    for word, told in TOLD.items():
        folder = api.state / folder_name(names[word])
        folder.mkdir(parents=True)
        status_file.write(folder, report(**told, started=time.time() - 60), durably=False)
    api.succeed("update", "disable", name="DISABLED")
    if api.user:
        api.as_user(api.user.pw_name)
    return api


def find(api: Api, **filters: Any) -> list[str]:
    """Return the labels of the connectors to which these filters apply; status and list agree on them."""
    found = [told["label"] for told in api.conditions(**filters).values()]
    groups = api.succeed("read", "list", **filters)["connectors"].values()
    assert [listed["props"]["Label"] for group in groups for listed in group] == found
    return found


# GET: filters


@pytest.mark.parametrize("word", ALL)
def test_status_only_of_a_specific_value(sources: Api, word: str) -> None:
    assert find(sources, status=word) == [word]
    [told] = sources.conditions(status=word).values()
    assert told["status"] == word
    assert ("hint" in told) == (word not in ("OK", "DISABLED", "NEVER_RUN"))


def test_status_ok(sources: Api) -> None:
    assert find(sources, status_ok=1) == ["NEVER_RUN", "OK"]
    assert find(sources, status_ok=0) == [word for word in WORDS if word != "OK"]
    assert find(sources) == ALL
    assert find(sources, status_ok=1, status="DISABLED") == []


# POST: what a source is made of


@pytest.mark.parametrize(
    ("use_ssl", "retriever"), [(1, "SimpleIMAPSSLRetriever"), (0, "SimpleIMAPRetriever")]
)
def test_required_fields(api: Api, use_ssl: int, retriever: str) -> None:
    port = 993 if use_ssl else 143
    source = {"Account": "me@example.com", "Server": "imap.gmail.com", "Username": "me@gmail.com"}
    name = api.create(**source, Retriever=retriever, Port=port, Password="x")
    assert api.props(name) == {
        **source,
        "Retriever": retriever,
        "Port": str(port),
        "Password": "x",
        "Delete": "-1",
        "Time": "30",
        "status": "enabled",
        "type": "getmail",
    }


@pytest.mark.parametrize(("period", "minutes"), [("1h", 60), ("4h", 240), ("12h", 720), ("24h", 1440)])
def test_sync_period(api: Api, period: str, minutes: int) -> None:
    name = api.create(SyncPeriod=period)
    assert api.props(name)["Time"] == str(minutes)
    api.succeed("update", "update", name=name, Time=30)
    api.succeed("update", "update", name=name, SyncPeriod=period)
    assert api.props(name)["Time"] == str(minutes)
    assert "SyncPeriod" not in api.props(name)


@pytest.mark.parametrize("period", ["2h", "60", 60, "1H", "", "24"])
def test_no_other_sync_period(api: Api, period: Any) -> None:
    assert api.faults("create", "create", **CONNECTOR, SyncPeriod=period) == {"SyncPeriod": "enum"}


def test_callback_url(api: Api) -> None:
    name = api.create(CallbackUrl="https://example.com/done")
    assert api.props(name)["CallbackUrl"] == "https://example.com/done"


def test_callback_body() -> None:
    """What a receiver of theirs checks, and how."""
    props = {"Account": "me@example.com", "Label": "work"}
    body = sign(make_complete(Connector.from_record("k", props), 1_700_000_000.7), SECRET)
    text = f"{body['timestamp']}{body['token']}"
    argv = ["openssl", "dgst", "-sha256", "-hmac", SECRET, "-r"]
    hashed = subprocess.run(argv, input=text, check=True, capture_output=True, text=True).stdout
    assert body.pop("signature") == hashed.split()[0]
    assert len(body.pop("token")) == 32
    assert body == {"account_id": "me@example.com", "source_label": "work", "timestamp": 1_700_000_000}


# A source is referred to by its label


def test_label(sources: Api) -> None:
    assert find(sources, label="OK") == ["OK"]
    [told] = sources.conditions(name="OK").values()
    assert (told["label"], told["account"]) == ("OK", "me")


def test_0_is_the_first_of_an_account(sources: Api) -> None:
    sources.create(Account="other", Label="second account")
    for account, first in (("me", WORDS[0]), ("other", "second account")):
        [told] = sources.conditions(name="0", account=account).values()
        assert told["label"] == first
    assert sources.fail("read", "status", name="0")["type"] == "NotFound"


# POST on a source: changes


@pytest.mark.parametrize(("word", "after"), [("TEMP_DISABLED", "OK"), ("DISABLED", "DISABLED")])
def test_status_set_to_1(sources: Api, word: str, after: str) -> None:
    """There it ends both; here reset ends TEMP_DISABLED, and what a person disabled a person enables."""
    sources.succeed("update", "reset", name=word)
    [told] = sources.conditions(label=word).values()
    assert (told["status"], told["failures"]) == (after, 0)
    sources.succeed("update", "enable", name=word)
    assert find(sources, status="OK", label=word) == [word]


def test_new_password(sources: Api) -> None:
    sources.succeed("update", "update", name="TEMP_DISABLED", Password="new")
    assert find(sources, status="TEMP_DISABLED") == []


# DELETE


def test_a_source_is_deleted_by_its_label(sources: Api) -> None:
    sources.succeed("delete", "delete", name="OK")
    assert find(sources, label="OK") == []
    sources.succeed("delete", "delete", name="0", account="me")
    assert find(sources) == [word for word in ALL[1:] if word != "OK"]
