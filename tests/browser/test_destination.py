# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where mail is delivered to, what looks at it before, and where the password comes from."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.beyond import configure, stored
from tests.browser.conftest import MESSAGES, USER
from tests.browser.panel import Panel
from tests.support.clamd import EICAR, Clamd
from tests.support.dovecot import Dovecot, make_message
from tests.support.dovecot_lmtp import DovecotLmtp
from tests.support.installed import PASSWORD, Installed
from tests.support.rspamd import GTUBE, Rspamd

ACCOUNT = "giacomo"
FILTERED = "filtered@example.com"
FILE = "/etc/mail-password"


@pytest.fixture(scope="module")
def mailboxes() -> Iterator[DovecotLmtp]:
    """The mail server of this machine."""
    with DovecotLmtp({ACCOUNT: PASSWORD}) as running:
        yield running


@pytest.fixture
def form(panel: Panel, installed: Installed, dovecot: Dovecot) -> Panel:
    """The dialog for a new connector, filled in but for the advanced part, which is open."""
    return open_form(panel, dovecot)


def open_form(panel: Panel, dovecot: Dovecot, user: str = USER) -> Panel:
    panel.open()
    panel.button("Add connector").first.click()
    panel.fill(
        Server=dovecot.host, Port=str(dovecot.imaps), Username=user, Password=PASSWORD, Account=ACCOUNT
    )
    panel.button("Advanced settings").click()
    expect(panel.field("Destination")).to_be_visible()
    return panel


def save(panel: Panel, installed: Installed) -> tuple[str, dict[str, str]]:
    panel.button("Add").click()
    expect(panel.dialog).to_have_count(0)
    [found] = stored(installed).items()
    return found


def test_setting_in_force_is_shown(panel: Panel, installed: Installed, dovecot: Dovecot) -> None:
    configure(installed, DESTINATION="lmtp:unix:/run/dovecot/lmtp", SPAM_REJECT="drop")
    open_form(panel, dovecot)
    expect(panel.dialog).to_contain_text("That is: LMTP through the socket")
    expect(panel.dialog).to_contain_text("/run/dovecot/lmtp")
    expect(panel.dialog).to_contain_text("What is plainly spam is dropped")
    expect(panel.dialog).to_contain_text("set RECIPIENT_DELIMITER")


def test_mail_goes_to_a_mail_server(form: Panel, installed: Installed, mailboxes: DovecotLmtp) -> None:
    form.fill(Destination="lmtp")
    form.field("Destination-amount").fill(f"{mailboxes.host}:{mailboxes.lmtp}")
    name, props = save(form, installed)
    assert props["Destination"] == f"lmtp:{mailboxes.host}:{mailboxes.lmtp}"
    installed.run(name)
    assert len(mailboxes.delivered(ACCOUNT)) == MESSAGES
    form.open("connector", name)
    expect(form.text("LMTP at").first).to_be_visible()


def test_mail_goes_to_a_folder_of_a_maildir(form: Panel, installed: Installed) -> None:
    form.fill(Folder="Work/Invoices")
    name, props = save(form, installed)
    assert props["Folder"] == "Work/Invoices"
    installed.run(name)
    folder = installed.folder / "mail" / ACCOUNT / ".Work.Invoices" / "new"
    assert len(list(folder.iterdir())) == MESSAGES


def test_faults_stand_at_their_fields(form: Panel, installed: Installed) -> None:
    form.fill(Destination="maildir", Folder="../elsewhere")
    form.field("Destination-amount").fill("no/path")
    form.button("Add").click()
    for prop in ("Destination", "Folder"):
        expect(form.error(prop)).to_be_visible()
    expect(form.field("Destination-amount")).to_be_focused()
    assert not stored(installed)


def test_what_is_not_there_is_refused_at_its_field(form: Panel, installed: Installed) -> None:
    amount = form.field("Destination-amount")
    form.fill(Destination="maildir", Account="nobody-of-this-name")
    amount.fill("~/Maildir")
    form.button("Add").click()
    expect(form.error("Account")).to_contain_text("no such account on this machine")
    form.fill(Destination="command")
    amount.fill("/usr/libexec/no-such-mda {account}")
    form.button("Add").click()
    expect(form.error("Destination")).to_contain_text("no such program")
    form.fill(Destination="lmtp", Folder="Work")
    amount.fill("mail.example.com:24")
    form.button("Add").click()
    expect(form.error("Folder")).to_contain_text("RECIPIENT_DELIMITER")
    expect(form.error("Folder")).to_be_in_viewport(ratio=1)
    assert not stored(installed)


def test_destination_goes_back_to_the_setting(panel: Panel, installed: Installed, dovecot: Dovecot) -> None:
    installed.add(
        "own", "SimpleIMAPSSLRetriever", dovecot.imaps, Destination="maildir:/srv/{user}", Account=ACCOUNT
    )
    panel.open()
    panel.menu("own", "Edit")
    panel.button("Advanced settings").click()
    expect(panel.field("Destination")).to_have_value("maildir")
    expect(panel.field("Destination-amount")).to_have_value("/srv/{user}")
    panel.fill(Destination="")
    panel.button("Save").click()
    expect(panel.dialog).to_have_count(0)
    assert "Destination" not in stored(installed)["own"]


def test_filters_look_at_mail(panel: Panel, installed: Installed, dovecot: Dovecot) -> None:
    if not dovecot.maildir(FILTERED).exists():
        dovecot.add_user(FILTERED, PASSWORD)
        head = b"From: a@example.com\r\nTo: b@example.com\r\nSubject: x\r\n\r\n"
        for body in (make_message(1, 700), head + GTUBE + b"\r\n", head + EICAR + b"\r\n"):
            dovecot.add_message(FILTERED, body)
    with Rspamd() as rspamd, Clamd() as clamd:
        configure(installed, RSPAMD_URL=rspamd.url, CLAMD_SOCKET=clamd.address)
        open_form(panel, dovecot, FILTERED)
        panel.field("SpamCheck").check()
        panel.field("VirusCheck").check()
        expect(panel.dialog).to_contain_text("nothing is delivered unchecked, and nothing is lost")
        name, props = save(panel, installed)
        assert (props["SpamCheck"], props["VirusCheck"]) == ("enabled", "enabled")
        installed.run(name)
    assert len(installed.mail(ACCOUNT)) == 1
    [junk] = (installed.folder / "mail" / ACCOUNT / ".Junk" / "new").iterdir()
    assert GTUBE in junk.read_bytes()
    [infected] = installed.call("read", action="quarantine", name=name)["messages"]
    assert "Eicar" in infected["reason"]
    panel.open("connector", name, "quarantine")
    expect(panel.text("Eicar").first).to_be_visible()


def write_password(installed: Installed) -> None:
    installed.machine.run(["sh", "-euc", f"umask 077; echo {PASSWORD} > {FILE}"])


def test_password_from_a_file(form: Panel, installed: Installed) -> None:
    write_password(installed)
    form.fill(Way="file")
    expect(form.field("Password")).to_have_count(0)
    form.button("Add").click()
    expect(form.error("PasswordFile")).to_be_visible()
    form.fill(PasswordFile=FILE)
    name, props = save(form, installed)
    assert props["PasswordFile"] == FILE
    assert "Password" not in props
    installed.run(name)
    assert len(installed.mail(ACCOUNT)) == MESSAGES


def test_programs_that_write_passwords_are_offered_where_they_are_allowed(
    panel: Panel, installed: Installed, dovecot: Dovecot
) -> None:
    option = panel.field("Way").locator("option[value=command]")
    open_form(panel, dovecot)
    expect(panel.dialog).to_contain_text("That is: Maildir")
    expect(option).to_have_count(0)
    panel.button("Cancel").click()
    write_password(installed)
    configure(installed, ALLOW_COMMANDS="yes")
    open_form(panel, dovecot)
    expect(option).to_have_count(1)
    panel.fill(Way="command", PasswordCommand=f"/usr/bin/cat {FILE}")
    name, props = save(panel, installed)
    assert "Password" not in props
    installed.run(name)
    assert len(installed.mail(ACCOUNT)) == MESSAGES
