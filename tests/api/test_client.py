# SPDX-License-Identifier: LGPL-2.1-or-later
"""The Python client with the real helpers of this checkout."""

import subprocess
import sys
from typing import Any

import pytest

from cockpit_getmail import Client
from cockpit_getmail.problem import Problem
from tests.api.conftest import BOOTED, CONNECTOR, ROOT, STORED, Api
from tests.support.schemas import check_schema

NAME = "giacomo@my.remote.com"
# As a program does that has the package in its path.
pytestmark = pytest.mark.long
PROGRAM = """\
import cockpit_getmail
client = cockpit_getmail.Client()
name = client.create(**{connector!r})["name"]
print(client.status(name)["connectors"][0]["status"])
client.delete(name)
print(client.list())
"""


@pytest.fixture
def client(api: Api, monkeypatch: pytest.MonkeyPatch) -> Client:
    if BOOTED and api.user:
        pytest.skip("As root it would start units of this machine.")
    for name, value in api.environment.items():
        monkeypatch.setenv(name, value)
    return Client()


def test_a_connector_from_its_making_to_its_end(client: Client, api: Api) -> None:
    props: dict[str, Any] = {**CONNECTOR, "Label": "work", "Time": 60}
    assert client.validate_create(**props) == {"state": "success"}
    created = client.create(**props)
    check_schema("create/create.output.json", created)
    assert created["name"] == NAME
    assert client.validate_update("work", Label=None) == {"state": "success"}
    assert client.update(NAME, Label=None, Time=None, Delete=3)["state"] == "success"
    assert api.props(NAME) == {**STORED, "Delete": "3"}
    client.disable(NAME)
    [told] = client.status(NAME)["connectors"]
    assert told["status"] == "DISABLED"
    client.enable("0", account="admin")
    client.reset(NAME)
    listed = client.list(redact=True, status_ok=1)
    check_schema("read/list.output.json", listed)
    assert listed["connectors"]["admin"][0]["props"]["Password"] == ""
    assert client.delete(NAME)["name"] == NAME
    assert client.list() == {"connectors": {}}


def test_what_list_tells_makes_the_same_connector_again(client: Client, api: Api) -> None:
    props: dict[str, Any] = dict(CONNECTOR)
    client.create(**props)
    [[listed]] = client.list()["connectors"].values()
    client.delete(listed["name"])
    client.create(**listed["props"])
    assert api.props(NAME) == STORED


def test_all_faults_are_raised_at_once(client: Client) -> None:
    props: dict[str, Any] = {**CONNECTOR, "Server": "", "Tiem": 5}
    with pytest.raises(Problem) as caught:
        client.create(**props)
    faults = [{"parameter": "Server", "value": "", "error": "minLength"}]
    assert caught.value.attributes == [
        *faults,
        {"parameter": "Tiem", "value": "", "error": "additionalProperties"},
    ]


def test_a_log_in_that_fails(client: Client) -> None:
    props: dict[str, Any] = {**CONNECTOR, "Server": "127.0.0.1", "Port": 1}
    with pytest.raises(Problem) as caught:
        client.check_credentials(**props)
    assert caught.value.cause == "network"
    assert isinstance(caught.value.attributes, dict)
    assert caught.value.attributes["status"] == "CONNECTION_IMPOSSIBLE"


def test_any_user_may_have_connectors(nobody: Api) -> None:
    program = f"import sys; sys.path[:0] = [{str(ROOT / 'lib')!r}]\n{PROGRAM.format(connector=CONNECTOR)}"
    assert nobody.user
    identity = [f"--reuid={nobody.user.pw_uid}", f"--regid={nobody.user.pw_gid}", "--clear-groups"]
    argv = ["setpriv", *identity, "--", "/usr/bin/python3", "-I", "-c", program]
    done = subprocess.run(argv, env=nobody.environment, capture_output=True, text=True, check=False, cwd="/")
    assert done.stdout == "NEVER_RUN\n{'connectors': {}}\n", done.stderr


def test_the_package_needs_nothing_but_python() -> None:
    """A client may be in any venv: it imports only what Python has."""
    script = (
        f"import sys; sys.path[:0] = [{str(ROOT / 'lib')!r}]; import cockpit_getmail; cockpit_getmail.Client"
    )
    subprocess.run([sys.executable, "-IS", "-c", script], check=True)
