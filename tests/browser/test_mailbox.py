# SPDX-License-Identifier: LGPL-2.1-or-later
"""The mailbox at the provider: its folders, its messages as text, their files; and nothing changes there."""

import base64
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import USER, Enter
from tests.browser.panel import PHONE, Panel, Session
from tests.browser.test_manners import overflow
from tests.support.certificates import Authority
from tests.support.dovecot import Dovecot
from tests.support.installed import PASSWORD, Installed

NAME = "looked-into"
COUNT = 60
MARKUP = "<img src=x onerror=top.hacked=1><script>top.hacked=1</script>"
NAMES = ("Projects/2026", "مشروع جديد", "🎉 party", "<img src=x onerror=alert(1)>", "long-" * 30)
FILE_NAME = "Preisliste ü.pdf"
FILE = bytes(range(256)) * 22_000
"""Several parts of it come one after the other."""
PAGE = f"<style>p{{}}</style><p>Dear <b>Giacomo</b></p>{MARKUP}<a href='https://evil.example/'>your bank</a>"


def mail(subject: str, *lines: str, content: str = "text/plain; charset=utf-8") -> bytes:
    head = [
        "From: =?utf-8?q?Anna_M=C3=BCller?= <anna@example.org>",
        f"To: {USER}",
        f"Subject: {subject}",
        "Date: Sat, 21 Nov 2026 10:00:00 +0100",
        "MIME-Version: 1.0",
        f"Content-Type: {content}",
    ]
    return "\r\n".join([*head, "", *lines, ""]).encode()


def encoded(subject: str) -> str:
    return f"=?utf-8?b?{base64.b64encode(subject.encode()).decode()}?="


def with_file() -> bytes:
    part = base64.encodebytes(FILE).decode().replace("\n", "\r\n")
    return mail(
        "Price list",
        "--b\r\nContent-Type: text/plain\r\n\r\nSee the file.\r\n--b",
        "Content-Type: application/pdf",
        f'Content-Disposition: attachment; filename="{encoded(FILE_NAME)}"',
        f"Content-Transfer-Encoding: base64\r\n\r\n{part}--b--",
        content="multipart/mixed; boundary=b",
    )


@pytest.fixture(scope="module")
def provider(authority: Authority) -> Iterator[Dovecot]:
    """One with folders, some of them of odd names, and with messages of each kind."""
    uses = {"Sent": "\\Sent", "Junk": "\\Junk"}
    with Dovecot(
        {USER: PASSWORD}, certificate=authority.issue(), separator="/", special_uses=uses
    ) as provider:
        provider.fill(USER, COUNT)
        for name in NAMES:
            provider.make_folder(USER, name)
        provider.add_message(USER, mail("In the project"), "Projects/2026")
        for message in (
            mail(MARKUP, MARKUP),
            mail(encoded("שלום 🌻"), "שלום לכולם"),
            mail("A page", PAGE, content="text/html; charset=utf-8"),
            with_file(),
        ):
            provider.add_message(USER, message)
        yield provider


@pytest.fixture
def connector(installed: Installed, provider: Dovecot) -> str:
    installed.add(NAME, "SimpleIMAPSSLRetriever", provider.imaps, Username=USER, Account="giacomo")
    return NAME


@pytest.fixture
def mailbox(panel: Panel, connector: str, provider: Dovecot) -> Iterator[Panel]:
    """The tab; whatever is done on it, the provider's mailbox is as it was."""
    before = state(provider)
    panel.open("connector", connector, "mailbox")
    expect(panel.role("navigation", "Folders").get_by_role("listitem").first).to_be_visible()
    expect(rows(panel).first).to_be_visible()
    yield panel
    assert state(provider) == before
    assert panel.frame.evaluate("top.hacked") is None


def state(provider: Dovecot) -> list[list[str]]:
    return [sorted(provider.folders(USER)), provider.flags(USER), provider.flags(USER, "Projects/2026")]


def rows(panel: Panel) -> Locator:
    return panel.body.locator("[data-uid]:visible")


def read(panel: Panel, subject: str) -> Locator:
    """Open a message; return its text."""
    panel.button(subject).click()
    expect(panel.role("heading", subject, exact=False)).to_be_visible()
    return panel.body.locator(".getmail-mail-text")


def test_folders_and_their_newest_messages(mailbox: Panel) -> None:
    folders = mailbox.role("navigation", "Folders")
    for name in NAMES[1:]:
        expect(folders.get_by_text(name, exact=True)).to_be_visible()
    inbox = folders.locator("[data-folder=INBOX]")
    expect(inbox).to_have_attribute("aria-current", "page")
    expect(inbox).to_contain_text(f"{COUNT + 4} unread")
    expect(inbox).to_contain_text("Fetched by this connector")
    expect(rows(mailbox)).to_have_count(50)
    expect(rows(mailbox).first).to_contain_text("Price list")
    expect(rows(mailbox).first).to_contain_text("Anna Müller")
    mailbox.button("Older").click()
    expect(rows(mailbox)).to_have_count(COUNT + 4)
    expect(mailbox.button("Older")).to_have_count(0)
    folders.locator("[data-folder='Projects/2026']").click()
    expect(rows(mailbox)).to_have_count(1)
    expect(rows(mailbox)).to_contain_text("In the project")
    folders.get_by_text(NAMES[3], exact=True).click()
    expect(mailbox.text("This folder is empty")).to_be_visible()
    assert mailbox.body.locator("img").count() == 0


def test_message_is_text(mailbox: Panel) -> None:
    text = read(mailbox, MARKUP)
    expect(text).to_have_text(MARKUP)
    expect(mailbox.text("Return-Path")).to_have_count(0)
    mailbox.role("button", re.compile("^All headers")).click()
    expect(mailbox.body.locator(".getmail-headers")).to_contain_text("Anna_M=C3=BCller")
    assert mailbox.body.locator("img").count() == 0


def test_page_is_shown_as_its_text(mailbox: Panel) -> None:
    text = read(mailbox, "A page")
    expect(text).to_have_text("Dear Giacomo\n\nyour bank [evil.example]", use_inner_text=True)
    expect(mailbox.text("This message was written as a web page.")).to_be_visible()
    # Its own page asked nobody for anything.
    assert not [url for url in mailbox.seen.urls if "evil" in url]
    assert mailbox.body.locator("main img, main script, main style").count() == 0


def test_going_back_leads_to_where_one_was(mailbox: Panel) -> None:
    mailbox.button("Older").click()
    expect(rows(mailbox)).to_have_count(COUNT + 4)
    read(mailbox, "שלום 🌻")
    mailbox.button("Back to the messages").click()
    expect(rows(mailbox)).to_have_count(COUNT + 4)
    expect(mailbox.button("שלום 🌻")).to_be_focused()
    read(mailbox, "A page")
    mailbox.page.go_back()
    expect(rows(mailbox)).to_have_count(COUNT + 4)
    mailbox.page.go_forward()
    expect(mailbox.role("heading", re.compile("^A page"))).to_be_visible()
    mailbox.page.reload(wait_until="commit")
    expect(mailbox.body.locator(".getmail-mail-text")).to_contain_text("Dear Giacomo")


def test_file_comes_in_parts(mailbox: Panel, tmp_path: Path) -> None:
    expect(read(mailbox, "Price list")).to_have_text("See the file.")
    with mailbox.page.expect_download() as started:
        mailbox.button(f"Download {FILE_NAME}").click()
    assert started.value.suggested_filename == FILE_NAME
    kept = tmp_path / "file"
    started.value.save_as(kept)
    assert kept.read_bytes() == FILE


def test_search(mailbox: Panel) -> None:
    field = mailbox.body.get_by_label("Search in this folder")
    for typed, subject in [
        ("evil.example", "A page"),
        ('SUBJECT "Price list"', "Price list"),
        ("לכולם", "שלום"),
    ]:
        field.fill(typed)
        field.press("Enter")
        expect(rows(mailbox)).to_have_count(1)
        expect(rows(mailbox)).to_contain_text(subject)
    field.fill("nothing-has-this-in-it")
    field.press("Enter")
    expect(mailbox.text("No message was found")).to_be_visible()
    field.fill("FROM")
    field.press("Enter")
    expect(mailbox.text("These are no IMAP search criteria")).to_be_visible()


def test_pop3_has_its_inbox(panel: Panel, installed: Installed, provider: Dovecot) -> None:
    installed.add("by-pop3", "SimplePOP3SSLRetriever", provider.pop3s, Username=USER, Account="giacomo")
    panel.open("connector", "by-pop3", "mailbox")
    expect(rows(panel).first).to_contain_text("Price list")
    expect(panel.role("navigation", "Folders")).to_have_count(0)
    expect(panel.body.get_by_label("Search in this folder")).to_have_count(0)
    expect(read(panel, MARKUP)).to_have_text(MARKUP)


def test_what_went_wrong_is_told(
    panel: Panel, installed: Installed, provider: Dovecot, secrets: set[str]
) -> None:
    secrets.add("wrong-7731")
    installed.add("wrong", "SimpleIMAPSSLRetriever", provider.imaps, Username=USER, Password="wrong-7731")
    panel.open("connector", "wrong", "mailbox")
    expect(panel.role("heading", re.compile("The messages cannot be read"))).to_be_visible()
    expect(panel.role("heading", re.compile("The folders cannot be read"))).to_be_visible()
    expect(panel.text("Some providers require an app password.").first).to_be_visible()
    expect(panel.button("Try again").first).to_be_visible()


@pytest.mark.parametrize("language", ["en-us", "he-il"])
def test_phone(enter: Enter, administrator: Session, connector: str, language: str) -> None:
    panel = enter(administrator, size=PHONE, language=language)
    panel.open("connector", connector, "mailbox")
    expect(rows(panel).first).to_be_visible()
    assert overflow(panel) <= 0
    folders = panel.role("navigation", "Folders")
    expect(folders.locator("[data-folder=INBOX]")).to_be_hidden()
    folders.get_by_role("button", name="INBOX", exact=True).click()
    assert overflow(panel) <= 0
    folders.locator("[data-folder='Projects/2026']").click()
    expect(rows(panel)).to_have_count(1)
    read(panel, "In the project")
    panel.role("button", re.compile("^All headers")).click()
    assert overflow(panel) <= 0
