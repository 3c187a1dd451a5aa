# SPDX-License-Identifier: LGPL-2.1-or-later
"""One machine with a Cockpit and one browser for all tests here; a context of the browser for each."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, suppress
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, sync_playwright

from tests.browser.beyond import trust
from tests.browser.panel import CHROMIUM, Panel, Session, launch, log_in, open_panel
from tests.support import need_programs
from tests.support.certificates import Authority, Certificate
from tests.support.cockpit import ADMIN, PLAIN, Cockpit
from tests.support.dovecot import Dovecot
from tests.support.installed import PASSWORD, Installed
from tests.support.machine import PROJECT, Machine

SCREENSHOTS = PROJECT / "build/screenshots"
USER = "g.rossi@example.com"
OTHER_USER = "a.bianchi@example.com"
MESSAGES, LARGE_MESSAGES, LARGE = 5, 60, 100_000
FORGET = """
systemctl kill --signal=KILL 'cockpit-getmail-*.service' 2>/dev/null || true
while systemctl list-units --plain --no-legend 'cockpit-getmail-*.service' | grep -q .; do sleep 0.05; done
rm -rf /var/lib/cockpit-getmail/* /var/lib/cockpit-getmail/state/.[!.]* /etc/cockpit-getmail.env
systemd-tmpfiles --create cockpit-getmail.conf
"""

Enter = Callable[..., Panel]


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def machine(authority: Authority) -> Iterator[Machine]:
    """A machine that believes our authority, with the project installed and two people to get mail."""
    need_programs(CHROMIUM)
    with Machine() as booted:
        booted.install()
        trust(booted, authority)
        for user in ("giacomo", "anna"):
            booted.run(["useradd", "--create-home", user])
        yield booted


@pytest.fixture(scope="session")
def cockpit(machine: Machine) -> Iterator[Cockpit]:
    with Cockpit(machine) as cockpit:
        yield cockpit


@pytest.fixture(scope="session")
def browser(cockpit: Cockpit) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def dovecot(authority: Authority) -> Iterator[Dovecot]:
    """A provider whose certificate the machine believes."""
    with Dovecot({USER: PASSWORD, OTHER_USER: PASSWORD}, certificate=authority.issue()) as dovecot:
        dovecot.fill(USER, MESSAGES)
        dovecot.fill(OTHER_USER, LARGE_MESSAGES, LARGE)
        yield dovecot


@pytest.fixture(scope="session")
def private(authority: Authority) -> Certificate:
    """A certificate that nobody vouches for."""
    return authority.self_signed()


@pytest.fixture(scope="session")
def stranger(private: Certificate) -> Iterator[Dovecot]:
    """A provider with that certificate."""
    with Dovecot({USER: PASSWORD}, certificate=private) as dovecot:
        dovecot.fill(USER, MESSAGES)
        yield dovecot


@pytest.fixture(scope="session")
def administrator(browser: Browser, cockpit: Cockpit) -> Iterator[Session]:
    with log_in(browser, cockpit, ADMIN, privileged=True) as session:
        yield session


@pytest.fixture
def limited(browser: Browser, cockpit: Cockpit) -> Iterator[Session]:
    """An administrator without administrative access, who may turn it on for this session."""
    with log_in(browser, cockpit, ADMIN, privileged=False) as session:
        yield session


@pytest.fixture(scope="session")
def plain(browser: Browser, cockpit: Cockpit) -> Iterator[Session]:
    with log_in(browser, cockpit, PLAIN, privileged=False) as session:
        yield session


@pytest.fixture
def installed(machine: Machine) -> Iterator[Installed]:
    """The project without connectors, and with none afterwards."""
    yield Installed(machine)
    machine.run(["sh", "-euc", FORGET])


@pytest.fixture
def secrets() -> set[str]:
    """What may be nowhere that can be looked up later; a test adds its own."""
    return {PASSWORD, ADMIN.password, PLAIN.password}


@pytest.fixture
def enter(
    browser: Browser,
    cockpit: Cockpit,
    installed: Installed,
    secrets: set[str],
    request: pytest.FixtureRequest,
) -> Iterator[Enter]:
    """Open browsers, each with a look at its console, address lines and storage at the end."""
    panels: list[Panel] = []
    with ExitStack() as stack:

        def enter(session: Session, **how: Any) -> Panel:
            opened: AbstractContextManager[Panel] = open_panel(browser, cockpit, session, **how)
            panels.append(stack.enter_context(opened))
            return panels[-1]

        yield enter
        for number, panel in enumerate(panels):
            take_screenshot(panel, request.node.name, number)
        for panel in panels:
            panel.check(secrets)


@pytest.fixture
def panel(enter: Enter, administrator: Session) -> Panel:
    """A browser of an administrator with administrative access; it has no page open yet."""
    return enter(administrator)


def take_screenshot(panel: Panel, test: str, number: int) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^\w.-]+", "-", test.removeprefix("test_")).strip("-")
    path = SCREENSHOTS / f"{name}{f'-{number + 1}' if number else ''}.png"
    # After a failure there may be nothing to take.
    with suppress(Error):
        panel.page.screenshot(path=path)
