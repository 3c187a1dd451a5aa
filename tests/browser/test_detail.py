# SPDX-License-Identifier: LGPL-2.1-or-later
"""One connector's own page: how it is, what it did, what it says, what it set aside."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.beyond import change_state, until
from tests.browser.conftest import MESSAGES, USER
from tests.browser.panel import Panel
from tests.support.dovecot import Dovecot, make_message
from tests.support.hostile import Server, pop3
from tests.support.installed import PASSWORD, Installed

NAME = "shown"
WRONG = "wrong-password-8812"
DAYS = 86400 * 9
MARKUP = "<img src=x onerror=top.hacked=1><script>top.hacked=1</script><b>bold</b>"


@pytest.fixture
def connector(installed: Installed, dovecot: Dovecot) -> str:
    installed.add(NAME, "SimpleIMAPRetriever", dovecot.imap, Username=USER, Account="giacomo")
    return NAME


def condition(installed: Installed, name: str = NAME) -> dict[str, object]:
    [found] = installed.call("read", action="status", name=name)["connectors"]
    assert isinstance(found, dict)
    return found


def test_failure_is_explained_and_reset(
    panel: Panel, installed: Installed, dovecot: Dovecot, secrets: set[str]
) -> None:
    secrets.add(WRONG)
    installed.add(NAME, "SimpleIMAPRetriever", dovecot.imap, Username=USER, Password=WRONG)
    for _ in range(2):
        installed.run(NAME)
    told = condition(installed)
    assert told["failures"] == 2
    panel.open("connector", NAME)
    expect(panel.text("Log-in refused").first).to_be_visible()
    expect(panel.text("The server refused this user name and password.").first).to_be_visible()
    expect(panel.text(str(told["message"])).first).to_be_visible()
    expect(panel.text("Some providers require an app password.").first).to_be_visible()
    panel.button("Reset").click()
    until(lambda: condition(installed)["failures"] == 0)
    assert condition(installed)["status"] != "INVALID_CREDENTIALS"


def test_run_from_its_own_page(panel: Panel, installed: Installed, connector: str) -> None:
    panel.open("connector", connector)
    panel.button("Run now").click()
    until(lambda: len(installed.mail("giacomo")) == MESSAGES)
    expect(panel.text("OK").first).to_be_visible()


def test_history_is_a_chart_and_a_table(panel: Panel, installed: Installed, connector: str) -> None:
    for _ in range(3):
        installed.run(connector)
    panel.open("connector", connector, "history")
    expect(panel.role("tab", "History")).to_have_attribute("aria-selected", "true")
    rows = panel.body.locator("table").get_by_role("row")
    expect(rows).to_have_count(4)
    expect(rows.nth(3)).to_contain_text(str(MESSAGES))
    expect(panel.body.get_by_role("img").first).to_be_visible()


def test_log_is_followed(panel: Panel, installed: Installed, dovecot: Dovecot) -> None:
    # The journal keeps what was: this one has none yet.
    name = "followed"
    installed.add(name, "SimpleIMAPRetriever", dovecot.imap, Username=USER, Account="giacomo")
    installed.run(name)
    panel.open("connector", name, "log")
    line = panel.text(f"{MESSAGES} of {MESSAGES} delivered")
    expect(line).to_have_count(1)
    panel.frame.evaluate("window.stillHere = true")
    installed.run(name)
    expect(panel.text("0 messages delivered")).to_be_visible()
    expect(line).to_have_count(1)
    assert panel.frame.evaluate("window.stillHere")


def test_tabs_are_places_to_come_back_to(panel: Panel, connector: str) -> None:
    panel.open()
    panel.body.get_by_role("link", name=NAME).or_(panel.button(NAME)).first.click()
    for tab in ("History", "Log", "Quarantine", "Status"):
        panel.role("tab", tab).click()
        expect(panel.role("tab", tab)).to_have_attribute("aria-selected", "true")
    panel.page.go_back()
    expect(panel.role("tab", "Quarantine")).to_have_attribute("aria-selected", "true")
    panel.page.reload(wait_until="commit")
    expect(panel.role("tab", "Quarantine")).to_have_attribute("aria-selected", "true")
    panel.body.get_by_role("navigation").get_by_text("Mail connectors").click()
    expect(panel.row(NAME)).to_be_visible()


@pytest.fixture
def aside(installed: Installed, dovecot: Dovecot) -> Iterator[Dovecot]:
    """An account with a message that the server cannot read; runs have set it aside."""
    user = "broken@example.com"
    if not dovecot.maildir(user).exists():
        dovecot.add_user(user, PASSWORD)
    for number in (1, 2, 3):
        dovecot.add_message(user, make_message(number, 700))
    bad = min((dovecot.maildir(user) / "new").iterdir())
    bad.chmod(0)
    # Where the size in the name is right, Dovecot does not find out before it is asked for the message.
    bad = bad.rename(f"{bad},W=700")
    installed.add(NAME, "SimpleIMAPRetriever", dovecot.imap, Username=user, Account="anna")
    while not listed(installed):
        installed.run(NAME)
        change_state(installed, NAME, f"UPDATE failure SET since = since - {DAYS}")
    assert len(installed.mail("anna")) == 2
    yield dovecot
    for path in dovecot.maildir(user).glob("???/*.test,*"):
        path.unlink()


def listed(installed: Installed) -> list[object]:
    messages: list[object] = installed.call("read", action="quarantine", name=NAME)["messages"]
    return messages


def mend(dovecot: Dovecot) -> None:
    for path in dovecot.maildir("broken@example.com").glob("???/*"):
        path.chmod(0o644)


def test_message_set_aside_is_tried_again(panel: Panel, installed: Installed, aside: Dovecot) -> None:
    panel.open("connector", NAME, "quarantine")
    expect(panel.text("INBOX").first).to_be_visible()
    mend(aside)
    panel.body.get_by_role("checkbox").first.check()
    panel.button("Retry").click()
    until(lambda: not listed(installed))
    installed.run(NAME)
    assert len(installed.mail("anna")) == 3


def test_message_set_aside_is_skipped(panel: Panel, installed: Installed, aside: Dovecot) -> None:
    panel.open("connector", NAME, "quarantine")
    panel.body.get_by_role("checkbox").first.check()
    panel.button("Skip").click()
    # It is for good, so that is asked for once more.
    panel.dialog.get_by_role("button", name="Skip").click()
    until(lambda: not listed(installed))
    mend(aside)
    installed.run(NAME)
    assert len(installed.mail("anna")) == 2
    assert len(aside.messages("broken@example.com")) == 3


def test_servers_markup_is_text(panel: Panel, installed: Installed) -> None:
    refusal = f"-ERR {MARKUP}\r\n".encode()
    with Server(pop3([], {"PASS .*": refusal, "AUTH PLAIN .*": refusal})) as server:
        installed.add(NAME, "SimplePOP3Retriever", server.port, Username="<i>u</i>", Account="giacomo")
        installed.run(NAME)
    assert MARKUP in str(condition(installed)["message"])
    panel.open()
    expect(panel.row(NAME)).to_contain_text("<i>u</i>")
    for tab in ("status", "history", "log"):
        panel.open("connector", NAME, tab)
        expect(panel.text(MARKUP).first).to_be_visible()
        assert panel.body.locator("img[src=x], script:not([src])").count() == 0
    assert panel.page.evaluate("window.hacked") is None
