# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a helper does not import for an input that is valid: it is called anew for each answer."""

import json
import subprocess
from typing import Any

import pytest

from tests.api.conftest import CONNECTOR, ENOUGH, ROOT, Api, parse_answer

NAME = "giacomo@my.remote.com"
DEAR = {"dataclasses", "dotenv", "hashlib", "idna", "ipaddress", "jsonschema", "pathlib", "site", "typing"}


@pytest.mark.parametrize(
    ("verb", "data"),
    [
        ("read", {"action": "list"}),
        ("read", {"action": "status", "name": NAME, "status_ok": 1}),
        ("update", {"action": "reset", "name": NAME}),
        ("validate", {"action": "create", **CONNECTOR}),
        ("validate", {"action": "update", "name": NAME, "Time": 5}),
        ("create", CONNECTOR),
        ("update", {"action": "update", "name": NAME, "Server": "imap.remote.com"}),
        ("update", {"action": "enable", "name": NAME}),
        ("update", {"action": "disable", "name": NAME}),
    ],
)
def test_nothing_dear_is_imported(api: Api, verb: str, data: dict[str, Any]) -> None:
    api.add()
    assert not find_imports(api, verb, data) & DEAR


@pytest.mark.parametrize(
    ("verb", "data"),
    [
        ("delete", {"name": NAME}),
        ("execute", {"action": "run", "name": NAME}),
        ("read", {"action": "check-credentials", **CONNECTOR, "Server": "127.0.0.1", "Port": 1}),
    ],
)
def test_jsonschema_is_not_imported(api: Api, verb: str, data: dict[str, Any]) -> None:
    api.add()
    assert "jsonschema" not in find_imports(api, verb, data)


def test_jsonschema_is_imported_for_a_refusal(api: Api) -> None:
    assert "jsonschema" in find_imports(api, "read", {"action": "list", "redact": 1})


@pytest.mark.long
def test_dotenv_is_imported_for_a_settings_file(api: Api) -> None:
    file = api.folder / "env"
    file.touch()
    assert "dotenv" in find_imports(api.having(ENV=str(file)), "read", {"action": "list"})


def find_imports(api: Api, verb: str, data: dict[str, Any]) -> set[str]:
    """Run a helper as its first line has it; return the names of all modules that it imported."""
    program = ROOT / "api" / verb
    interpreter, option = program.read_text().split("\n", 1)[0].removeprefix("#!").split()
    done = subprocess.run(
        [interpreter, option, "-X", "importtime", program],
        input=json.dumps(data).encode(),
        env=api.environment,
        capture_output=True,
        timeout=ENOUGH,
        check=False,
    )
    assert parse_answer(done).get("type") != "InternalError", done.stdout
    found = {line.rpartition("|")[2].strip() for line in done.stderr.decode().splitlines()}
    assert "cockpit_getmail.helper" in found
    return found
