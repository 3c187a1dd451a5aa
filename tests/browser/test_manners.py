# SPDX-License-Identifier: LGPL-2.1-or-later
"""The panel for everybody: screen reader, keyboard, dark, small, from right to left, in other languages."""

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import USER, Enter
from tests.browser.panel import PHONE, Panel, Session, Style
from tests.support.dovecot import Dovecot
from tests.support.installed import Installed
from tests.support.machine import PROJECT

AXE = PROJECT / "panel/node_modules/axe-core/axe.min.js"
TABS = ("status", "history", "log", "quarantine")
REMOTE = ("mailbox", "message")
PAGES = ("overview", "settings", *TABS, *REMOTE)
DIALOGS = ("dialog", "advanced", "selection", "oauth2", "remove", "seal")
PLACES = (*PAGES, *DIALOGS)
TABS_PRESSED = 80
NAME = "shown"


@pytest.fixture
def connectors(installed: Installed, dovecot: Dovecot) -> None:
    """One that works, one that does not, one that is off: all colours there are."""
    for name, props in [(NAME, {}), ("refused", {"Password": "no"}), ("off", {"status": "disabled"})]:
        installed.add(name, "SimpleIMAPRetriever", dovecot.imap, Username=USER, Account="giacomo", **props)
    for name in (NAME, "refused"):
        installed.run(name)


def go_to(panel: Panel, place: str) -> None:
    if panel.dialog.count():
        panel.dialog.get_by_role("button", name="Cancel").click()
        expect(panel.dialog).to_have_count(0)
    if place in TABS:
        panel.open("connector", "refused", place)
        expect(panel.body.get_by_role("tab", selected=True)).to_be_visible()
        # Its answer is there.
        expect(panel.body.get_by_role("progressbar")).to_have_count(0)
        return
    if place in REMOTE:
        panel.open("connector", NAME, "mailbox")
        # A phone shows them when they are asked for.
        expect(panel.body.locator("[data-folder]").first).to_be_attached()
        message = panel.body.locator("[data-uid] button").first
        expect(message).to_be_visible()
        if place == "message":
            message.click()
            panel.role("button", re.compile("^All headers")).click()
        return
    if place in ("settings", "seal"):
        panel.open("settings")
        expect(panel.role("heading", "Stored passwords")).to_be_visible()
        if place == "settings":
            return
        panel.button("Seal all").click()
    else:
        panel.open()
        expect(panel.row(NAME)).to_be_visible()
    if place in ("dialog", "advanced", "oauth2"):
        panel.button("Add connector").click()
    if place in ("advanced", "oauth2"):
        panel.button("Advanced settings").click()
        panel.fill(Destination="command")
    if place == "selection":
        panel.menu(NAME, "Edit")
        panel.button("Advanced settings").click()
        panel.button("Choose folders").click()
        panel.button("Show what it would fetch").click()
        expect(panel.dialog).to_contain_text("It would fetch")
    if place == "oauth2":
        panel.fill(Way="oauth2", Grant="jwt")
    if place == "remove":
        panel.menu(NAME, "Remove")
    if place != "overview":
        expect(panel.dialog).to_be_visible()


@pytest.mark.parametrize("style", ["light", "dark"])
def test_axe_finds_no_serious_fault(
    enter: Enter, administrator: Session, connectors: None, style: Style
) -> None:
    panel = enter(administrator, style=style)
    faults: list[str] = []
    for place in PLACES:
        go_to(panel, place)
        panel.frame.evaluate(AXE.read_text())
        found = panel.frame.evaluate("axe.run(document, { resultTypes: ['violations'] })")["violations"]
        for fault in found:
            nodes = "\n  ".join(node["html"] for node in fault["nodes"])
            faults += [f"{place}: {fault['help']}\n  {nodes}"] * (fault["impact"] in ("serious", "critical"))
    assert not faults, "\n".join(faults)
    is_dark = panel.frame.evaluate("document.documentElement.classList.contains('pf-v6-theme-dark')")
    assert is_dark == (style == "dark")


def test_keyboard_is_enough(panel: Panel, connectors: None) -> None:
    panel.open()
    add = panel.button("Add connector")
    panel.role("heading", "Mail connectors").click()
    reach(panel, add)
    panel.page.keyboard.press("Enter")
    expect(panel.dialog).to_be_visible()
    reach(panel, panel.field("Server"))
    panel.page.keyboard.type("imap.example.com")
    expect(panel.field("Server")).to_have_value("imap.example.com")
    reach(panel, panel.button("Cancel"))
    panel.page.keyboard.press("Enter")
    expect(panel.dialog).to_have_count(0)
    expect(add).to_be_focused()
    panel.page.keyboard.press("Enter")
    expect(panel.dialog).to_be_visible()
    panel.page.keyboard.press("Escape")
    expect(panel.dialog).to_have_count(0)
    expect(add).to_be_focused()


def reach(panel: Panel, target: Locator) -> None:
    """Press Tab until it has the focus."""
    for _ in range(TABS_PRESSED):
        if target.evaluate("element => element === document.activeElement"):
            return
        panel.page.keyboard.press("Tab")
    raise AssertionError("the keyboard does not lead there")


def overflow(panel: Panel) -> int:
    """Return by how many pixels the page is wider than its window."""
    script = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    return int(panel.frame.evaluate(script))


def test_phone_needs_no_scrolling_sideways(enter: Enter, administrator: Session, connectors: None) -> None:
    panel = enter(administrator, size=PHONE)
    for place in PLACES:
        go_to(panel, place)
        assert overflow(panel) <= 0, place


def test_right_to_left(enter: Enter, administrator: Session, connectors: None) -> None:
    panel = enter(administrator, language="he-il")
    panel.open()
    expect(panel.row(NAME)).to_be_visible()
    assert panel.frame.evaluate("getComputedStyle(document.body).direction") == "rtl"
    assert overflow(panel) <= 0
    # What a row begins with is at the right.
    first = panel.row(NAME).get_by_role("checkbox").bounding_box()
    last = panel.button(f"Actions of {NAME}").bounding_box()
    assert first
    assert last
    assert first["x"] > last["x"]


@pytest.mark.parametrize("language", ["it-it", "de-de"])
def test_language_of_the_person(
    enter: Enter, administrator: Session, connectors: None, language: str
) -> None:
    words = translations(language[:2])
    panel = enter(administrator, language=language)
    panel.go()
    expect(panel.role("heading", words["Mail connectors"])).to_be_visible()
    expect(panel.button(words["Add connector"])).to_be_visible()
    expect(panel.row("refused")).to_contain_text(words["Log-in refused"])
    assert panel.frame.evaluate("document.documentElement.lang").startswith(language[:2])
    panel.button(words["Add connector"]).click()
    expect(panel.dialog).to_contain_text(words["Password"])


def translations(language: str) -> dict[str, str]:
    """Return the short ones of a catalogue."""
    text = (PROJECT / f"po/{language}.po").read_text()
    return dict(re.findall(r'^msgid "(.+)"\nmsgstr "(.+)"$', text, re.MULTILINE))
