# SPDX-License-Identifier: LGPL-2.1-or-later
"""Choosing which mail is fetched, with a look at what that is, before anything is stored."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.beyond import configure, stored, until
from tests.browser.conftest import USER
from tests.browser.panel import Panel
from tests.support.certificates import Authority
from tests.support.dovecot import Dovecot, make_message
from tests.support.installed import PASSWORD, Installed

ACCOUNT = "giacomo"
INBOX, SENT = 4, 3
LARGE = 50_000


@pytest.fixture(scope="module")
def provider(authority: Authority) -> Iterator[Dovecot]:
    """One with folders; a message of the inbox is large."""
    uses = {"Sent": "\\Sent", "Trash": "\\Trash"}
    with Dovecot(
        {USER: PASSWORD}, certificate=authority.issue(), separator="/", special_uses=uses
    ) as provider:
        provider.fill(USER, INBOX - 1)
        provider.add_message(USER, make_message(99, LARGE))
        for name in ("Sent", "Work, old"):
            provider.make_folder(USER, name)
        provider.fill(USER, SENT, folder="Sent")
        provider.add_message(USER, make_message(100, 700), "Work, old")
        yield provider


@pytest.fixture
def form(panel: Panel, installed: Installed, provider: Dovecot) -> Panel:
    """The dialog for a new connector, filled in, with its advanced part open."""
    panel.open()
    panel.button("Add connector").first.click()
    panel.fill(
        Server=provider.host, Port=str(provider.imaps), Username=USER, Password=PASSWORD, Account=ACCOUNT
    )
    panel.button("Advanced settings").click()
    return panel


def save(panel: Panel, installed: Installed) -> tuple[str, dict[str, str]]:
    panel.button("Add").click()
    expect(panel.dialog).to_have_count(0)
    [found] = stored(installed).items()
    return found


def test_folders_are_chosen_before_the_connector_is_there(form: Panel, installed: Installed) -> None:
    form.button("Choose folders").click()
    expect(form.role("checkbox", "INBOX")).to_be_checked()
    form.role("checkbox", "Sent").check()
    form.role("checkbox", "Work, old").check()
    expect(form.field("Folders")).to_have_value('INBOX, Sent, "Work, old"')
    form.role("checkbox", "INBOX").uncheck()
    expect(form.field("Folders")).to_have_value('Sent, "Work, old"')
    assert not stored(installed)
    form.fill(FolderMap="keep")
    name, props = save(form, installed)
    assert (props["Folders"], props["FolderMap"]) == ('Sent, "Work, old"', "keep")
    installed.run(name)
    sent = installed.folder / "mail" / ACCOUNT / ".Sent" / "new"
    assert len(list(sent.iterdir())) == SENT
    assert not installed.mail(ACCOUNT)


def test_all_but_some(form: Panel) -> None:
    form.button("Choose folders").click()
    form.button("All folders").click()
    expect(form.role("checkbox", "Trash")).to_be_checked()
    form.role("checkbox", "Trash").uncheck()
    expect(form.field("Folders")).to_have_value("*, !Trash")
    form.button("Only the inbox").click()
    expect(form.field("Folders")).to_have_value("")
    expect(form.role("checkbox", "Sent")).not_to_be_checked()


def test_preview_tells_what_a_run_then_fetches(form: Panel, installed: Installed) -> None:
    form.fill(Folders="INBOX, \\Sent", MaxSize="0.02")
    form.button("Show what it would fetch").click()
    wanted = INBOX - 1 + SENT
    expect(form.dialog).to_contain_text(f"It would fetch {wanted} messages.")
    expect(form.dialog).to_contain_text("1 is passed over.")
    expect(
        form.body.get_by_label("The newest messages it would fetch").get_by_role("listitem")
    ).to_have_count(wanted)
    form.fill(MaxMessages="2")
    expect(form.text(f"It would fetch {wanted} messages.")).to_have_count(0)
    form.button("Show what it would fetch").click()
    expect(form.dialog).to_contain_text(f"{wanted - 2} of them are left for later runs.")
    form.fill(MaxMessages="")
    name, props = save(form, installed)
    assert props["MaxSize"] == "20000"
    installed.run(name)
    assert len(installed.mail(ACCOUNT)) == wanted
    form.open("connector", name, "history")
    expect(form.text("1 message was passed over.")).to_be_visible()


def test_search_is_checked_at_its_field(form: Panel, installed: Installed) -> None:
    form.fill(Search="FROM")
    form.button("Show what it would fetch").click()
    expect(form.error("Search")).to_contain_text("no IMAP search criteria")
    form.button("Add").click()
    expect(form.error("Search")).to_be_visible()
    assert not stored(installed)
    form.fill(Search="UNSEEN NOT FROM nobody@example.net", Since="2001-01-31", MaxSize="25")
    form.field("MarkSeen").check()
    _, props = save(form, installed)
    assert props["Search"] == "UNSEEN NOT FROM nobody@example.net"
    assert (props["Since"], props["MaxSize"], props["MarkSeen"]) == ("2001-01-31", "25000000", "seen")


def test_what_the_server_refuses_is_told_with_a_next_step(form: Panel, secrets: set[str]) -> None:
    secrets.add("wrong-2288")
    form.fill(Password="wrong-2288")
    form.button("Choose folders").click()
    expect(form.dialog).to_contain_text("The server refused this user name and password.")
    form.button("Show what it would fetch").click()
    expect(form.dialog).to_contain_text("Some providers require an app password.")


def test_log_in_method_and_tunnel(form: Panel, installed: Installed, provider: Dovecot) -> None:
    expect(form.field("Tunnel")).to_have_count(0)
    form.fill(Auth="plain", ClientCert="not/a/path")
    form.button("Add").click()
    expect(form.error("ClientCert")).to_contain_text("begins with a slash")
    form.fill(ClientCert="")
    name, props = save(form, installed)
    assert props["Auth"] == "plain"
    configure(installed, ALLOW_TUNNEL="yes")
    form.open()
    form.menu(name, "Edit")
    form.button("Advanced settings").click()
    expect(form.field("Tunnel")).to_be_visible()
    form.fill(Retriever="SimplePOP3SSLRetriever", Port=str(provider.pop3s))
    for prop in ("Folders", "FolderMap", "Search", "Since", "MarkSeen"):
        expect(form.field(prop)).to_have_count(0)
    form.fill(Auth="")
    form.button("Show what it would fetch").click()
    # The stored password is for another port.
    expect(form.error("Password")).to_contain_text("Fill in this field.")
    form.fill(Password=PASSWORD)
    form.button("Show what it would fetch").click()
    expect(form.dialog).to_contain_text(f"It would fetch {INBOX} messages.")


def test_what_is_there_counts_as_fetched(panel: Panel, installed: Installed, provider: Dovecot) -> None:
    installed.add("from-now-on", "SimpleIMAPSSLRetriever", provider.imaps, Username=USER, Account=ACCOUNT)
    panel.open("connector", "from-now-on")
    panel.button("Actions of from-now-on").click()
    panel.role("menuitem", re.compile("^Mark everything there now as fetched")).click()
    expect(panel.dialog).to_contain_text("This cannot be undone here.")
    panel.button("Mark as fetched").click()
    expect(panel.dialog).to_have_count(0)
    expect(panel.text(f"{INBOX} messages were marked as fetched.")).to_be_visible()
    installed.run("from-now-on")
    assert not installed.mail(ACCOUNT)
    panel.role("tab", "History").click()
    until(lambda: panel.text("Succeeded").count() == 2)
