# SPDX-License-Identifier: LGPL-2.1-or-later
"""All connectors at a glance: found, filtered, sorted, and many."""

import re
import sys

import pytest
from playwright.sync_api import expect

from tests.browser.beyond import put, until
from tests.browser.conftest import MESSAGES, USER
from tests.browser.panel import Panel
from tests.support.dovecot import Dovecot
from tests.support.installed import PASSWORD, Installed

PAGE = 25
"""More rows than that are never there at once."""
MANY = 1000
# The frame is empty at first, and an observer would look at that document for ever.
WATCH = """
const watch = setInterval(() => {
    if (!document.querySelector("[data-connector]")) return;
    clearInterval(watch);
    window.firstRows = performance.now();
}, 10);
"""


@pytest.fixture
def four(panel: Panel, installed: Installed, dovecot: Dovecot) -> Panel:
    """Connectors in four different ways: well, refused, disabled, not run yet."""
    for name, account, props in [
        ("well", "giacomo", {"Label": "office"}),
        ("refused", "anna", {"Password": "no"}),
        ("off", "anna", {"status": "disabled"}),
        ("fresh", "giacomo", {}),
    ]:
        installed.add(name, "SimpleIMAPRetriever", dovecot.imap, Username=USER, Account=account, **props)
    for name in ("well", "refused"):
        installed.run(name)
    panel.open()
    expect(panel.rows).to_have_count(4)
    return panel


def names(panel: Panel) -> list[str]:
    found: list[str] = panel.rows.evaluate_all("rows => rows.map(row => row.dataset.connector)")
    return found


def test_without_connectors_it_says_how_to_begin(panel: Panel) -> None:
    panel.open()
    expect(panel.button("Add connector")).to_have_count(1)
    expect(panel.rows).to_have_count(0)
    panel.button("Add connector").click()
    expect(panel.dialog).to_be_visible()


def test_each_row_tells_how_it_is(four: Panel) -> None:
    for name, words in {
        "well": ["OK", USER, "127.0.0.1", str(MESSAGES)],
        "refused": ["Log-in refused"],
        "off": ["Disabled"],
        "fresh": ["Not run yet"],
    }.items():
        for word in words:
            expect(four.row(name)).to_contain_text(word)
    for account in ("anna", "giacomo"):
        expect(four.text(account).first).to_be_visible()


def test_search_finds_by_what_people_know(four: Panel) -> None:
    for text, found in {"refu": ["refused"], "OFFICE": ["well"], "anna": ["refused", "off"]}.items():
        four.search.fill(text)
        expect(four.rows).to_have_count(len(found))
        assert sorted(names(four)) == sorted(found)
    four.search.fill("nobody has this")
    expect(four.rows).to_have_count(0)
    four.search.fill("")
    expect(four.rows).to_have_count(4)


def test_filter_shows_one_status(four: Panel) -> None:
    four.choose_status("Log-in refused")
    expect(four.rows).to_have_count(1)
    assert names(four) == ["refused"]


def test_column_headers_sort(four: Panel) -> None:
    header = four.body.get_by_role("columnheader", name="Status")
    header.get_by_role("button").click()
    first = names(four)
    header.get_by_role("button").click()
    expect(four.rows.first).not_to_have_attribute("data-connector", first[0])
    assert sorted(names(four)) == sorted(first)


def test_cards_sum_up(four: Panel) -> None:
    summary = four.role("group", "Summary")
    for word, number in {"Running": 0, "Failing": 1, "Disabled": 1, "Fetched today": MESSAGES}.items():
        expect(summary).to_contain_text(re.compile(rf"(?<!\d){number}\s*{word}"))
    summary.get_by_role("button", name="Failing").click()
    expect(four.rows).to_have_count(1)
    assert names(four) == ["refused"]


def fill(installed: Installed, count: int) -> None:
    put(
        installed,
        {
            f"c{number}": {
                "Retriever": "SimpleIMAPSSLRetriever",
                "Server": f"imap{number % 7}.example.com",
                "Username": f"user{number}@example.com",
                "Password": PASSWORD,
                "Account": f"account{number // 4}",
                "Time": "30",
                "Delete": "-1",
                "status": "enabled",
            }
            for number in range(count)
        },
    )


def test_a_thousand_stay_smooth(panel: Panel, installed: Installed) -> None:
    fill(installed, MANY)
    panel.open()
    expect(panel.rows.first).to_be_visible()
    assert panel.rows.count() <= PAGE
    panel.search.fill(f"user{MANY - 1}@")
    expect(panel.rows).to_have_count(1)
    expect(panel.row(f"c{MANY - 1}")).to_be_visible()


def test_a_hundred_are_there_soon(
    panel: Panel, installed: Installed, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(installed, 100)
    panel.page.add_init_script(WATCH)
    # From another page, as people come: to start Cockpit itself is no matter of the panel's.
    panel.page.goto(f"{panel.url}/system/logs#/?prio=emerg")
    logs = panel.page.frame_locator("iframe[name='cockpit1:localhost/system/logs']")
    expect(logs.locator("main").first).to_be_visible()
    panel.page.get_by_role("link", name="Mail connectors").click()
    expect(panel.rows.first).to_be_visible()
    until(lambda: panel.frame.evaluate("window.firstRows"))
    milliseconds = panel.frame.evaluate("window.firstRows")
    with capsys.disabled():
        sys.stdout.write(f" 100 connectors: first rows after {milliseconds:.0f} ms ")
