# SPDX-License-Identifier: LGPL-2.1-or-later
"""A run is started and stopped from the page, and its way can be watched."""

from playwright.sync_api import Locator, expect

from tests.browser.beyond import slow, stalled, unit_of, until
from tests.browser.conftest import LARGE, LARGE_MESSAGES, OTHER_USER
from tests.browser.panel import Panel
from tests.support.dovecot import Dovecot
from tests.support.installed import Installed

ACCOUNT = "anna"
NAME = "big"
HALF = LARGE_MESSAGES * LARGE // 2


def add(installed: Installed, port: int) -> None:
    installed.add(NAME, "SimpleIMAPRetriever", port, Username=OTHER_USER, Account=ACCOUNT)


def percent(bar: Locator) -> int:
    return int(bar.get_attribute("aria-valuenow") or -1)


def test_run_is_watched_without_reloading(panel: Panel, installed: Installed, dovecot: Dovecot) -> None:
    with stalled(dovecot.host, dovecot.imap, HALF) as (proxy, goes_on):
        add(installed, proxy.port)
        panel.open()
        panel.frame.evaluate("window.stillHere = true")
        panel.menu(NAME, "Run now")
        bar = panel.row(NAME).get_by_role("progressbar")
        expect(bar).to_be_visible()
        until(lambda: 20 <= percent(bar) <= 60)
        assert installed.show(unit_of(NAME), "ActiveState") in ("active", "activating")
        goes_on.set()
        expect(bar).to_have_count(0)
    expect(panel.row(NAME)).to_contain_text("OK")
    assert len(installed.mail(ACCOUNT)) == LARGE_MESSAGES
    assert panel.frame.evaluate("window.stillHere")


def test_run_is_stopped(panel: Panel, installed: Installed, dovecot: Dovecot) -> None:
    with slow(dovecot.host, dovecot.imap) as proxy:
        add(installed, proxy.port)
        panel.open()
        panel.menu(NAME, "Run now")
        expect(panel.row(NAME).get_by_role("progressbar")).to_be_visible()
        until(lambda: installed.mail(ACCOUNT))
        panel.menu(NAME, "Stop")
        expect(panel.row(NAME).get_by_role("progressbar")).to_have_count(0)
        assert installed.show(unit_of(NAME), "ActiveState") == "inactive"
        assert 0 < len(installed.mail(ACCOUNT)) < LARGE_MESSAGES
        # What was not fetched yet comes with the next run, and nothing comes twice.
        proxy.cut_when = None
        installed.run(NAME)
    assert len(installed.mail(ACCOUNT)) == LARGE_MESSAGES
