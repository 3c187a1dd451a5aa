# SPDX-License-Identifier: LGPL-2.1-or-later
"""What people see and can do who lack administrative access."""

import json

import pytest
from playwright.sync_api import expect

from tests.browser.beyond import stored
from tests.browser.conftest import Enter
from tests.browser.panel import Panel, Session
from tests.support.cockpit import ADMIN
from tests.support.installed import HELPERS, Installed

REQUIRED = "Administrative access required"
SPAWN = """
([argv, input, superuser]) => new Promise(resolve =>
    cockpit.spawn(argv, superuser ? { superuser } : {}).input(input)
        .then(output => resolve(output), (error, output) => resolve(`${error.problem} ${output}`)))
"""


@pytest.fixture
def connector(installed: Installed) -> str:
    installed.add("hidden", "SimpleIMAPRetriever", 9, Username="secret-user")
    return "hidden"


def check_nothing_is_shown(panel: Panel) -> None:
    expect(panel.role("heading", REQUIRED)).to_be_visible()
    expect(panel.text("Limited access")).to_be_visible()
    expect(panel.body.get_by_role("button")).to_have_count(0)
    assert "secret-user" not in panel.html()


def call(panel: Panel, verb: str, superuser: str | None, **data: str) -> str:
    """Call a helper from the page, as its own code could."""
    arguments = [[f"{HELPERS}/{verb}"], json.dumps(data), superuser]
    return str(panel.frame.evaluate(SPAWN, arguments))


def test_administrator_turns_on_administrative_access(enter: Enter, limited: Session, connector: str) -> None:
    panel = enter(limited)
    panel.go()
    check_nothing_is_shown(panel)
    panel.turn_on_access(ADMIN)
    expect(panel.role("heading", "Mail connectors")).to_be_visible()
    expect(panel.row(connector)).to_be_visible()


@pytest.mark.parametrize("superuser", ["require", "try", None])
def test_plain_user_has_no_way_around_the_page(
    enter: Enter, plain: Session, connector: str, installed: Installed, superuser: str | None
) -> None:
    panel = enter(plain)
    panel.go()
    check_nothing_is_shown(panel)
    before = stored(installed)
    for verb, data in {
        "read": {"action": "list"},
        "update": {"action": "disable", "name": connector},
        "delete": {"name": connector},
        "execute": {"action": "run", "name": connector},
    }.items():
        answer = call(panel, verb, superuser, **data)
        assert "secret-user" not in answer
        assert "success" not in answer
    assert stored(installed) == before


def test_page_of_a_connector_is_explained_too(enter: Enter, plain: Session, connector: str) -> None:
    panel = enter(plain)
    panel.go("connector", connector, "log")
    check_nothing_is_shown(panel)
