# SPDX-License-Identifier: LGPL-2.1-or-later
"""How units are started, and what systemd makes of the files in systemd/."""

import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cockpit_getmail.connector import Connector, folder_name, unit_name
from cockpit_getmail.problem import Problem
from cockpit_getmail.settings import Settings
from cockpit_getmail.units import systemd
from cockpit_getmail.units.place import Place
from tests.support import need_programs, need_root

ROOT = Path(__file__).parents[3]
EXPOSURE_LIMIT = 1.2
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
FILES = {name: Path(f"/run/cockpit-getmail/{name}") for name in ("connector", "Password")}


def make_argv(name: str = "me@mail.example", account: str = "me@here") -> list[str]:
    maildir = Path("/var/lib/cockpit-getmail/mail", account)
    place = Place("cockpit-getmail", 990, 990, "/", SETTINGS.state_dir / folder_name(name), maildir)
    properties = systemd.run_properties(place, systemd.state_directory(SETTINGS), FILES)
    return systemd.start_argv(unit_name(name), "Mail", properties, "fetch")


def properties(argv: list[str]) -> Iterator[tuple[str, str]]:
    for argument in argv[: argv.index("--")]:
        if argument.startswith("--property="):
            name, _, value = argument.removeprefix("--property=").partition("=")
            yield name, value


def unquote(word: str) -> str:
    """Do what systemd's extract_first_word() does with a word that ends at a blank or a colon."""
    found = re.match(r"(?:\\.|[^\\\s:'\"])*", word)
    assert found
    assert found.end() == len(word), "the word ends before its end"
    return re.sub(r"\\(.)", r"\1", word)


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
    assert argv[argv.index("--") + 1 :] == [*systemd.program(), "fetch", "--unit"]


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


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("path", ["/a b", "/a:b", "/a'b\"", "/a\\b", "/%n", "/é 😀", "/$(id);`x`", "/ x "])
def test_quoted_path_is_read_as_it_was(path: str, depth: int) -> None:
    word = systemd.quote(Path(path), depth)
    for _ in range(depth):
        word = unquote(word)
    assert word == path


def test_program_is_run_by_the_interpreter_of_its_packages() -> None:
    script = (
        "import sys; sys.path[:0] = sys.argv[1:]; from cockpit_getmail import units; print(*units.program())"
    )
    argv = ["/usr/bin/python3", "-I", "-c", script, *(path for path in sys.path if path)]
    done = subprocess.run(argv, capture_output=True, check=True, text=True)
    assert done.stdout.split() == [f"{sys.prefix}/bin/python", "-I", "-m", "cockpit_getmail"]


# Refusals


def refused(settings: Settings = SETTINGS) -> Problem:
    with pytest.raises(Problem) as caught:
        systemd.start_run(CONNECTOR, settings)
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
        systemd.state_directory(replace(SETTINGS, state_dir=Path(folder)))
    assert caught.value.cause == "settings"
    assert isinstance(caught.value.attributes, dict)
    assert caught.value.attributes["setting"] == "STATE_DIR"


@pytest.mark.parametrize(
    ("state", "destination", "hidden"),
    [
        ("/var/lib/cockpit-getmail/state", "/var/lib/cockpit-getmail/mail/{account}", []),
        ("/var/lib/other/state", "/srv/mail/{domain}/{user}", ["/var/lib/other/state", "/srv/mail"]),
        ("/var/lib/a b", "/srv/x-{user}", ["/var/lib/a\\\\\\ b", "/srv"]),
        ("/var/lib/one", "/srv/one/Maildir", ["/var/lib/one"]),
        ("/var/lib/cockpit-getmail/state", "/home/{user}/Maildir", []),
        ("/var/lib/cockpit-getmail/state", "/{account}", []),
        ("/var/lib/cockpit-getmail/state", "/var/{account}", []),
        ("/var/lib/cockpit-getmail/state", "/usr/lib/{account}", []),
        ("/var/lib/cockpit-getmail/state", "/etc/mail/{account}", []),
    ],
)
def test_other_state_and_mail_is_hidden(state: str, destination: str, hidden: list[str]) -> None:
    settings = replace(SETTINGS, state_dir=Path(state), destination=f"maildir:{destination}")
    assert systemd.hiding_properties(settings) == [f"TemporaryFileSystem={path}:ro" for path in hidden]


# The files in systemd/


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """A unit file as a run has it, beside the drop-in."""
    shutil.copytree(ROOT / "systemd/cockpit-getmail-.service.d", tmp_path / "cockpit-getmail-.service.d")
    path = tmp_path / "cockpit-getmail-me@mail.example.service"
    common = "Type=exec\nKillMode=mixed\nUser=cockpit-getmail\nStateDirectory=cockpit-getmail/state/x\n"
    path.write_text(f"[Service]\nExecStart=/bin/true\n{common}")
    return path


def test_exposure_of_a_run_is_low(unit: Path) -> None:
    need_programs("systemd-analyze")
    argv = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(unit)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    found = re.search(r"Overall exposure level for .*: ([0-9.]+)", done.stdout)
    assert found, done.stderr
    assert float(found[1]) <= EXPOSURE_LIMIT, done.stdout


def test_systemd_knows_all_that_the_drop_in_says(unit: Path) -> None:
    need_programs("systemd-analyze")
    argv = ["systemd-analyze", "verify", "--man=no", str(unit)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert "10-fetch.conf" not in done.stderr
    assert unit.name not in done.stderr


def test_drop_in_leaves_to_each_run_what_is_its_own() -> None:
    # A drop-in beats what a unit is started with.
    text = (ROOT / "systemd/cockpit-getmail-.service.d/10-fetch.conf").read_text()
    own = {"User", "Group", "StateDirectory", "StateDirectoryMode", "BindPaths", "LoadCredential", "Type"}
    assert not own & set(re.findall(r"^([A-Za-z]+)=", text, re.MULTILINE))


def test_user_and_folders_are_made_by_systemd(tmp_path: Path) -> None:
    need_root()
    need_programs("systemd-sysusers", "systemd-tmpfiles")
    (tmp_path / "etc").mkdir()
    for program, kind, option in (
        ("systemd-sysusers", "sysusers", ()),
        ("systemd-tmpfiles", "tmpfiles", ("--create",)),
    ):
        file = ROOT / f"systemd/cockpit-getmail.{kind}"
        subprocess.run([program, f"--root={tmp_path}", *option, str(file)], check=True)
    assert "cockpit-getmail:" in (tmp_path / "etc/passwd").read_text()
    modes = {
        name: oct(stat.S_IMODE((tmp_path / name).stat().st_mode))
        for name in (
            "var/lib/cockpit-getmail",
            "var/lib/cockpit-getmail/state",
            "var/lib/cockpit-getmail/mail",
            "run/cockpit-getmail",
        )
    }
    assert list(modes.values()) == ["0o755", "0o755", "0o711", "0o700"]
