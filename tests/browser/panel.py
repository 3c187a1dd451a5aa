# SPDX-License-Identifier: LGPL-2.1-or-later
"""A person at a browser with the panel open."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Error,
    Frame,
    FrameLocator,
    Locator,
    Page,
    Playwright,
    StorageState,
    WebSocket,
    expect,
)

from tests.support.cockpit import Cockpit, Person

CHROMIUM = "/usr/bin/chromium"
COCKPITS_OWN = "/system/"
"""Cockpit's start page, which is left for ours while it is still being loaded."""
LEFT = "transport closed: disconnected"
"""What Cockpit says of a page that is left."""
FRAME = "cockpit1:localhost/getmail"
WAIT_MILLISECONDS = 20_000
SIZE = (1280, 800)
PHONE = (390, 844)

Style = Literal["light", "dark"]


def launch(playwright: Playwright) -> Browser:
    """Start Debian's Chromium: none is downloaded."""
    expect.set_options(timeout=WAIT_MILLISECONDS)
    return playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])


@dataclass(frozen=True)
class Session:
    """A log-in at Cockpit, which lasts as long as a page of it is open."""

    state: StorageState
    person: Person


@contextmanager
def log_in(browser: Browser, cockpit: Cockpit, person: Person, *, privileged: bool) -> Iterator[Session]:
    """Log in, as one who was privileged the last time or not, and keep the session until the end."""
    context = browser.new_context(ignore_https_errors=True, locale="en-US")
    context.set_default_timeout(WAIT_MILLISECONDS)
    page = context.new_page()
    page.goto(cockpit.url)
    wish = "any" if privileged else "none"
    keep = [f"superuser:{person.name}", wish]
    page.evaluate("([key, value]) => localStorage.setItem(key, value)", keep)
    page.get_by_label("User name").fill(person.name)
    page.locator("#login-password-input").fill(person.password)
    page.get_by_role("button", name="Log in").click()
    expected = "Administrative access" if privileged else "Limited access"
    access_button(page, expected).wait_for()
    # A page that asks for little, to keep the session.
    page.goto(f"{cockpit.url}/system/logs#/?prio=emerg")
    try:
        yield Session(context.storage_state(), person)
    finally:
        context.close()


@dataclass
class Seen:
    """What a browser was told or told others: no secret may be there, nor a fault."""

    console: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)
    received: list[str | bytes] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        page.on("console", self._add_message)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("request", lambda request: self.urls.append(request.url))
        page.on("websocket", self._add_socket)

    def _add_message(self, message: ConsoleMessage) -> None:
        self.console.append(message.text)
        url = message.location["url"]
        is_elsewhere = COCKPITS_OWN in url and message.text.startswith("Failed to load resource")
        if message.type in ("error", "warning") and not message.text.startswith(LEFT) and not is_elsewhere:
            self.faults.append(f"{message.text} ({url})")

    def _add_socket(self, socket: WebSocket) -> None:
        self.urls.append(socket.url)
        socket.on("framereceived", lambda piece: self.received.append(piece))


class Panel:
    """`page` is Cockpit's, with the panel in a frame of it; what is looked for here is looked for in that."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        context.set_default_timeout(WAIT_MILLISECONDS)
        self.url = url
        self.seen = Seen()
        self.page = context.new_page()
        self.seen.watch(self.page)

    @property
    def frame(self) -> Frame:
        found = self.page.frame(name=FRAME)
        assert found
        return found

    @property
    def body(self) -> FrameLocator:
        return self.page.frame_locator(f"iframe[name='{FRAME}']")

    def go(self, *path: str) -> None:
        """Go to the overview, or to a path such as "connector", name, "log"."""
        place = "/".join(quote(part, safe="") for part in path)
        self.page.goto(f"{self.url}/getmail#/{place}")

    def open(self, *path: str) -> None:
        """Go there and wait until it is shown."""
        self.go(*path)
        self.body.get_by_role("heading", level=1).wait_for()

    def role(self, role: Any, name: str | re.Pattern[str], *, exact: bool = True) -> Locator:
        return self.body.get_by_role(role, name=name, exact=exact)

    def text(self, text: str | re.Pattern[str]) -> Locator:
        return self.body.get_by_text(text)

    @property
    def search(self) -> Locator:
        return self.role("textbox", "Search").or_(self.role("searchbox", "Search"))

    def choose_status(self, word: str) -> None:
        """Show only connectors of one status."""
        self.role("button", re.compile("^Status: ")).click()
        self.role("option", re.compile(f"^{word}")).click()

    def button(self, name: str) -> Locator:
        return self.role("button", name)

    def field(self, prop: str) -> Locator:
        return self.body.locator(f"#field-{prop}")

    def fill(self, **values: str) -> None:
        """Fill in fields of the form, or choose in them."""
        for prop, value in values.items():
            field = self.field(prop)
            if field.evaluate("element => element.tagName") == "SELECT":
                field.select_option(value)
            else:
                field.fill(value)

    def error(self, prop: str) -> Locator:
        return self.body.locator(f"#field-{prop}-error")

    def row(self, name: str) -> Locator:
        return self.body.locator(f"[data-connector={json.dumps(name)}]")

    def row_of(self, username: str) -> Locator:
        return self.rows.filter(has_text=username)

    @property
    def rows(self) -> Locator:
        return self.body.locator("[data-connector]")

    @property
    def dialog(self) -> Locator:
        return self.body.get_by_role("dialog")

    def menu(self, name: str, item: str) -> None:
        """Choose from the menu of a row."""
        self.button(f"Actions of {name}").click()
        self.role("menuitem", item).click()

    def turn_on_access(self, person: Person) -> None:
        """Press Cockpit's own button for administrative access."""
        access_button(self.page, "Limited access").click()
        self.page.get_by_label(f"Password for {person.name}").fill(person.password)
        self.page.get_by_role("button", name="Authenticate").click()
        access_button(self.page, "Administrative access").wait_for()

    def storage(self) -> str:
        """Return all that is kept in the browser, as text."""
        script = "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"
        return str(self.page.evaluate(script))

    def html(self) -> str:
        return str(self.frame.evaluate("document.documentElement.outerHTML"))

    def check(self, secrets: set[str]) -> None:
        """Find no fault in the console, and none of these secrets in anything that can be looked up later."""
        assert not self.seen.faults, self.seen.faults
        places = {
            "console": "\n".join(self.seen.console),
            "addresses": "\n".join(self.seen.urls),
            "storage": self.storage(),
        }
        for secret in secrets:
            for place, text in places.items():
                assert secret not in text, f"the {place} has a secret"
            assert not any(secret in _text(piece) for piece in self.seen.received), "the page got a secret"


@contextmanager
def open_panel(
    browser: Browser,
    cockpit: Cockpit,
    session: Session,
    *,
    size: tuple[int, int] = SIZE,
    style: Style = "light",
    language: str = "en-us",
) -> Iterator[Panel]:
    """Open a browser of its own, within a session."""
    context = browser.new_context(
        ignore_https_errors=True,
        viewport={"width": size[0], "height": size[1]},
        locale=language,
        color_scheme=style,
        reduced_motion="reduce",
        storage_state=session.state,
    )
    context.add_cookies([{"name": "CockpitLang", "value": language, "url": cockpit.url}])
    keep = {"shell:style": style, "cockpit.lang": language}
    context.add_init_script(f"Object.assign(localStorage, {json.dumps(keep)});")
    try:
        yield Panel(context, cockpit.url)
    finally:
        with suppress(Error):
            context.close()


def access_button(page: Page, name: str) -> Locator:
    """Return Cockpit's button for it.

    There is another for narrow windows, and after a dialog it may still be hidden from screen readers.
    """
    return page.locator("#super-user-indicator button, #super-user-indicator-mobile button").filter(
        has_text=name, visible=True
    )


def _text(piece: str | bytes) -> str:
    return piece if isinstance(piece, str) else piece.decode("utf-8", "replace")
