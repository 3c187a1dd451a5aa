# SPDX-License-Identifier: LGPL-2.1-or-later
"""People signing in at a real authorization server, where no unit waits for them. With one: tests/machine."""

import json
import shutil
import urllib.parse
from collections.abc import Iterator
from typing import Any

import pytest

from cockpit_getmail import database
from tests.api.conftest import STORED, Api
from tests.support.oidc import SECRET, Oidc

USER = "giacomo@example.com"

pytestmark = pytest.mark.root


@pytest.fixture(scope="module")
def oidc() -> Iterator[Oidc]:
    with Oidc() as running:
        yield running


def add(api: Api, oidc: Oidc, client: str = "public", **props: str) -> str:
    """Put a connector into the database that logs in by OAuth2; return its name."""
    own = {"Server": "127.0.0.1", "Username": USER}
    given = {**STORED, **own, **oidc.props(client, DeviceUrl=oidc.device_url), **props}
    unset = ("type", *(() if "Password" in props else ("Password",)))
    with database.transaction(api.db) as connectors:
        stored = {prop: value for prop, value in given.items() if value and prop not in unset}
        connectors.put("signed@in", "getmail", stored)
    for path in api.folder.iterdir():
        shutil.chown(path, "nobody")
    return "signed@in"


def waiting(answer: dict[str, Any]) -> bool:
    return bool(answer["statusCode"] == "running")


def secrets_in(text: str, api: Api) -> list[str]:
    """Return what is secret by the record of the sign-in, and stands in a text."""
    [record] = (api.state / ".authorize").glob("*.json")
    secrets = json.loads(record.read_text())["secrets"]
    assert secrets
    return [name for name, value in secrets.items() if name != "redirect_url" and value in text]


@pytest.mark.parametrize("client", ["public", "basic"])
def test_device_code(api: Api, oidc: Oidc, client: str) -> None:
    name = add(api, oidc, client)
    begun = api.succeed("execute", "authorize", name=name)
    assert waiting(begun)
    assert begun["address"] == f"{oidc.issuer}/device"
    assert begun["code"] in begun["address_with_code"]
    assert begun["code"] in begun["statusText"]
    assert begun["interval"] == 1
    assert "unit" not in begun
    assert not secrets_in(json.dumps(begun), api)
    assert waiting(api.succeed("execute", "authorize-complete", name=name))
    oidc.approve(begun["address_with_code"], USER)
    assert waiting(api.succeed("read", "progress", token=begun["token"]))
    ended = api.succeed("execute", "authorize-complete", name=name, wait=20_000)
    assert (ended["token"], ended["statusCode"], ended["error"]) == (begun["token"], "succeeded", None)
    assert api.succeed("read", "progress", token=begun["token"], version=1)["logOutput"] == "Signed in.\n"
    assert len(api.props(name)["RefreshToken"]) > 1000
    assert api.fail("execute", "authorize-complete", name=name)["type"] == "Conflict"


@pytest.mark.parametrize("client", ["public", "post"])
@pytest.mark.parametrize("device_url", ["", "too"])
def test_paste_back(api: Api, oidc: Oidc, client: str, device_url: str) -> None:
    """Where there is no device code, or that is not wanted."""
    more = {"flow": "code"} if device_url else {}
    name = add(api, oidc, client, DeviceUrl=oidc.device_url if device_url else "")
    begun = api.succeed("execute", "authorize", name=name, **more)
    assert waiting(begun)
    assert "code" not in begun
    asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(begun["address"]).query))
    assert asked["code_challenge_method"] == "S256"
    # It has the state in it, of course.
    assert secrets_in(json.dumps(begun), api) == ["state"]
    problem = api.fail("execute", "authorize-complete", name=name)
    assert problem["attributes"]["parameter"] == "redirect"
    strange = f"{asked['redirect_uri']}?code=x&state=another"
    problem = api.fail("execute", "authorize-complete", name=name, redirect=strange)
    assert "another" not in problem["message"]
    assert waiting(api.succeed("read", "progress", token=begun["token"]))
    redirect = oidc.sign_in(begun["address"], USER)
    ended = api.succeed("execute", "authorize-complete", name=name, redirect=redirect)
    assert (ended["token"], ended["statusCode"]) == (begun["token"], "succeeded")
    assert len(api.props(name)["RefreshToken"]) > 1000
    assert api.fail("execute", "authorize-complete", name=name, redirect=redirect)["type"] == "Conflict"


def test_refused_by_the_person(api: Api, oidc: Oidc) -> None:
    name = add(api, oidc)
    begun = api.succeed("execute", "authorize", name=name)
    oidc.decline(begun["address_with_code"])
    ended = api.succeed("execute", "authorize-complete", name=name, wait=20_000)
    assert ended["statusCode"] == "failed"
    assert ended["error"]["cause"] == "credentials"
    assert "access_denied" in ended["error"]["message"]
    assert "consent" in ended["error"]["hint"]
    begun = api.succeed("execute", "authorize", name=name, flow="code")
    redirect = oidc.refuse(begun["address"])
    ended = api.succeed("execute", "authorize-complete", name=name, redirect=redirect)
    assert (ended["statusCode"], ended["error"]["cause"]) == ("failed", "credentials")
    assert "RefreshToken" not in api.props(name)


def test_another_sign_in_takes_the_place(api: Api, oidc: Oidc) -> None:
    name = add(api, oidc)
    first = api.succeed("execute", "authorize", name=name)
    second = api.succeed("execute", "authorize", name=name)
    assert first["code"] != second["code"]
    assert api.fail("read", "progress", token=first["token"])["type"] == "NotFound"
    oidc.approve(first["address_with_code"], USER)
    assert waiting(api.succeed("execute", "authorize-complete", name=name, wait=3000))
    cancelled = api.succeed("execute", "cancel", token=second["token"])
    assert cancelled == {"state": "success", "token": second["token"]}
    assert api.succeed("read", "progress", token=second["token"])["statusCode"] == "cancelled"
    assert api.fail("execute", "cancel", name=name)["type"] == "Conflict"
    [record] = (api.state / ".authorize").glob("*.json")
    assert json.loads(record.read_text())["secrets"] == {}
    assert record.stat().st_mode & 0o777 == 0o600


def test_code_that_expires(api: Api) -> None:
    with Oidc(deviceCode=2) as brief:
        name = add(api, brief)
        begun = api.succeed("execute", "authorize", name=name, wait=10_000)
        assert begun["statusCode"] == "failed"
        assert "RefreshToken" not in api.props(name)
        assert api.succeed("read", "progress", token=begun["token"])["error"] == begun["error"]
        [record] = (api.state / ".authorize").glob("*.json")
        assert json.loads(record.read_text())["secrets"] == {}
        assert begun["error"]["hint"]
        assert api.fail("execute", "authorize-complete", name=name)["type"] == "Conflict"


def test_connector_that_is_changed_meanwhile(api: Api, oidc: Oidc) -> None:
    name = add(api, oidc)
    begun = api.succeed("execute", "authorize", name=name)
    oidc.approve(begun["address_with_code"], USER)
    api.succeed("update", "update", name=name, ClientId="post", ClientSecret=SECRET)
    ended = api.succeed("execute", "authorize-complete", name=name, wait=5000)
    assert ended["statusCode"] == "failed"
    assert "changed" in ended["error"]["message"]
    assert "RefreshToken" not in api.props(name)
    begun = api.succeed("execute", "authorize", name=name)
    api.succeed("delete", name=name)
    assert api.fail("read", "progress", token=begun["token"])["type"] == "NotFound"
    assert not list((api.state / ".authorize").iterdir())


def test_provider_that_is_slow_or_down_for_a_while(api: Api, oidc: Oidc) -> None:
    name = add(api, oidc)
    begun = api.succeed("execute", "authorize", name=name)
    oidc.answer("/token", 503, {"error": "temporarily_unavailable"})
    assert waiting(api.succeed("execute", "authorize-complete", name=name))
    oidc.answer("/token", 400, {"error": "slow_down"})
    assert waiting(api.succeed("execute", "authorize-complete", name=name))
    oidc.approve(begun["address_with_code"], USER)
    assert api.succeed("execute", "authorize-complete", name=name)["statusCode"] == "succeeded"
    begun = api.succeed("execute", "authorize", name=name, flow="code")
    redirect = oidc.sign_in(begun["address"], USER)
    oidc.answer("/token", 503, {})
    assert api.fail("execute", "authorize-complete", name=name, redirect=redirect)["attributes"]["cause"] == (
        "network"
    )
    ended = api.succeed("execute", "authorize-complete", name=name, redirect=redirect)
    assert ended["statusCode"] == "succeeded"


def test_grant_that_cannot_be_stored_is_told(api: Api, oidc: Oidc) -> None:
    name = add(api, oidc)
    begun = api.succeed("execute", "authorize", name=name)
    oidc.approve(begun["address_with_code"], USER)
    api.folder.chmod(0o500)
    ended = api.succeed("execute", "authorize-complete", name=name, wait=10_000)
    api.folder.chmod(0o700)
    assert (ended["statusCode"], ended["error"]["cause"]) == ("failed", "internal")
    assert "RefreshToken" not in api.props(name)
    begun = api.succeed("execute", "authorize", name=name)
    oidc.approve(begun["address_with_code"], USER)
    ended = api.succeed("execute", "authorize-complete", token=begun["token"], wait=10_000)
    assert ended["statusCode"] == "succeeded"


def test_provider_without_a_refresh_token(api: Api, oidc: Oidc) -> None:
    """What would be over within the hour is no sign-in."""
    name = add(api, oidc)
    begun = api.succeed("execute", "authorize", name=name)
    oidc.answer("/token", 200, {"access_token": "short-lived", "token_type": "Bearer", "expires_in": 60})
    ended = api.succeed("execute", "authorize-complete", name=name)
    assert (ended["statusCode"], ended["error"]["cause"]) == ("failed", "credentials")
    assert "offline" in ended["error"]["hint"]
    assert begun["token"] == ended["token"]


def test_failures_are_forgiven(api: Api, oidc: Oidc) -> None:
    """Once somebody has signed in the connector is due, however often it failed."""
    name = add(api, oidc)
    begun = api.succeed("execute", "authorize", name=name)
    oidc.approve(begun["address_with_code"], USER)
    api.succeed("execute", "authorize-complete", name=name)
    assert api.conditions()[name]["failures"] == 0


@pytest.mark.parametrize(
    ("props", "parameter"),
    [
        ({"Provider": "", "Auth": ""}, "Provider"),
        ({"Grant": "client_credentials", "ClientSecret": "x"}, "Grant"),
        ({"ClientId": ""}, "ClientId"),
        ({"TokenUrl": "http://provider.example/token"}, "TokenUrl"),
    ],
)
def test_connector_at_which_nobody_signs_in(
    api: Api, oidc: Oidc, props: dict[str, str], parameter: str
) -> None:
    props = props if props.get("Provider") != "" else {**props, "Password": "x"}
    name = add(api, oidc, **props)
    problem = api.fail("execute", "authorize", name=name)
    assert problem["attributes"]["parameter"] == parameter
    assert api.fail("execute", "authorize-complete", name=name)["type"] == "Conflict"


def test_provider_that_refuses_to_begin(api: Api, oidc: Oidc) -> None:
    name = add(api, oidc, ClientId="nobody")
    problem = api.fail("execute", "authorize", name=name)
    assert problem["attributes"]["cause"] == "credentials"
    assert problem["attributes"]["hint"]
    assert not list(api.state.glob(".authorize/*.json"))
