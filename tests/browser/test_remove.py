# SPDX-License-Identifier: LGPL-2.1-or-later
"""Connectors are removed after the page has said what that destroys; mail stays."""

from playwright.sync_api import expect

from tests.browser.beyond import stored
from tests.browser.conftest import MESSAGES, USER
from tests.browser.panel import Panel
from tests.support.dovecot import Dovecot
from tests.support.installed import Installed


def add(installed: Installed, dovecot: Dovecot, *names: str) -> None:
    for name in names:
        installed.add(name, "SimpleIMAPRetriever", dovecot.imap, Username=USER, Account="giacomo")


def test_one_is_removed_after_asking(panel: Panel, installed: Installed, dovecot: Dovecot) -> None:
    add(installed, dovecot, "gone", "stays")
    installed.run("gone")
    mail = installed.mail("giacomo")
    assert len(mail) == MESSAGES
    panel.open()
    panel.menu("gone", "Remove")
    expect(panel.dialog.get_by_role("heading", name="Remove gone?")).to_be_visible()
    panel.dialog.get_by_role("button", name="Cancel").click()
    expect(panel.dialog).to_have_count(0)
    assert stored(installed).keys() == {"gone", "stays"}

    panel.menu("gone", "Remove")
    panel.dialog.get_by_role("button", name="Remove").click()
    expect(panel.row("gone")).to_have_count(0)
    expect(panel.row("stays")).to_be_visible()
    assert stored(installed).keys() == {"stays"}
    assert installed.mail("giacomo") == mail
    assert len(dovecot.messages(USER)) == MESSAGES


def test_chosen_ones_are_removed(panel: Panel, installed: Installed, dovecot: Dovecot) -> None:
    add(installed, dovecot, "a", "b", "c", "d")
    panel.open()
    for name in ("a", "b", "d"):
        panel.role("checkbox", f"Select {name}").check()
    panel.button("Remove").click()
    expect(panel.dialog.get_by_role("heading", name="Remove 3 connectors?")).to_be_visible()
    for name in ("a", "b", "d"):
        expect(panel.dialog.get_by_text(name, exact=True)).to_be_visible()
    panel.dialog.get_by_role("button", name="Remove").click()
    expect(panel.rows).to_have_count(1)
    assert stored(installed).keys() == {"c"}


def test_removed_from_its_own_page(panel: Panel, installed: Installed, dovecot: Dovecot) -> None:
    add(installed, dovecot, "gone", "stays")
    panel.open("connector", "gone")
    panel.button("Remove").click()
    panel.dialog.get_by_role("button", name="Remove").click()
    # Where there is nothing left to see, the page goes back.
    expect(panel.row("stays")).to_be_visible()
    assert stored(installed).keys() == {"stays"}
