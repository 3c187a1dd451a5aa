# SPDX-License-Identifier: LGPL-2.1-or-later
"""Baselines as units, in the foreground and from the command line; before a first run, and beside others."""

from typing import Any

from tests.machine.test_tasks import follow
from tests.support.dovecot import Dovecot, make_message
from tests.support.hostile import Server, hang, pop3
from tests.support.installed import PASSWORD, Installed

COUNT = 5
NAME = "baseline@here"


def test_mailbox_is_marked_before_its_first_run(installed: Installed) -> None:
    with Dovecot({"u": PASSWORD}) as dovecot:
        messages = dovecot.fill("u", COUNT)
        connector = {"Account": "baseline", "Delete": "0", "Label": "marked"}
        installed.add(NAME, "SimpleIMAPRetriever", dovecot.imap, status="disabled", **connector)
        answer = installed.ask("execute", "baseline", name=NAME, wait=60_000)
        assert answer["statusCode"] == "succeeded", answer
        assert answer["unit"] == f"cockpit-getmail-{NAME}"
        assert answer["percentProgress"] == 100
        assert {what for what, number in answer["result"].items() if number} == {"baselined"}
        assert answer["result"]["baselined"] == COUNT
        assert answer["logOutput"].splitlines()[-1] == "5 messages marked as seen; nothing was fetched."
        [run] = installed.ask("read", "history", name=NAME)["runs"]
        assert (run["token"], run["result"], run["baselined"]) == (answer["token"], "succeeded", COUNT)
        again = installed.ask("read", "progress", token=answer["token"])
        assert (again["result"], again["statusText"]) == (answer["result"], answer["statusText"])
        assert "nothing was fetched" in installed.machine.journal(answer["unit"])

        installed.ask("update", "enable", name=NAME)
        dovecot.add_message("u", make_message(90, 500))
        assert "1 message delivered" in installed.run(NAME)
        assert installed.mail("baseline") == [make_message(90, 500).replace(b"\r\n", b"\n")]
        assert dovecot.messages("u") == messages

        dovecot.add_message("u", make_message(91, 500))
        said = installed.machine.run(["cockpit-getmail", "baseline", "--yes", "marked"]).stdout
        assert "1 message marked as seen" in said
        dovecot.add_message("u", make_message(92, 500))
        said = installed.machine.run(["cockpit-getmail", "baseline", "--foreground", NAME]).stdout
        assert "1 message marked as seen" in said
        assert installed.owner(f"state/{NAME}") == (installed.uid, 0o700)
        shown = installed.machine.run(["cockpit-getmail", "history", NAME]).stdout
        assert shown.count("1 marked as seen") == 2
        verified = installed.ask("execute", "verify", name=NAME, wait=60_000)["result"]
        assert (verified["checked"], verified["missing_count"], verified["sound"]) == (1, 0, True)
        assert "0 messages delivered" in installed.run(NAME)
        assert len(installed.mail("baseline")) == 1


def test_one_task_of_a_mailbox_at_a_time(installed: Installed) -> None:
    """A run that fetches is no baseline; a baseline that is under way is found, and can be cancelled."""
    name = "baseline pop3"
    one = [("1", b"Subject: x\r\n\r\n")]
    with Server(pop3(one, {r"RETR (\d+)": hang})) as server:
        installed.add(name, "SimplePOP3Retriever", server.port, Account="baselines")
        begun = installed.ask("execute", "run", name=name)
        server.wait_for(b"RETR 1")
        refused = installed.ask("execute", "baseline", name=name)
        assert (refused["type"], refused["attributes"]["cause"]) == ("Conflict", "running")
        end(installed, name, begun)
    with Server(pop3(one, {"UIDL": hang})) as server:
        installed.add(name, "SimplePOP3Retriever", server.port, Account="baselines")
        begun = installed.ask("execute", "baseline", name=name)
        server.wait_for(b"UIDL")
        for action in ("baseline", "run"):
            found = installed.ask("execute", action, name=name)
            assert (found["token"], found["running"]) == (begun["token"], True)
        end(installed, name, begun)
    with Server(pop3(one)) as server:
        installed.add(name, "SimplePOP3Retriever", server.port, Account="baselines")
        done = installed.ask("execute", "baseline", name=name, wait=60_000)
        assert done["result"]["baselined"] == 1
        assert "0 messages delivered" in installed.run(name)
        assert b"RETR 1" not in server.received


def end(installed: Installed, name: str, begun: dict[str, Any]) -> None:
    """Cancel a task at a server that is silent, where it ends when it is asked twice."""
    installed.ask("execute", "cancel", name=name)
    installed.stop(begun["unit"])
    found, _ = follow(installed, begun["token"])
    assert found[-1]["statusCode"] in ("cancelled", "failed")
