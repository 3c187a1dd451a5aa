# SPDX-License-Identifier: LGPL-2.1-or-later
"""Connectors are disabled and enabled, one and many."""

import pytest
from playwright.sync_api import expect

from tests.browser.beyond import stored, until
from tests.browser.conftest import MESSAGES, USER
from tests.browser.panel import Panel
from tests.support.dovecot import Dovecot
from tests.support.installed import Installed

NAMES = ["one", "two", "three"]


@pytest.fixture
def three(panel: Panel, installed: Installed, dovecot: Dovecot) -> Panel:
    for name in NAMES:
        installed.add(
            name, "SimpleIMAPRetriever", dovecot.imap, Username=USER, Account=name, status="enabled"
        )
    panel.open()
    expect(panel.rows).to_have_count(3)
    return panel


def statuses(installed: Installed) -> dict[str, str]:
    return {name: props["status"] for name, props in stored(installed).items()}


def test_one_is_disabled_and_enabled(three: Panel, installed: Installed) -> None:
    before = stored(installed)
    three.menu("two", "Disable")
    expect(three.row("two")).to_contain_text("Disabled")
    assert statuses(installed) == {"one": "enabled", "two": "disabled", "three": "enabled"}
    three.menu("two", "Enable")
    expect(three.row("two")).not_to_contain_text("Disabled")
    assert stored(installed) == before


def test_chosen_ones_are_disabled_enabled_and_run(three: Panel, installed: Installed) -> None:
    for name in ("one", "three"):
        three.role("checkbox", f"Select {name}").check()
    three.button("Disable").click()
    until(lambda: statuses(installed) == {"one": "disabled", "two": "enabled", "three": "disabled"})
    expect(three.row("three")).to_contain_text("Disabled")
    for name in ("one", "three"):
        three.role("checkbox", f"Select {name}").set_checked(True)
    three.button("Enable").click()
    until(lambda: set(statuses(installed).values()) == {"enabled"})
    for name in ("one", "three"):
        three.role("checkbox", f"Select {name}").set_checked(True)
    three.button("Run").click()
    until(lambda: [len(installed.mail(name)) for name in NAMES] == [MESSAGES, 0, MESSAGES])
    expect(three.row("one")).to_contain_text("OK")
