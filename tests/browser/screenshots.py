# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pictures of the panel for README: a machine with plausible connectors, all of what is seen by real runs.

python -m tests.browser.screenshots writes docs/images/NAME-{light,dark}.png for each of overview, dialog,
advanced, selection, preview, sign-in, settings, detail, mailbox and message.
"""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect, sync_playwright

from cockpit_getmail.connector import folder_name
from tests.browser.beyond import change_state, configure, stalled, trust, until
from tests.browser.desk import DESK, fill_desk
from tests.browser.panel import SIZE, Panel, Style, launch, log_in, open_panel
from tests.support.certificates import Authority
from tests.support.cockpit import ADMIN, Cockpit
from tests.support.dovecot import Dovecot, make_message
from tests.support.installed import Installed
from tests.support.machine import PROJECT, Machine
from tests.support.oidc import Oidc

IMAGES = PROJECT / "docs/images"
STYLES: tuple[Style, ...] = ("light", "dark")
HOSTS = ("imap.example.net", "mail.example.com", "pop.example.org", "mail.example.org")
PASSWORD = "long-and-secret-3120"
DAY = 86400
DAYS = (14, 22, 18, 3, 1, 25, 19, 27, 16, 21, 4, 2, 24, 9)
"""Messages by day, the last one today."""
FEWER = (3, 5, 0, 0, 1, 4, 6, 2, 5, 0, 1, 0, 7, 2)
REGULAR, LARGE, REFUSED = "anna.bianchi@example.net", "a.bianchi@example.org", "bruno.costa@example.com"
OFFICE, AWAY = "g.rossi@example.org", "giacomo.rossi@example.org"
PARTLY, PAUSED, NEW = "info@example.com", "sales@example.org", "carlo.neri@example.com"
SIGNED_IN = "marta.greco@example.com"
LARGE_COUNT, LARGE_SIZE = 200, 60_000
LMTP = {"DESTINATION": "lmtp:unix:/run/dovecot/lmtp", "RECIPIENT_DELIMITER": "+"}
CLOSED_PORT = 9


def main() -> int:
    try:
        with ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            authority = Authority(Path(folder))
            machine = stack.enter_context(Machine())
            machine.install()
            trust(machine, authority)
            for user in ("anna", "bruno", "carlo", "giacomo", "marta"):
                machine.run(["useradd", "--create-home", user])
            with (machine.root / "etc/hosts").open("a") as file:
                file.writelines(f"127.0.0.1 {host}\n" for host in HOSTS)
            provider = stack.enter_context(start_provider(authority))
            installed = Installed(machine)
            fill(stack, installed, provider)
            take(installed, provider, stack.enter_context(Oidc()))
    except (pytest.skip.Exception, pytest.fail.Exception) as needs:
        sys.stderr.write(f"{needs.msg}\n")
        return 1
    return 0


@contextmanager
def start_provider(authority: Authority) -> Iterator[Dovecot]:
    people = (REGULAR, OFFICE, REFUSED, LARGE, AWAY, PARTLY, PAUSED, NEW, DESK)
    users = dict.fromkeys(people, PASSWORD)
    uses = {name: f"\\{name}" for name in ("Sent", "Drafts", "Junk", "Trash")}
    with Dovecot(users, certificate=authority.issue(HOSTS), separator="/", special_uses=uses) as provider:
        provider.fill(LARGE, LARGE_COUNT, LARGE_SIZE)
        provider.fill(NEW, 31)
        fill_desk(provider)
        yield provider


def fill(stack: ExitStack, installed: Installed, provider: Dovecot) -> None:
    """Add connectors and let them run, so that there is one of each kind."""
    imaps, pop3s = provider.imaps, provider.pop3s
    regular = add(installed, REGULAR, "anna", "imap.example.net", imaps)
    office = add(installed, OFFICE, "giacomo", "pop.example.org", pop3s, Retriever="SimplePOP3SSLRetriever")
    live(installed, provider, regular, REGULAR, DAYS)
    live(installed, provider, office, OFFICE, FEWER)
    for user, account, host, port, props in [
        (REFUSED, "bruno", "mail.example.com", imaps, {"Password": "not-the-right-one"}),
        (AWAY, "giacomo", "mail.example.org", CLOSED_PORT, {}),
    ]:
        installed.run(add(installed, user, account, host, port, **props))
    partly = add(installed, PARTLY, "marta", "mail.example.com", imaps)
    set_aside(installed, provider, partly)
    paused = add(installed, PAUSED, "marta", "mail.example.org", imaps)
    installed.call("update", action="disable", name=paused)
    line, _ = stack.enter_context(stalled(provider.host, imaps, LARGE_COUNT * LARGE_SIZE * 2 // 3))
    installed.start(add(installed, LARGE, "anna", "mail.example.org", line.port))


def add(installed: Installed, user: str, account: str, host: str, port: int, **props: str) -> str:
    request: dict[str, Any] = {
        "Retriever": "SimpleIMAPSSLRetriever",
        "Server": host,
        "Port": str(port),
        "Username": user,
        "Account": account,
        **({} if "Provider" in props else {"Password": PASSWORD}),
        **props,
    }
    return str(installed.call("create", action="create", **request)["name"])


def live(installed: Installed, provider: Dovecot, name: str, user: str, days: tuple[int, ...]) -> None:
    """Let so many messages come each day, with a run that fetches them."""
    number = 0
    for day, count in enumerate(days):
        for _ in range(count):
            number += 1
            provider.add_message(user, make_message(number, 3000 + 97 * number))
        if day:
            age(installed, name)
        installed.run(name)


def age(installed: Installed, name: str) -> None:
    """Let all its runs be a day further back."""
    change_state(installed, name, f"UPDATE run SET started = started - {DAY}, ended = ended - {DAY}")
    # The next run counts by day anew.
    (installed.folder / "state" / folder_name(name) / "status.json").unlink()


def set_aside(installed: Installed, provider: Dovecot, name: str) -> None:
    """Have a message that the server cannot read, and runs until it is set aside."""
    provider.fill(PARTLY, 12, 2500)
    bad = min((provider.maildir(PARTLY) / "new").iterdir())
    bad.chmod(0)
    bad.rename(f"{bad},W=2500")
    while not installed.call("read", action="quarantine", name=name)["messages"]:
        installed.run(name)
        change_state(installed, name, f"UPDATE failure SET since = since - {10 * DAY}")


def take(installed: Installed, provider: Dovecot, oidc: Oidc) -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    with Cockpit(installed.machine) as cockpit, sync_playwright() as playwright:
        browser = launch(playwright)
        with log_in(browser, cockpit, ADMIN, privileged=True) as session:
            for style in STYLES:
                with open_panel(browser, cockpit, session, style=style) as panel:
                    take_style(panel, style, provider)
            # Another connector, and settings that the ones above are not meant for.
            configure(installed, **LMTP)
            props = oidc.props(DeviceUrl=oidc.device_url)
            away = add(installed, SIGNED_IN, "marta", "mail.example.com", provider.imaps, **props)
            chosen = {"Folders": "INBOX, \\Sent, Projects/*"}
            desk = add(installed, DESK, "anna", "imap.example.net", provider.imaps, **chosen)
            for style in STYLES:
                with open_panel(browser, cockpit, session, style=style) as panel:
                    take_more(panel, style, provider, away)
                    take_remote(panel, style, provider, desk)
        browser.close()


def take_style(panel: Panel, style: Style, provider: Dovecot) -> None:
    show_detail(panel)
    save(panel, f"detail-{style}")
    panel.open()
    until(lambda: panel.body.get_by_role("progressbar").count())
    expect(panel.rows).to_have_count(7)
    save(panel, f"overview-{style}")
    show_dialog(panel, provider)
    save(panel, f"dialog-{style}")
    assert not panel.seen.faults, panel.seen.faults


def take_more(panel: Panel, style: Style, provider: Dovecot, name: str) -> None:
    panel.open()
    show_advanced(panel, provider)
    save(panel, f"advanced-{style}")
    panel.button("Cancel").click()
    panel.open("connector", name)
    panel.button("Sign in").click()
    expect(panel.body.locator("#sign-in-code")).to_be_visible()
    save(panel, f"sign-in-{style}")
    panel.button("Sign in later").click()
    panel.open("settings")
    expect(panel.role("heading", "Stored passwords")).to_be_visible()
    save(panel, f"settings-{style}")
    assert not panel.seen.faults, panel.seen.faults


def take_remote(panel: Panel, style: Style, provider: Dovecot, name: str) -> None:
    panel.open("connector", name, "mailbox")
    expect(panel.role("navigation", "Folders").get_by_role("listitem").first).to_be_visible()
    expect(panel.button("Invoice 2026-118")).to_be_visible()
    save(panel, f"mailbox-{style}")
    panel.button("Invoice 2026-118").click()
    expect(panel.text("Dear colleagues")).to_be_visible()
    save(panel, f"message-{style}")
    panel.open()
    show_selection(panel, provider)
    save(panel, f"selection-{style}")
    panel.fill(Folders="", Search="UNSEEN")
    panel.button("Show what it would fetch").click()
    expect(panel.dialog).to_contain_text("It would fetch 3 messages.")
    panel.field("Since").evaluate("element => element.closest('.pf-v6-c-form__group').scrollIntoView()")
    save(panel, f"preview-{style}")
    assert not panel.seen.faults, panel.seen.faults


def show_detail(panel: Panel) -> None:
    panel.open()
    panel.row_of(REGULAR).get_by_role("link").click()
    panel.role("tab", "History").click()
    expect(panel.body.get_by_role("img").first).to_be_visible()
    expect(panel.text("Succeeded").first).to_be_visible()


def show_dialog(panel: Panel, provider: Dovecot) -> None:
    panel.button("Add connector").click()
    panel.fill(Server="mail.example.com", Port=str(provider.imaps), Username=NEW, Password=PASSWORD)
    panel.fill(Account="carlo")
    panel.button("Check credentials").click()
    expect(panel.dialog).to_contain_text("The log-in works: 31 messages.")
    panel.button("Check credentials").scroll_into_view_if_needed()


def show_advanced(panel: Panel, provider: Dovecot) -> None:
    panel.button("Add connector").click()
    panel.fill(Server="mail.example.com", Port=str(provider.imaps), Username=NEW, Account="carlo")
    panel.button("Advanced settings").click()
    panel.field("SpamCheck").check()
    panel.field("VirusCheck").check()
    panel.field("Destination").evaluate("element => element.closest('section').scrollIntoView()")


def show_selection(panel: Panel, provider: Dovecot) -> None:
    panel.button("Add connector").click()
    panel.fill(Server="imap.example.net", Port=str(provider.imaps), Username=DESK, Password=PASSWORD)
    panel.button("Advanced settings").click()
    panel.button("Choose folders").click()
    for name in ("Sent", "Migration"):
        panel.role("checkbox", name).check()
    panel.fill(MaxSize="25")
    panel.button("Show what it would fetch").click()
    expect(panel.dialog).to_contain_text("It would fetch")
    panel.field("Folders").evaluate("element => element.closest('section').scrollIntoView()")


def save(panel: Panel, name: str) -> None:
    # Where the pointer rests, there may be something that looks different.
    panel.page.mouse.move(SIZE[0] / 2, 2)
    panel.page.wait_for_timeout(500)
    panel.page.screenshot(path=IMAGES / f"{name}.png")


if __name__ == "__main__":
    sys.exit(main())
