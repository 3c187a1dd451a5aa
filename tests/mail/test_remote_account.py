# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a real Dovecot tells of an account: folders, quota, rights, namespaces and its certificate."""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.conftest import Api
from tests.support.certificates import Authority, Certificate
from tests.support.dovecot import Dovecot

USER, OTHER = "giacomo", "anna"
PASSWORD = "Nethesis,1234"
PLAIN = "SimpleIMAPRetriever"
RETRIEVERS = {
    PLAIN: "imap",
    "SimpleIMAPSSLRetriever": "imaps",
    "SimplePOP3Retriever": "pop3",
    "SimplePOP3SSLRetriever": "pop3s",
}
ODD = 'INBOX/Größe "1" & \\2'

pytestmark = pytest.mark.root


@pytest.fixture(scope="module")
def certificate(authority: Authority) -> Certificate:
    return authority.issue()


@pytest.fixture(scope="module")
def rich(certificate: Certificate) -> Iterator[Dovecot]:
    """An account with folders, quota and rights."""
    uses = {"Sent": "\\Sent", "Junk": "\\Junk"}
    with Dovecot(
        {USER: PASSWORD, OTHER: PASSWORD},
        certificate=certificate,
        separator="/",
        prefix="INBOX/",
        special_uses=uses,
        quota="10M",
        acl=True,
    ) as dovecot:
        dovecot.fill(USER, 3, 1000)
        for folder in ("INBOX/Work", "INBOX/Work/2026", ODD):
            dovecot.make_folder(USER, folder)
        dovecot.fill(USER, 2, 2000, "INBOX/Work/2026")
        dovecot.fill(USER, 1, 500, ODD)
        dovecot.doveadm("flags", "add", "-u", USER, "\\Seen", "mailbox", "INBOX/Work/2026", "uid", "1")
        dovecot.doveadm("mailbox", "unsubscribe", "-u", USER, "INBOX/Work")
        yield dovecot


def add(api: Api, dovecot: Dovecot, retriever: str = PLAIN, **props: str) -> str:
    port = str(getattr(dovecot, RETRIEVERS[retriever]))
    fixed = {"Server": dovecot.host, "Port": port, "Username": USER, "Password": PASSWORD, "TLS": "none"}
    return api.add(Retriever=retriever, **{**fixed, **props})


def folders(answer: dict[str, Any], *facts: str) -> dict[str, Any]:
    """Return facts of each folder, by name."""
    return {folder["name"]: tuple(folder[fact] for fact in facts) for folder in answer["folders"]}


def test_folders_and_what_is_in_them(api: Api, rich: Dovecot) -> None:
    name = add(api, rich)
    answer = api.succeed("read", "folders", name=name)
    assert folders(answer, "messages", "unseen", "size", "special_use") == {
        "INBOX": (3, 3, 3000, None),
        "INBOX/Work": (0, 0, 0, None),
        "INBOX/Work/2026": (2, 1, 4000, None),
        ODD: (1, 1, 500, None),
        "INBOX/Sent": (0, 0, 0, "\\Sent"),
        "INBOX/Junk": (0, 0, 0, "\\Junk"),
    }
    assert answer["more"] == 0
    subscribed = folders(answer, "subscribed", "selectable", "separator")
    assert subscribed["INBOX/Work/2026"] == subscribed["INBOX/Sent"] == (True, True, "/")
    assert subscribed["INBOX/Work"] == (False, True, "/")
    assert all(folder["uidvalidity"] > 0 for folder in answer["folders"])
    # What is fetched comes first.
    chosen = folders(answer, "chosen", "local")
    assert chosen.pop("INBOX") == (True, "INBOX")
    assert set(chosen.values()) == {(False, None)}
    # Nothing was opened: what is new there is new still.
    assert rich.flags(USER) == [""] * 3


def test_what_is_fetched_and_where_it_goes(api: Api, rich: Dovecot) -> None:
    name = add(api, rich, Folders="*, !\\Junk", FolderMap="keep", Folder="Old")
    answer = api.succeed("read", "folders", name=name)
    assert folders(answer, "chosen", "local") == {
        "INBOX": (True, "Old"),
        "INBOX/Sent": (True, "Old/Sent"),
        "INBOX/Work": (True, "Old/Work"),
        "INBOX/Work/2026": (True, "Old/Work/2026"),
        ODD: (True, 'Old/Größe "1" & \\2'),
        "INBOX/Junk": (False, None),
    }


def test_folders_of_a_connector_that_is_not_saved(api: Api, rich: Dovecot) -> None:
    form = {
        "action": "check-credentials",
        "Retriever": PLAIN,
        "Server": rich.host,
        "Port": rich.imap,
        "Username": USER,
        "Password": PASSWORD,
        "TLS": "none",
        "Folders": "INBOX/W*",
    }
    answer = api.succeed("read", "folders", form=form)
    chosen = [folder["name"] for folder in answer["folders"] if folder["chosen"]]
    assert chosen == ["INBOX/Work", "INBOX/Work/2026"]
    assert not api.db.exists()
    # A form that changes one that is saved takes the rest from there.
    name = add(api, rich, Folders="\\Sent")
    saved = {"action": "check-credentials", "name": name}
    answer = api.succeed("read", "folders", form=saved)
    assert [folder["name"] for folder in answer["folders"] if folder["chosen"]] == ["INBOX/Sent"]
    answer = api.succeed("read", "folders", form={**saved, "Folders": "\\Junk"})
    assert [folder["name"] for folder in answer["folders"] if folder["chosen"]] == ["INBOX/Junk"]
    assert api.props(name)["Folders"] == "\\Sent"


def test_a_server_that_can_do_little(api: Api) -> None:
    """Neither LIST-STATUS nor quota, rights or namespaces."""
    with Dovecot({USER: PASSWORD}, extra="imap_capability = IMAP4rev1") as dovecot:
        dovecot.make_folder(USER, "Work.2026")
        dovecot.fill(USER, 2, folder="Work.2026")
        name = add(api, dovecot, Folders="*, Nowhere")
        answer = api.succeed("read", "folders", name=name)
        assert folders(answer, "messages", "unseen", "size", "selectable", "subscribed") == {
            "INBOX": (0, 0, None, True, False),
            "Work": (None, None, None, False, False),
            "Work.2026": (2, 2, None, True, True),
        }
        assert api.succeed("read", "quota", name=name) == {"folder": "INBOX", "quotas": None}
        rights = {"folder": "INBOX", "rights": None, "everyone": None}
        assert api.succeed("read", "rights", name=name) == rights
        assert api.succeed("read", "namespace", name=name) == dict.fromkeys(("personal", "other", "shared"))
        assert api.succeed("read", "capabilities", name=name)["capabilities"] == ["IMAP4REV1"]


@pytest.mark.parametrize("folder", ["INBOX", ODD])
def test_quota(api: Api, rich: Dovecot, folder: str) -> None:
    answer = api.succeed("read", "quota", name=add(api, rich), folder=folder)
    assert answer["folder"] == folder
    [quota] = answer["quotas"]
    assert (quota["root"], quota["resource"], quota["limit"]) == ("User quota", "STORAGE", 10 << 10)
    assert 0 < quota["usage"] < 100


def test_rights(api: Api, rich: Dovecot) -> None:
    rich.doveadm("acl", "set", "-u", USER, ODD, f"user={OTHER}", "lookup", "read")
    answer = api.succeed("read", "rights", name=add(api, rich), folder=ODD)
    assert answer["folder"] == ODD
    assert {"l", "r", "a"} <= set(answer["rights"])
    everyone = {entry["who"]: set(entry["rights"]) for entry in answer["everyone"]}
    assert everyone[OTHER] == {"l", "r"}


def test_namespaces(api: Api, rich: Dovecot) -> None:
    answer = api.succeed("read", "namespace", name=add(api, rich))
    assert answer["personal"] == [{"prefix": "INBOX/", "separator": "/"}]
    assert answer["other"] == [{"prefix": "shared/", "separator": "/"}]
    assert answer["shared"] == []


@pytest.mark.parametrize("retriever", RETRIEVERS)
def test_capabilities(api: Api, authority: Authority, rich: Dovecot, retriever: str) -> None:
    name = add(api, rich, retriever, CAFile=readable_ca(api, authority), TLS="auto")
    answer = api.succeed("read", "capabilities", name=name)
    assert (answer["protocol"], answer["tls"]) == ("pop3" if "POP3" in retriever else "imap", "TLSv1.3")
    assert ("UIDL" if "POP3" in retriever else "QUOTA") in answer["capabilities"]


def test_pop3_has_one_folder_and_no_more(api: Api, rich: Dovecot) -> None:
    name = add(api, rich, "SimplePOP3Retriever", Folder="Work")
    [inbox] = api.succeed("read", "folders", name=name)["folders"]
    assert (inbox["name"], inbox["messages"], inbox["unseen"], inbox["chosen"]) == ("INBOX", 3, None, True)
    assert inbox["local"] == "Work"
    for action in ("quota", "rights", "namespace"):
        assert api.faults("read", action, name=name) == {"name": "conflict"}
    assert api.succeed("read", "capabilities", name=name)["protocol"] == "pop3"


def test_who_cannot_log_in_learns_why(api: Api, rich: Dovecot) -> None:
    name = add(api, rich, Password="wrong|4711")
    for action in ("folders", "capabilities", "quota", "rights", "namespace"):
        problem = api.fail("read", action, name=name)
        assert problem["attributes"]["status"] == "INVALID_CREDENTIALS"
        assert "4711" not in str(problem)
    assert api.fail("read", "folders", name="nobody@nowhere")["type"] == "NotFound"


def readable_ca(api: Api, authority: Authority) -> str:
    path = api.folder / "ca.pem"
    shutil.copy(authority.ca, path)
    path.chmod(0o644)
    return str(path)


def log_ins(dovecot: Dovecot) -> int:
    """Return how many log-ins were tried."""
    return sum(dovecot.log().count(word) for word in ("Login: ", "auth failed"))


@pytest.mark.parametrize("retriever", RETRIEVERS)
def test_certificate_is_shown_to_who_trusts_it_and_who_does_not(
    api: Api, authority: Authority, certificate: Certificate, rich: Dovecot, retriever: str
) -> None:
    before = log_ins(rich)
    form = {"Retriever": retriever, "Server": rich.host, "Port": getattr(rich, RETRIEVERS[retriever])}
    shown = api.succeed("read", "certificate", form=form)
    assert (shown["subject"], shown["issuer"]) == ("CN=Test server", "CN=Test authority")
    assert shown["fingerprint"] == certificate.fingerprint
    assert shown["pem"] == certificate.pem.read_text()
    assert {"localhost", "127.0.0.1"} <= set(shown["names"])
    assert shown["not_before"] < shown["not_after"]
    assert not shown["trusted"]
    assert "not trusted" in shown["reason"]
    # What was shown is what is needed to trust it.
    for trust in ({"CAFile": readable_ca(api, authority)}, {"Fingerprint": shown["fingerprint"]}):
        trusted = api.succeed("read", "certificate", form={**form, **trust})
        assert trusted == {**shown, "trusted": True, "reason": None}
    other = api.succeed("read", "certificate", form={**form, "Fingerprint": "00" * 32})
    assert not other["trusted"]
    assert other["fingerprint"] == certificate.fingerprint
    # Of a connector too, with whatever password.
    ca = readable_ca(api, authority)
    name = add(api, rich, retriever, CAFile=ca, Password="wrong", TLS="auto")
    assert api.succeed("read", "certificate", name=name) == trusted
    assert log_ins(rich) == before


@pytest.mark.parametrize("kind", ["expired", "wrong_host", "self_signed"])
def test_bad_certificate_is_shown(api: Api, authority: Authority, kind: str) -> None:
    certificate = getattr(authority, kind)()
    with Dovecot({USER: PASSWORD}, certificate=certificate) as dovecot:
        form = {"Retriever": PLAIN, "Server": dovecot.host, "Port": dovecot.imap}
        shown = api.succeed("read", "certificate", form={**form, "CAFile": readable_ca(api, authority)})
        assert (shown["trusted"], shown["fingerprint"]) == (False, certificate.fingerprint)
        assert shown["reason"]


def test_no_certificate_without_encryption(api: Api) -> None:
    with Dovecot({USER: PASSWORD}) as dovecot:
        for retriever in (PLAIN, "SimplePOP3Retriever"):
            port = getattr(dovecot, RETRIEVERS[retriever])
            form = {"Retriever": retriever, "Server": dovecot.host, "Port": port, "TLS": "none"}
            problem = api.fail("read", "certificate", form=form)
            assert problem["attributes"]["cause"] == "tls"
            assert "no encryption" in problem["message"]
