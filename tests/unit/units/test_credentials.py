# SPDX-License-Identifier: LGPL-2.1-or-later
"""Credentials: what is written for systemd to load, and read again in the unit."""

import os
import shutil
import stat
import time
from pathlib import Path

import pytest

from cockpit_getmail import callbacks
from cockpit_getmail.connector import Connector
from cockpit_getmail.problem import Problem, failure
from cockpit_getmail.settings import Settings
from cockpit_getmail.units import credentials, inside, place

SETTINGS = Settings(Path("/db"), Path("/var/lib/state"), "maildir:/srv/{account}", "fetcher", 2.5)
TOKEN = "0123456789abcdef" * 2
PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the files for systemd are."""
    folder = tmp_path / "run"
    monkeypatch.setattr(place, "RUN_FOLDER", folder)
    return folder


def make(password: str = "canary", **props: str) -> Connector:
    return Connector("me@mail.example", {"Server": "mail.example", **props}, {"Password": password})


def hand_over(
    connector: Connector, to: Path, monkeypatch: pytest.MonkeyPatch, problem: Problem | None = None
) -> None:
    """Do what systemd does with LoadCredential=."""
    to.mkdir()
    with credentials.written(connector, SETTINGS, TOKEN, forgive=True, problem=problem) as files:
        for name, path in files.items():
            shutil.copy(path, to / name)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(to))


@pytest.mark.parametrize(
    "password",
    ["canary", "", " both ends ", "a|b\\=%\"'é😀", "line\n", "x" * 200, "\x00\x01", "\ud800"],
)
def test_connector_and_settings_arrive(
    password: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connector = make(password, Account="é@h", Note="50% | more")
    hand_over(connector, tmp_path / "unit", monkeypatch)
    assert inside.read_credentials() == inside.Order(connector, SETTINGS, None, TOKEN, forgive=True)


def test_problem_and_access_token_arrive(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connector = Connector("n", {"Server": "s", "AccessTokenExpires": "5"}, {"AccessToken": "canary"})
    told = failure("credentials", "No token.", hint="Sign in.")
    hand_over(connector, tmp_path / "unit", monkeypatch, told)
    order = inside.read_credentials()
    assert order.connector == connector
    assert order.problem
    found = (order.problem.type, order.problem.message, order.problem.attributes)
    assert found == (told.type, told.message, told.attributes)


def test_where_callbacks_go_is_no_business_of_a_run(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    urls = dict.fromkeys(callbacks.PROPS.values(), "https://h.example/canary")
    hand_over(make(Account="a", **urls), tmp_path / "unit", monkeypatch)
    assert inside.read_credentials().connector == make(Account="a")


def test_connector_without_a_secret_arrives(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connector = Connector("n", {"Server": "s"}, {})
    hand_over(connector, tmp_path / "unit", monkeypatch)
    assert inside.read_credentials() == inside.Order(connector, SETTINGS, None, TOKEN, forgive=True)


def test_certificate_authority_arrives(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ca.pem").write_bytes(b"Autorit\xe9 priv\xc3\xa9e\n" + PEM.encode())
    hand_over(make(CAFile=str(tmp_path / "ca.pem")), tmp_path / "unit", monkeypatch)
    ca_pem = inside.read_credentials().ca_pem
    assert ca_pem
    assert ca_pem.endswith(PEM)
    assert ca_pem.isascii()


def test_each_secret_is_in_a_file_of_its_own(folder: Path) -> None:
    with credentials.written(make(), SETTINGS) as files:
        assert files["Password"].read_bytes() == b"canary"
        assert b"canary" not in files["connector"].read_bytes()


def test_files_are_for_their_owner_alone(folder: Path) -> None:
    previous = os.umask(0)
    try:
        with credentials.written(make(), SETTINGS) as files:
            assert {stat.S_IMODE(path.stat().st_mode) for path in files.values()} == {0o600}
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    finally:
        os.umask(previous)


def test_names_are_not_used_twice(folder: Path) -> None:
    with credentials.written(make(), SETTINGS) as one, credentials.written(make(), SETTINGS) as other:
        assert not {*one.values()} & {*other.values()}


def test_files_are_gone_afterwards(folder: Path) -> None:
    with credentials.written(make(), SETTINGS):
        assert list(folder.iterdir())
    assert not list(folder.iterdir())


def test_files_are_gone_after_a_failure(folder: Path) -> None:
    with pytest.raises(RuntimeError), credentials.written(make(), SETTINGS):
        raise RuntimeError
    assert not list(folder.iterdir())


def test_leftovers_of_killed_helpers_are_removed(folder: Path) -> None:
    with credentials.written(make(), SETTINGS) as files:
        content = files["Password"].read_bytes()
    old, new, lock = folder / "old.credential", folder / "new.credential", folder / "lock"
    for path in (old, new, lock):
        path.write_bytes(content)
    long_ago = time.time() - 2 * credentials.LEFTOVER_SECONDS
    for path in (old, lock):
        os.utime(path, (long_ago, long_ago))
    with credentials.written(make(), SETTINGS):
        pass
    assert sorted(folder.iterdir()) == [lock, new]


def test_folder_that_others_may_enter_is_refused(folder: Path) -> None:
    folder.mkdir(mode=0o755)
    with pytest.raises(Problem, match="0700") as caught, credentials.written(make(), SETTINGS):
        pass
    assert caught.value.cause == "internal"


def test_folder_that_is_a_link_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Problem, match="0700"), credentials.written(make(), SETTINGS):
        pass
    assert not list((tmp_path / "elsewhere").iterdir())


def test_too_much_for_systemd_is_refused(folder: Path) -> None:
    with pytest.raises(Problem, match="too large") as caught:
        credentials.written(make("x" * credentials.TOTAL_LIMIT), SETTINGS).__enter__()
    assert caught.value.cause == "connector"


def test_outside_a_unit_there_is_nothing_to_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    with pytest.raises(Problem, match="--unit"):
        inside.read_credentials()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    with pytest.raises(Problem, match="--unit"):
        inside.read_credentials()


# CAFile


def read_ca(path: Path | str) -> Problem:
    with pytest.raises(Problem) as caught:
        credentials.read_ca(make(CAFile=str(path)))
    assert caught.value.cause == "connector"
    assert isinstance(caught.value.attributes, dict)
    assert caught.value.attributes["parameter"] == "CAFile"
    return caught.value


def test_no_ca_file() -> None:
    assert credentials.read_ca(make()) is None
    assert credentials.read_ca(make(CAFile="")) is None


def test_ca_file_that_is_missing(tmp_path: Path) -> None:
    assert "No such file" in read_ca(tmp_path / "none").message


def test_ca_file_that_is_a_folder(tmp_path: Path) -> None:
    assert "Is a directory" in read_ca(tmp_path).message


def test_ca_file_that_is_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "not a regular file" in read_ca(tmp_path / "pipe").message


def test_ca_file_that_is_a_device() -> None:
    assert "not a regular file" in read_ca("/dev/zero").message


def test_ca_file_with_a_null_character() -> None:
    assert "CAFile" in read_ca("/etc/\x00").message


def test_ca_file_that_is_too_large(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(bytes(credentials.CA_LIMIT + 1))
    assert "512 KiB" in read_ca(tmp_path / "large").message


@pytest.mark.parametrize("kind", ["CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"])
def test_nothing_but_certificates_is_taken_from_a_ca_file(tmp_path: Path, kind: str) -> None:
    block = f"-----BEGIN {kind}-----\nMIIB+/==\n-----END {kind}-----\n"
    key = "-----BEGIN PRIVATE KEY-----\nsecret\n-----END PRIVATE KEY-----\n"
    cut = f"-----BEGIN {kind}-----\nMIIB\n"
    (tmp_path / "ca.pem").write_text(f"comment\n{block}{key}{cut}{key}{block}password=secret\n")
    assert credentials.read_ca(make(CAFile=str(tmp_path / "ca.pem"))) == block * 2


@pytest.mark.parametrize("content", ["", "root:*:1::::::\n", "-----BEGIN CERTIFICATE-----\nMIIB\n"])
def test_ca_file_without_a_certificate(tmp_path: Path, content: str) -> None:
    (tmp_path / "shadow").write_text(content)
    assert "no certificate" in read_ca(tmp_path / "shadow").message


# Sealed secrets

BLOB = "QUFB" * 40


def test_sealed_secret_stays_so_on_its_way(folder: Path) -> None:
    connector = Connector("n", {"Server": "s"}, {"RefreshToken": "canary"}, {"Password": BLOB})
    with credentials.written(connector, SETTINGS) as files:
        assert files["Password"].read_text() == BLOB
        assert BLOB not in files["connector"].read_text()
        assert {stat.S_IMODE(path.stat().st_mode) for path in files.values()} == {0o600}
        ways = dict(line.partition(":")[0].split("=") for line in credentials.loading(files))
    assert ways == {"LoadCredentialEncrypted": "Password", "LoadCredential": "RefreshToken"}
    assert not list(folder.iterdir())


def test_what_systemd_opened_arrives(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connector = Connector("n", {"Server": "s"}, {}, {"Password": "canary"})
    hand_over(connector, tmp_path / "unit", monkeypatch)
    assert inside.read_credentials().connector == Connector("n", {"Server": "s"}, {"Password": "canary"})


def test_secrets_alone_are_handed_over(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = {"Password": "é\n", "ClientSecret": ""}
    connector = Connector("n", {"Server": "s"}, secrets, {"RefreshToken": BLOB})
    unit = tmp_path / "unit"
    unit.mkdir()
    with credentials.secrets_written(connector) as files:
        assert files.keys() == {"Password", "RefreshToken"}
        for name, path in files.items():
            shutil.copy(path, unit / name)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(unit))
    assert inside.read_secrets(files) == {"Password": "é\n", "RefreshToken": BLOB}
    assert inside.read_secrets([]) == {}
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    with pytest.raises(Problem, match="cannot be read"):
        inside.read_secrets(files)


def test_nothing_is_written_for_no_secrets(folder: Path) -> None:
    with credentials.secrets_written(Connector("n", {"Server": "s"})) as files:
        assert files == {}
    assert not folder.exists()


def test_leftovers_of_sealed_ones_are_removed_too(folder: Path) -> None:
    connector = Connector("n", {}, {}, {"Password": BLOB})
    with credentials.secrets_written(connector) as files:
        left = folder / f"old{''.join(files['Password'].suffixes)}"
    left.touch()
    os.utime(left, (0, 0))
    with credentials.secrets_written(connector):
        assert not left.exists()


def test_too_much_that_is_sealed_is_refused(folder: Path) -> None:
    connector = Connector("n", {}, {}, {"Password": "x" * credentials.TOTAL_LIMIT})
    with pytest.raises(Problem, match="too large"):
        credentials.written(connector, SETTINGS).__enter__()
