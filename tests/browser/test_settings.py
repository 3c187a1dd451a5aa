# SPDX-License-Identifier: LGPL-2.1-or-later
"""The settings of the machine in plain words, and stored passwords sealed and unsealed."""

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.beyond import configure, stored
from tests.browser.conftest import MESSAGES, USER, Enter
from tests.browser.panel import PHONE, Panel, Session
from tests.support.dovecot import Dovecot
from tests.support.installed import PASSWORD, Installed

COUNT = 25
"""More than are converted at once."""


@pytest.fixture
def connectors(installed: Installed, dovecot: Dovecot) -> None:
    for number in range(COUNT):
        name = f"c{number:02}"
        installed.add(name, "SimpleIMAPSSLRetriever", dovecot.imaps, Username=USER, Account=f"a{number}")


def secrets_card(panel: Panel) -> Locator:
    return panel.body.locator("#stored-secrets")


def fact(card: Locator, term: str) -> Locator:
    return card.locator("dl > div").filter(has=card.page.locator("xpath=.//dt").get_by_text(term, exact=True))


def test_settings_in_force_are_told_in_words(panel: Panel, installed: Installed) -> None:
    configure(
        installed,
        DESTINATION="lmtp:mail.example.com:24",
        SPAM_REJECT="drop",
        MAX_RUNS="3",
        ALLOW_COMMANDS="yes",
    )
    panel.open()
    panel.role("link", "Settings of this machine").click()
    expect(panel.role("heading", "Settings of this machine")).to_be_visible()
    expect(panel.text("LMTP at")).to_be_visible()
    expect(panel.text("mail.example.com:24")).to_be_visible()
    expect(panel.text("Dropped: not delivered")).to_be_visible()
    for name in ("DESTINATION", "SPAM_REJECT", "MAX_RUNS", "FETCH_USER", "ENCRYPT_SECRETS"):
        expect(panel.body.get_by_text(name, exact=True)).to_be_visible()
    panel.page.reload(wait_until="commit")
    expect(panel.role("heading", "Settings of this machine")).to_be_visible()
    panel.body.get_by_role("navigation").get_by_text("Mail connectors").click()
    expect(panel.button("Add connector")).to_be_visible()


def test_settings_that_cannot_be_read_are_told(panel: Panel, installed: Installed) -> None:
    panel.open()
    configure(installed, MAX_RUNS="many")
    panel.open("settings")
    expect(panel.text("The settings cannot be read")).to_be_visible()
    expect(panel.text("MAX_RUNS").first).to_be_visible()
    configure(installed, MAX_RUNS="5")
    panel.button("Try again").click()
    expect(panel.text("Runs at the same time")).to_be_visible()
    expect(panel.text("The settings cannot be read")).to_have_count(0)


def test_passwords_are_sealed_and_unsealed(panel: Panel, installed: Installed, connectors: None) -> None:
    database = installed.folder / "connectors"
    panel.open("settings")
    card = secrets_card(panel)
    expect(fact(card, "In clear")).to_contain_text(str(COUNT))
    card.get_by_role("button", name="Seal all", exact=True).click()
    expect(panel.dialog).to_contain_text("cannot be used on another machine, also not by you")
    panel.dialog.get_by_role("button", name="Seal all").click()
    expect(panel.text(f"{COUNT} passwords and tokens were sealed")).to_be_visible()
    expect(panel.dialog).to_have_count(0)
    expect(fact(card, "Sealed")).to_contain_text(str(COUNT))
    assert PASSWORD.encode() not in database.read_bytes()
    assert all(set(props) >= {"SealedPassword"} for props in stored(installed).values())
    installed.run("c07")
    assert len(installed.mail("a7")) == MESSAGES
    card.get_by_role("button", name="Unseal all").click()
    expect(panel.dialog).to_contain_text("in clear again")
    panel.dialog.get_by_role("button", name="Unseal all").click()
    expect(panel.text(f"{COUNT} passwords and tokens were unsealed")).to_be_visible()
    assert all(props["Password"] == PASSWORD for props in stored(installed).values())


def test_what_was_sealed_elsewhere_is_named(panel: Panel, installed: Installed, connectors: None) -> None:
    installed.call("update", action="seal")
    # As if the database came from a backup of another machine.
    key = "/var/lib/systemd/credential.secret"
    installed.machine.run(["sh", "-euc", f"rm -f {key}; systemd-creds setup"])
    panel.open("settings")
    secrets_card(panel).get_by_role("button", name="Unseal all").click()
    panel.dialog.get_by_role("button", name="Unseal all").click()
    expect(panel.dialog).to_contain_text("Not all were unsealed")
    expect(panel.dialog).to_contain_text("c00, c01, c02, c03, c04 and 20 more: Password does not open")
    assert all("SealedPassword" in props for props in stored(installed).values())


def test_new_passwords_are_sealed_where_that_is_set(
    panel: Panel, installed: Installed, dovecot: Dovecot
) -> None:
    configure(installed, ENCRYPT_SECRETS="yes")
    panel.open()
    panel.button("Add connector").first.click()
    panel.fill(Server=dovecot.host, Port=str(dovecot.imaps), Username=USER, Password=PASSWORD, Account="anna")
    panel.button("Add").click()
    expect(panel.dialog).to_have_count(0)
    [(name, props)] = stored(installed).items()
    assert "Password" not in props
    # It is edited as any other, without the password.
    panel.menu(name, "Edit")
    expect(panel.field("Password")).to_have_attribute("placeholder", "Stored")
    panel.button("Check credentials").click()
    expect(panel.dialog).to_contain_text(f"{MESSAGES} messages.")
    panel.button("Cancel").click()
    panel.open("settings")
    card = secrets_card(panel)
    expect(fact(card, "New ones are stored")).to_contain_text("Sealed")
    expect(card.get_by_role("button", name="Seal all", exact=True)).to_have_attribute("aria-disabled", "true")


def test_settings_on_a_phone(
    enter: Enter, administrator: Session, installed: Installed, connectors: None
) -> None:
    panel = enter(administrator, size=PHONE, style="dark")
    panel.open("settings")
    expect(secrets_card(panel)).to_be_visible()
    width = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert panel.frame.evaluate(width) <= 0
