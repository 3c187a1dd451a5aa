# SPDX-License-Identifier: LGPL-2.1-or-later
"""What people see and can do who lack administrative access."""

from playwright.sync_api import expect

from tests.browser.conftest import Enter
from tests.browser.panel import Panel, Session, access_button
from tests.support.cockpit import ADMIN


def test_administrator_turns_on_administrative_access(enter: Enter, limited: Session) -> None:
    panel = enter(limited)
    panel.page.goto(f"{panel.url}/system")
    panel.turn_on_access(ADMIN)
    expect(access_button(panel.page, "Limited access")).to_have_count(0)


def test_administrator_is_at_the_overview(panel: Panel) -> None:
    panel.open()
    expect(panel.role("heading", "Mail connectors")).to_be_visible()
