# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a unit sees, and what systemd makes of the files in systemd/."""

import re
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from cockpit_getmail.database import Database
from cockpit_getmail.problem import Problem
from cockpit_getmail.settings import Settings
from cockpit_getmail.units import sandbox
from cockpit_getmail.units.place import Place
from tests.support import need_programs, need_root
from tests.support.quoting import unquote

ROOT = Path(__file__).parents[3]
EXPOSURE_LIMIT = 1.2
SETTINGS = Settings(
    Path("/var/lib/cockpit-getmail/connectors"),
    Path("/var/lib/cockpit-getmail/state"),
    "maildir:/var/lib/cockpit-getmail/mail/{account}",
    "cockpit-getmail",
    10.0,
)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkout may lie in root's home, or in /tmp, where units do not see it: as if they did."""
    monkeypatch.setattr(sandbox, "HOMES", ())
    monkeypatch.setattr(sandbox, "PRIVATE", ())


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("path", ["/a b", "/a:b", "/a'b\"", "/a\\b", "/%n", "/é 😀", "/$(id);`x`", "/ x "])
def test_quoted_path_is_read_as_it_was(path: str, depth: int) -> None:
    word = sandbox.quote(Path(path), depth)
    for _ in range(depth):
        word = unquote(word)
    assert word == path


@pytest.mark.long
def test_program_is_run_by_the_interpreter_of_its_packages_and_finds_itself() -> None:
    script = (
        "import sys; sys.path[:0] = sys.argv[1:]; from cockpit_getmail import units; print(*units.program())"
    )
    argv = ["/usr/bin/python3", "-I", "-c", script, *(path for path in sys.path if path)]
    done = subprocess.run(argv, capture_output=True, check=True, text=True)
    program = done.stdout.split()
    assert program[:3] == [f"{sys.prefix}/bin/python", "-I", "-S"]
    argv = [*program, "--version"]
    done = subprocess.run(argv, capture_output=True, check=True, text=True, cwd="/", env={})
    assert done.stdout.startswith("cockpit-getmail ")


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
        ("/var/lib/cockpit-getmail/state", "/etc/mail/{account}", ["/etc/mail"]),
        ("/var/lib/cockpit-getmail/state", "/tmp/mail/{account}", []),
    ],
)
def test_other_state_and_mail_is_hidden(state: str, destination: str, hidden: list[str]) -> None:
    settings = Settings(state_dir=Path(state), destination=f"maildir:{destination}")
    assert sandbox.hiding_properties(settings) == [f"TemporaryFileSystem={path}:ro" for path in hidden]


@pytest.mark.parametrize(
    "destination",
    ["command:/usr/lib/dovecot/dovecot-lda -d {account}", "lmtp:unix:/run/{x}", "maildir:~/mail/{domain}"],
)
def test_nothing_is_hidden_for_mail_that_lies_in_no_folder_of_ours(destination: str) -> None:
    settings = Settings(destination=destination)
    assert sandbox.hiding_properties(settings) == []
    sandbox.require_hiding(settings)


def make_place(maildir: str | None, *, is_command: bool = False) -> Place:
    return Place("nobody", 65534, 65534, "/", "/var/lib/state", maildir, is_command)


def test_mail_of_single_connectors_is_hidden_from_all_others(tmp_path: Path) -> None:
    places = Path(tempfile.mkdtemp(prefix="cockpit-getmail-test-", dir="/var/lib"))
    for name in ("many/me", "one", "two"):
        (places / name).mkdir(parents=True)
    texts = ("many/{account}", "one", "two", "none/{user}", "one/../two")
    props = [f"maildir:{places}/{text}" for text in texts]
    database = Database()
    for number, text in enumerate((*props, props[0], "maildir:~/Maildir", "lmtp:unix:/run/x", "")):
        database.put(str(number), "getmail", {"Destination": text} if text else {})
    (tmp_path / "db").write_bytes(database.format())
    try:
        settings = Settings(connectors_db=tmp_path / "db")
        hidden = [f"TemporaryFileSystem={places}/{name}:ro" for name in ("many", "one", "two")]
        assert sandbox.hiding_properties(settings) == hidden
        assert sandbox.hiding_properties(settings, make_place(f"{places}/many/me")) == hidden
        assert sandbox.hiding_properties(settings, make_place(f"{places}/one")) == [hidden[0], hidden[2]]
        assert sandbox.hiding_properties(settings, make_place(None, is_command=True)) == []
        settings = Settings(connectors_db=tmp_path / "db", destination=f"maildir:{places}/{{user}}")
        above = f"TemporaryFileSystem={places}:ro"
        assert sandbox.hiding_properties(settings, make_place(f"{places}/one")) == [above]
    finally:
        shutil.rmtree(places)


def test_mail_is_hidden_whatever_its_folder_is_named(tmp_path: Path) -> None:
    place = Path(tempfile.mkdtemp(prefix="cockpit-getmail-test-|", dir="/var/lib"))
    database = Database()
    database.put("n", "getmail", {"Destination": f"maildir:{place}"})
    (tmp_path / "db").write_bytes(database.format())
    try:
        [found] = sandbox.hiding_properties(Settings(connectors_db=tmp_path / "db"))
        assert found == f"TemporaryFileSystem={sandbox.quote(place, 2)}:ro"
    finally:
        place.rmdir()


@pytest.mark.parametrize(
    "destination",
    [
        *(
            "/{account}/Maildir",
            "/opt2-{account}",
            "/var/{user}",
            "/var/lib/{account}/Maildir",
            "/run/{user}",
        ),
        *("/usr/local/{user}", "/usr/mail/{user}", "/usr/lib/{account}", "/etc/{account}", "/dev/shm/{user}"),
        *(
            "/etc/ssl/{user}",
            "/etc/ssl/mail/{user}",
            "/run/systemd/x/{user}",
            "/proc/{user}",
            "/lib/x/{user}",
        ),
        str(Path(sys.prefix).parent / "{account}"),
        str(ROOT / "lib/x-{account}"),
    ],
)
@pytest.mark.usefixtures("seen")
def test_mail_that_cannot_be_hidden_is_refused(destination: str) -> None:
    settings = Settings(destination=f"maildir:{destination}")
    with pytest.raises(Problem, match="DESTINATION in a folder of its own, such as maildir:/srv") as caught:
        sandbox.require_hiding(settings)
    assert caught.value.attributes == {"cause": "settings", "setting": "DESTINATION"}


@pytest.mark.parametrize(
    "destination",
    [
        *("/var/lib/cockpit-getmail/mail/{account}", "/home/{user}/Maildir", "/home/vmail/{account}"),
        *("/srv/{account}", "/var/lib/vmail/{user}", "/var/mail/{user}", "/var/spool/x-{user}/Maildir"),
        *(
            "/usr/local/vmail/{account}",
            "/run/vmail/{account}",
            "/var/run/vmail/{account}",
            "/etc/mail/{user}",
        ),
        *("/tmp/mail/{account}", "/all/in/one", "/usr/one/Maildir"),
    ],
)
def test_mail_that_can_be_hidden_is_not_refused(destination: str) -> None:
    sandbox.require_hiding(Settings(destination=f"maildir:{destination}"))


@pytest.mark.parametrize(
    ("destination", "is_refused"),
    [
        ("maildir:/usr/lib/{account}", True),
        ("maildir:/var/lib", True),
        ("maildir:/srv/mail", False),
        ("maildir:~/{user}", False),
        ("command:/usr/lib/lda {user}", False),
        ("", False),
    ],
)
def test_destination_of_a_connector_can_be_hidden_too(destination: str, is_refused: bool) -> None:
    if is_refused:
        with pytest.raises(Problem, match="a Destination in a folder of its own") as caught:
            sandbox.require_hiding(SETTINGS, destination)
        assert caught.value.cause == "connector"
    else:
        sandbox.require_hiding(SETTINGS, destination)


def test_state_that_cannot_be_hidden_is_refused(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path / "state")
    (tmp_path / "state").symlink_to("/usr/lib")
    with pytest.raises(Problem, match="Choose a STATE_DIR") as caught:
        sandbox.require_hiding(settings)
    assert caught.value.attributes == {"cause": "settings", "setting": "STATE_DIR"}


def test_mail_is_refused_by_where_it_is_and_not_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "mail").symlink_to("/usr/lib")
    with pytest.raises(Problem, match="need /usr/lib,"):
        sandbox.require_hiding(Settings(destination=f"maildir:{tmp_path}/mail/{{account}}"))


@pytest.mark.usefixtures("seen")
def test_sandbox_that_is_missing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "UNIT_FOLDERS", (str(tmp_path),))
    with pytest.raises(Problem, match="make install"):
        sandbox.require_installation()
    (tmp_path / sandbox.DROP_IN).parent.mkdir()
    shutil.copy(ROOT / "systemd" / sandbox.DROP_IN, tmp_path / sandbox.DROP_IN)
    sandbox.require_installation()


def test_program_in_a_home_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "UNIT_FOLDERS", (str(ROOT / "systemd"),))
    monkeypatch.setattr(sandbox, "HOMES", (str(ROOT),))
    with pytest.raises(Problem, match="in a home"):
        sandbox.require_installation()


@pytest.mark.long
def test_process_without_a_sandbox_knows() -> None:
    script = (
        "import sys; sys.path[:0] = sys.argv[1:]\n"
        "from cockpit_getmail import units; print(units.is_confined())"
    )
    argv = [sys.executable, "-c", script, *(path for path in sys.path if path)]
    assert subprocess.run(argv, capture_output=True, check=True).stdout == b"False\n"
    argv = ["setpriv", "--no-new-privs", *argv]
    assert subprocess.run(argv, capture_output=True, check=True).stdout == b"True\n"


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


@pytest.mark.long
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
