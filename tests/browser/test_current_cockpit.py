# SPDX-License-Identifier: LGPL-2.1-or-later
"""The panel in a Cockpit newer than the distribution's: the one that Debian has backported."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import USER, take_screenshot
from tests.browser.panel import log_in, open_panel
from tests.support.certificates import Authority
from tests.support.cockpit import ADMIN, Cockpit, upgrade
from tests.support.dovecot import Dovecot
from tests.support.installed import Installed
from tests.support.machine import Machine

NAME = "giacomo@example.com"


@pytest.fixture(scope="module")
def newer(authority: Authority) -> Iterator[tuple[Machine, Cockpit]]:
    with Machine() as booted:
        booted.install()
        booted.copy(authority.ca, "/usr/local/share/ca-certificates/browser-tests.crt")
        booted.run(["update-ca-certificates"])
        upgrade(booted)
        with Cockpit(booted) as cockpit:
            yield booted, cockpit


def test_connector_runs_from_a_current_cockpit(
    browser: Browser, newer: tuple[Machine, Cockpit], dovecot: Dovecot, request: pytest.FixtureRequest
) -> None:
    machine, cockpit = newer
    installed = Installed(machine)
    installed.add(NAME, "SimpleIMAPSSLRetriever", dovecot.imaps, Server=dovecot.host, Username=USER)
    with (
        log_in(browser, cockpit, ADMIN, privileged=True) as session,
        open_panel(browser, cockpit, session, style="dark") as panel,
    ):
        panel.open()
        expect(panel.row(NAME)).to_contain_text("Not run yet")
        panel.menu(NAME, "Run now")
        expect(panel.row(NAME)).to_contain_text("OK")
        panel.row(NAME).get_by_role("link").first.click()
        panel.role("tab", "History").click()
        expect(panel.body.get_by_role("grid")).to_contain_text("Succeeded")
        take_screenshot(panel, request.node.name, 0)
        assert panel.frame.evaluate("document.documentElement.className") == "pf-v6-theme-dark"
        faults = [fault for fault in panel.seen.faults if "/getmail/" in fault]
        assert not faults
    assert installed.call("read", action="status")["connectors"][0]["status"] == "OK"
