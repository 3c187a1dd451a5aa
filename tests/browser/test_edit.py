# SPDX-License-Identifier: LGPL-2.1-or-later
"""A connector is changed, and its password stays where it is."""

import pytest
from playwright.sync_api import expect

from tests.browser.beyond import stored
from tests.browser.conftest import MESSAGES, USER
from tests.browser.panel import Panel
from tests.support.dovecot import Dovecot
from tests.support.installed import PASSWORD, Installed

NAME = "edited"


@pytest.fixture
def form(panel: Panel, installed: Installed, dovecot: Dovecot) -> Panel:
    """The dialog for an existing connector."""
    installed.add(NAME, "SimpleIMAPSSLRetriever", dovecot.imaps, Username=USER, Account="giacomo", Time="30")
    panel.open()
    panel.menu(NAME, "Edit")
    expect(panel.dialog.get_by_role("heading", name="Edit connector")).to_be_visible()
    return panel


def test_password_stays_and_is_never_shown(form: Panel, installed: Installed) -> None:
    before = stored(installed)[NAME]
    expect(form.field("Username")).to_have_value(USER)
    expect(form.field("Password")).to_have_value("")
    form.fill(Account="anna")
    form.button("Save").click()
    expect(form.dialog).to_have_count(0)
    assert stored(installed)[NAME] == {**before, "Account": "anna"}
    assert PASSWORD not in form.html()


def test_stored_password_is_checked_without_being_typed(form: Panel) -> None:
    form.button("Check credentials").click()
    expect(form.dialog).to_contain_text(f"{MESSAGES} messages.")


def test_stored_password_is_not_checked_elsewhere(form: Panel, dovecot: Dovecot) -> None:
    form.fill(Server="localhost")
    form.button("Check credentials").click()
    expect(form.error("Password")).to_be_visible()
    expect(form.field("Password")).to_be_focused()
    form.fill(Server=dovecot.host)
    form.button("Check credentials").click()
    expect(form.dialog).to_contain_text(f"{MESSAGES} messages.")


def test_new_password_replaces_the_old_one(form: Panel, installed: Installed, secrets: set[str]) -> None:
    secrets.add("another-one-7140")
    form.fill(Password="another-one-7140")
    form.button("Save").click()
    expect(form.dialog).to_have_count(0)
    assert stored(installed)[NAME]["Password"] == "another-one-7140"


def test_fault_stands_at_its_field_and_nothing_is_stored(form: Panel, installed: Installed) -> None:
    before = stored(installed)
    form.fill(Server="")
    form.button("Save").click()
    expect(form.error("Server")).to_be_visible()
    assert stored(installed) == before
    form.button("Cancel").click()
    expect(form.dialog).to_have_count(0)
