# SPDX-License-Identifier: LGPL-2.1-or-later
"""A real authorization server (oidc-provider, from npm) on a free port, and a person with a browser.

    with Oidc(accessToken=60) as oidc:
        ...ask at oidc.token_url, oidc.device_url, oidc.authorization_url as client "public"...
        oidc.approve(address_of_a_device_code, "giacomo")
        redirect = oidc.sign_in(authorization_address, "giacomo")

Options are those of oidc/server.js. Clients: `public` has no secret; `basic` and `post` have oidc.secret, and
show it so; `mail` (secret `mail`) is a mail server that introspects tokens. It ends with this process.
"""

import http.cookiejar
import json
import re
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from tests.support import missing, need_programs

FOLDER = Path(__file__).parent / "oidc"
SECRET = "a client secret/+="
SECONDS = 30.0
PAGES = 10
"""So many pages a sign-in has at most."""


class Oidc:
    """`issuer` is its address. A test that needs a provider which is down stops it."""

    secret = SECRET

    def __init__(self, **options: Any) -> None:
        self._options = {"secret": SECRET, **options}
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        need_programs("node")
        if not (FOLDER / "node_modules/.installed").exists():
            missing("The authorization server for tests is not installed: `make check` does that.")
        argv = ["node", "server.js", json.dumps(self._options)]
        self._process = subprocess.Popen(
            argv, cwd=FOLDER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            self.stop()
            raise RuntimeError("The authorization server did not start.")
        self.port: int = json.loads(line)["port"]
        self.issuer = f"http://127.0.0.1:{self.port}"
        self.token_url = f"{self.issuer}/token"
        self.authorization_url = f"{self.issuer}/auth"
        self.device_url = f"{self.issuer}/device/auth"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
            for stream in (self._process.stdin, self._process.stdout):
                if stream:
                    stream.close()
            self._process = None

    def props(self, client: str = "public", **more: str) -> dict[str, str]:
        """Return the props of a connector whose tokens are from here."""
        secret = {} if client == "public" else {"ClientSecret": SECRET}
        urls = {"TokenUrl": self.token_url, "AuthorizationUrl": self.authorization_url}
        return {"Provider": "custom", **urls, "ClientId": client, "Scope": "mail", **secret, **more}

    def introspection(self) -> str:
        """Return what Dovecot needs to check tokens here."""
        host = self.issuer.removeprefix("http://")
        return (
            f"introspection_url = http://mail:mail@{host}/token/introspection\n"
            "introspection_mode = post\nusername_attribute = sub\nactive_attribute = active\n"
            "active_value = true\n"
        )

    def post(self, path: str, form: Mapping[str, str]) -> dict[str, Any]:
        """Return what is answered to a form; also where that is an error."""
        found: dict[str, Any] = json.loads(_open(f"{self.issuer}{path}", form).read() or "{}")
        return found

    def token(self, username: str, client: str = "public") -> dict[str, Any]:
        """Return the tokens that come of a sign-in by device code."""
        code = self.post("/device/auth", {"client_id": client, "scope": "mail"})
        self.approve(code["verification_uri_complete"], username)
        grant = "urn:ietf:params:oauth:grant-type:device_code"
        form = {"client_id": client, "grant_type": grant, "device_code": code["device_code"]}
        return self.post("/token", form)

    def revoke(self, token: str, client: str = "public") -> None:
        self.post("/token/revocation", {"client_id": client, "token": token})

    def forget(self, *models: str) -> None:
        """Let it know nothing any more of these, such as RefreshToken or AccessToken."""
        self._control("forget", {"models": models})

    def answer(self, path: str, status: int, body: Mapping[str, Any]) -> None:
        """Let the next question at a path get this answer. May be said several times."""
        self._control("answer", {"path": path, "status": status, "body": body})

    def asked(self) -> list[dict[str, str]]:
        """Return what was asked for: path, grant, id and scope of each form; `address` of each code given."""
        found: list[dict[str, str]] = json.loads(_open(f"{self.issuer}/test/asked").read())
        return found

    def approve(self, address: str, username: str) -> None:
        """Open the address of a device code with the code in it, sign in and allow what is asked."""
        page, location = _Browser(self.issuer).go(address, {"login": username, "password": "x"})
        assert location is None
        assert "Sign-in Success" in page, page

    def approve_next(self, username: str) -> None:
        """Wait until a device code is given, and approve it as a person would who sees it."""
        before = len(self.asked())
        deadline = time.monotonic() + SECONDS
        while not (found := [form["address"] for form in self.asked()[before:] if "address" in form]):
            assert time.monotonic() < deadline, "nobody asked for a code"
            time.sleep(0.1)
        self.approve(found[0], username)

    def decline(self, address: str) -> None:
        """Open the address of a device code with the code in it, and refuse."""
        page, _ = _Browser(self.issuer).go(address, {"confirm": None, "abort": "yes"})
        assert "interrupted" in page, page

    def sign_in(self, address: str, username: str) -> str:
        """Open an authorization address, sign in, and return where the browser is sent at the end."""
        page, location = _Browser(self.issuer).go(address, {"login": username, "password": "x"})
        assert location, page
        return location

    def refuse(self, address: str) -> str:
        """Open an authorization address and refuse; return where the browser is sent."""
        page, location = _Browser(self.issuer).go(address, {}, cancel=True)
        assert location, page
        return location

    def _control(self, what: str, order: Mapping[str, Any]) -> None:
        request = urllib.request.Request(f"{self.issuer}/test/{what}", json.dumps(order).encode())
        urllib.request.urlopen(request, timeout=SECONDS).close()


class _Browser:
    """Follows links and fills in forms of the server, and goes nowhere else."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._opener = urllib.request.build_opener(cookies, _Stay())

    def go(
        self, address: str, answers: Mapping[str, str | None], *, cancel: bool = False
    ) -> tuple[str, str | None]:
        """Return the last page; and the address to which it would lead, if that is elsewhere.

        None in `answers` is a field that is not sent.
        """
        form: dict[str, str] | None = None
        for _ in range(PAGES):
            page, location = self._load(address, form)
            if form and "abort" in form:
                return page, None
            form = None
            if location:
                address = urllib.parse.urljoin(address, location)
                if not address.startswith(self._origin):
                    return page, address
                continue
            found = _Form(page)
            links = [link for link in re.findall(r'href="([^"]+)"', page) if link.endswith("/abort")]
            if cancel and links:
                address = urllib.parse.urljoin(address, links[0])
                continue
            if found.action is None:
                return page, None
            address = urllib.parse.urljoin(address, found.action)
            # A page that only sends its form on asks nobody anything.
            given = answers if found.asks else {}
            merged = {**found.fields, **{name: given[name] for name in given if _belongs(name, found)}}
            form = {name: value for name, value in merged.items() if value is not None}
        raise AssertionError("The sign-in has no end.")

    def _load(self, address: str, form: Mapping[str, str] | None) -> tuple[str, str | None]:
        assert address.startswith(self._origin)
        try:
            answer = self._opener.open(address, _encode(form), timeout=SECONDS)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            return answer.read().decode(), answer.headers.get("Location")


class _Stay(urllib.request.HTTPRedirectHandler):
    """Shows where one is sent, instead of going there."""

    def redirect_request(self, *_: Any) -> None:
        return None


class _Form(HTMLParser):
    """The first form of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: dict[str, str | None] = {}
        self.asks = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "form" and self.action is None:
            self.action = found.get("action") or ""
        if tag == "input" and (name := found.get("name")):
            self.fields[name] = found.get("value") or ""
        if tag in ("button", "input") and found.get("type") != "hidden":
            self.asks = True


def _belongs(name: str, form: _Form) -> bool:
    return name in form.fields or (name == "abort" and "confirm" in form.fields)


def _encode(form: Mapping[str, str] | None) -> bytes | None:
    return None if form is None else urllib.parse.urlencode(form).encode()


def _open(address: str, form: Mapping[str, str] | None = None) -> IO[bytes]:
    try:
        answer: IO[bytes] = urllib.request.urlopen(address, _encode(form), timeout=SECONDS)
    except urllib.error.HTTPError as error:
        return error
    return answer
