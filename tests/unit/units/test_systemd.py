# SPDX-License-Identifier: LGPL-2.1-or-later
"""How units are started, and what systemd makes of the files in systemd/."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cockpit_getmail.connector import Connector, folder_name, make_token, unit_name
from cockpit_getmail.problem import Problem
from cockpit_getmail.settings import Settings
from cockpit_getmail.units import systemd
from cockpit_getmail.units.place import Place
from cockpit_getmail.units.sandbox import program
from tests.support.quoting import unquote

SETTINGS = Settings(
    Path("/var/lib/cockpit-getmail/connectors"),
    Path("/var/lib/cockpit-getmail/state"),
    "maildir:/var/lib/cockpit-getmail/mail/{account}",
    "cockpit-getmail",
    10.0,
)
CONNECTOR = Connector(
    "me@mail.example", {"Account": "me@here", "Server": "mail.example"}, {"Password": "canary"}
)
TOKEN = make_token(CONNECTOR.name)
FILES = {name: Path(f"/run/cockpit-getmail/{name}") for name in ("connector", "Password")}


def make_argv(name: str = "me@mail.example", account: str = "me@here") -> list[str]:
    maildir = f"/var/lib/cockpit-getmail/mail/{account}"
    place = Place("cockpit-getmail", 990, 990, "/", f"{SETTINGS.state_dir}/{folder_name(name)}", maildir)
    properties = systemd.run_properties(place, systemd.state_directory(SETTINGS), FILES)
    return systemd.start_argv(unit_name(name), "Mail", properties, "fetch")


def properties(argv: list[str]) -> Iterator[tuple[str, str]]:
    for argument in argv[: argv.index("--")]:
        if argument.startswith("--property="):
            name, _, value = argument.removeprefix("--property=").partition("=")
            yield name, value


def test_each_run_has_what_differs_from_run_to_run() -> None:
    assert list(properties(make_argv())) == [
        ("Type", "exec"),
        ("CollectMode", "inactive-or-failed"),
        ("KillMode", "mixed"),
        ("User", "cockpit-getmail"),
        ("StateDirectory", "cockpit-getmail/state/me@mail.example"),
        ("StateDirectoryMode", "0700"),
        ("LoadCredential", "connector:/run/cockpit-getmail/connector"),
        ("LoadCredential", "Password:/run/cockpit-getmail/Password"),
        ("BindPaths", "/var/lib/cockpit-getmail/mail/me@here"),
    ]


def test_command_follows_the_end_of_options() -> None:
    argv = make_argv("-x")
    assert argv[argv.index("--") + 1 :] == [*program(), "fetch", "--unit"]


@pytest.mark.parametrize(
    "name", ["../x", "-x", "a b", "$(id)", "%n", "x" * 300, "é@h", "a:b", "a\\b", "a'b\"c", "x\n", "😀" * 90]
)
def test_any_name_makes_one_valid_unit_and_folder(name: str) -> None:
    account = name.replace("/", "_").strip()
    argv = make_argv(name, account)
    [unit] = [word.removeprefix("--unit=") for word in argv if word.startswith("--unit=")]
    assert re.fullmatch(r"cockpit-getmail-[A-Za-z0-9@._\\-]+\.service", unit)
    assert len(unit) < 200
    found = dict(properties(argv))
    state = unquote(unquote(found["StateDirectory"]))
    assert re.fullmatch(r"cockpit-getmail/state/[A-Za-z0-9@_=-][A-Za-z0-9@._=-]*", state)
    assert unquote(found["BindPaths"]) == f"/var/lib/cockpit-getmail/mail/{account}"


# Refusals


def refused(settings: Settings = SETTINGS) -> Problem:
    with pytest.raises(Problem) as caught:
        systemd.start_run(CONNECTOR, settings, TOKEN)
    return caught.value


def test_without_systemd_the_way_out_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(systemd, "BOOTED", tmp_path / "none")
    problem = refused()
    assert (problem.type, problem.cause) == ("GenericError", "internal")
    assert "no systemd" in problem.message
    assert "cockpit-getmail fetch me@mail.example" in problem.message


@pytest.mark.parametrize("folder", ["/var/lib", "/srv/state", "/var/library", "/var/lib/../../etc"])
def test_state_folder_of_units_is_below_var_lib(folder: str) -> None:
    with pytest.raises(Problem, match="/var/lib") as caught:
        systemd.state_directory(Settings(state_dir=Path(folder)))
    assert caught.value.cause == "settings"
    assert isinstance(caught.value.attributes, dict)
    assert caught.value.attributes["setting"] == "STATE_DIR"
