# SPDX-License-Identifier: LGPL-2.1-or-later
"""A connector is added through the dialog, and the machine has it."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.beyond import stored
from tests.browser.conftest import MESSAGES, USER
from tests.browser.panel import Panel
from tests.support.certificates import Certificate
from tests.support.dovecot import Dovecot
from tests.support.installed import PASSWORD, Installed

ACCOUNT = "giacomo"
WRONG = "wrong-password-8812"


@pytest.fixture
def form(panel: Panel, installed: Installed) -> Panel:
    """The dialog for a new connector, empty."""
    panel.open()
    panel.button("Add connector").first.click()
    expect(panel.dialog.get_by_role("heading", name="Add connector")).to_be_visible()
    return panel


def fill_log_in(panel: Panel, server: Dovecot, password: str = PASSWORD) -> None:
    panel.fill(Retriever="SimpleIMAPSSLRetriever")
    panel.fill(Server=server.host, Port=str(server.imaps), Username=USER, Password=password)


def test_connector_is_added_and_fetches(form: Panel, installed: Installed, dovecot: Dovecot) -> None:
    fill_log_in(form, dovecot)
    form.fill(Account=ACCOUNT)
    form.button("Add").click()
    expect(form.dialog).to_have_count(0)
    expect(form.rows).to_have_count(1)
    [(name, props)] = stored(installed).items()
    expected = {
        "Retriever": "SimpleIMAPSSLRetriever",
        "Server": dovecot.host,
        "Port": str(dovecot.imaps),
        "Username": USER,
        "Password": PASSWORD,
        "Account": ACCOUNT,
        "Delete": "-1",
        "Time": "30",
        "status": "enabled",
    }
    assert props == expected
    expect(form.row(name)).to_contain_text(USER)
    installed.run(name)
    assert len(installed.mail(ACCOUNT)) == MESSAGES


def test_provider_fills_server_port_and_protocol(form: Panel) -> None:
    form.body.get_by_label("Provider", exact=True).select_option(label="GMX (gmx.net)")
    expect(form.field("Server")).to_have_value("imap.gmx.net")
    expect(form.field("Port")).to_have_value("993")
    form.fill(Retriever="SimplePOP3SSLRetriever")
    expect(form.field("Server")).to_have_value("pop.gmx.net")
    expect(form.field("Port")).to_have_value("995")


def test_account_of_this_machine_is_not_fetched_into_itself(form: Panel, dovecot: Dovecot) -> None:
    fill_log_in(form, dovecot)
    form.fill(Username=ACCOUNT, Account=ACCOUNT)
    form.button("Add").click()
    expect(form.error("Server")).to_contain_text("fetched into itself")


def test_faults_stand_at_their_fields(form: Panel, installed: Installed, dovecot: Dovecot) -> None:
    form.fill(Server="no_host!", Port="70000")
    form.button("Add").click()
    for prop in ("Server", "Port", "Username", "Password", "Account"):
        expect(form.error(prop)).to_be_visible()
        expect(form.field(prop)).to_have_attribute("aria-invalid", "true")
        described = (form.field(prop).get_attribute("aria-describedby") or "").split()
        assert f"field-{prop}-error" in described
    assert not stored(installed)
    # What is mended is no fault any more, and the rest can be added.
    fill_log_in(form, dovecot)
    form.fill(Account=ACCOUNT)
    form.button("Add").click()
    expect(form.rows).to_have_count(1)
    assert len(stored(installed)) == 1


def test_check_tells_the_real_reason(
    form: Panel, dovecot: Dovecot, secrets: set[str], installed: Installed
) -> None:
    secrets.add(WRONG)
    fill_log_in(form, dovecot, WRONG)
    form.button("Check credentials").click()
    expect(form.dialog).to_contain_text("refused this user name and password")
    expect(form.dialog).to_contain_text("Authentication failed")
    form.fill(Password=PASSWORD)
    form.button("Check credentials").click()
    expect(form.dialog).to_contain_text(f"The log-in works: {MESSAGES} messages.")
    expect(form.dialog).not_to_contain_text("Authentication failed")
    # Nothing is stored by a check.
    assert not stored(installed)


def test_stranger_is_trusted_by_fingerprint(
    form: Panel, stranger: Dovecot, private: Certificate, installed: Installed
) -> None:
    fingerprint = private.fingerprint
    pairs = [fingerprint[at : at + 2] for at in range(0, 64, 2)]
    fill_log_in(form, stranger)
    form.fill(Account=ACCOUNT)
    form.button("Check credentials").click()
    expect(form.dialog).to_contain_text(re.compile(":?".join(pairs), re.IGNORECASE))
    form.button("Trust this certificate").click()
    expect(form.dialog).to_contain_text(f"The log-in works: {MESSAGES} messages.")
    form.button("Add").click()
    expect(form.rows).to_have_count(1)
    [(name, props)] = stored(installed).items()
    assert props["Fingerprint"].replace(":", "").lower() == fingerprint
    installed.run(name)
    assert len(installed.mail(ACCOUNT)) == MESSAGES
