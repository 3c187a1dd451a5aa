# SPDX-License-Identifier: LGPL-2.1-or-later
"""Settings from file and environment, and a clear error for each that is wrong."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cockpit_getmail import settings
from cockpit_getmail.problem import Problem
from cockpit_getmail.settings import Settings, load

DEFAULT = Settings(
    connectors_db=Path("/var/lib/cockpit-getmail/connectors"),
    state_dir=Path("/var/lib/cockpit-getmail/state"),
    destination="maildir:/var/lib/cockpit-getmail/mail/{account}",
    fetch_user="cockpit-getmail",
    check_timeout=10.0,
)


@pytest.fixture(autouse=True)
def env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the settings file of the system would be."""
    path = tmp_path / "cockpit-getmail.env"
    monkeypatch.setattr(settings, "DEFAULT_FILE", str(path))
    return path


def problem_of(environ: dict[str, str]) -> tuple[str, str]:
    """Return the setting that load() refuses, and the sentence."""
    with pytest.raises(Problem) as caught:
        load(environ)
    assert caught.value.type == "GenericError"
    assert caught.value.cause == "settings"
    assert isinstance(caught.value.attributes, dict)
    return caught.value.attributes["setting"], caught.value.message


def test_nothing_configured() -> None:
    assert load({"PATH": "/bin", "GETMAIL_X": "y"}) == DEFAULT


def test_all_from_the_file(env_file: Path) -> None:
    env_file.write_text(
        "# where things are\n"
        "CONNECTORS_DB=/srv/db  # the database\n"
        "export STATE_DIR = '/srv/${HOME}/state'\n\n"
        'DESTINATION="maildir:/srv/mail/{domain}/{user}/Maildir"\r\n'
        "FETCH_USER=vmail\nCHECK_TIMEOUT=2.5"
    )
    assert load({"HOME": "/root"}) == Settings(
        connectors_db=Path("/srv/db"),
        state_dir=Path("/srv/${HOME}/state"),
        destination="maildir:/srv/mail/{domain}/{user}/Maildir",
        fetch_user="vmail",
        check_timeout=2.5,
    )


def test_environment_beats_the_file_and_names_another(env_file: Path, tmp_path: Path) -> None:
    env_file.write_text("FETCH_USER=a\n")
    other = tmp_path / "other.env"
    other.write_text("FETCH_USER=b\nSTATE_DIR=not-absolute\n")
    environ = {"COCKPIT_GETMAIL_ENV": str(other), "COCKPIT_GETMAIL_STATE_DIR": "/srv/state"}
    assert (load(environ).fetch_user, load(environ).state_dir) == ("b", "/srv/state")
    assert load({"COCKPIT_GETMAIL_FETCH_USER": "c"}).fetch_user == "c"
    assert load({"COCKPIT_GETMAIL_ENV": os.devnull}) == DEFAULT


def test_the_process_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COCKPIT_GETMAIL_FETCH_USER", "vmail")
    assert load().fetch_user == "vmail"


def test_what_runs_and_callbacks_may_do(env_file: Path) -> None:
    env_file.write_text("MAX_RUNS=3\nHISTORY_DAYS=7\nCALLBACK_SECRET='s3 cret'\nCALLBACK_ALLOW_PRIVATE=yes\n")
    env_file.chmod(0o600)
    found = load({})
    assert (found.max_runs, found.history_days) == (3, 7)
    assert (found.callback_secret, found.callback_allow_private) == ("s3 cret", True)


def test_where_mail_goes_and_through_what(env_file: Path) -> None:
    env_file.write_text(
        "RECIPIENT_DELIMITER=+\nLMTP_TLS=required\nLMTP_CA_FILE=/etc/ca.pem\nCOMMAND_TIMEOUT=30\n"
        "RSPAMD_URL=https://filter.example/spam\nCLAMD_SOCKET=[::1]:3310\nFILTER_TIMEOUT=5\n"
        "SPAM_REJECT=drop\nJUNK_FOLDER=Post/Müll\nENCRYPT_SECRETS=yes\nALLOW_COMMANDS=yes\n"
        "ALLOW_TUNNEL=yes\nREMOTE_TIMEOUT=30\n"
    )
    assert load({}) == Settings(
        recipient_delimiter="+",
        lmtp_tls="required",
        lmtp_ca_file="/etc/ca.pem",
        command_timeout=30.0,
        rspamd_url="https://filter.example/spam",
        clamd_socket="[::1]:3310",
        filter_timeout=5.0,
        spam_reject="drop",
        junk_folder="Post/Müll",
        encrypt_secrets=True,
        allow_commands=True,
        allow_tunnel=True,
        remote_timeout=30.0,
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(("RECIPIENT_DELIMITER", text) for text in ("++", "a", " ", "@", '"')),
        *(("LMTP_TLS", text) for text in ("", "yes", "Required")),
        ("LMTP_CA_FILE", "ca.pem"),
        *(("COMMAND_TIMEOUT", text) for text in ("0", "3601", "x")),
        *(
            ("RSPAMD_URL", text)
            for text in (
                "",
                "ftp://h",
                "http://",
                "http://u:p@h",
                "http://h/?a",
                "http://h/#a",
                "http://h/a b",
            )
        ),
        *(("CLAMD_SOCKET", text) for text in ("", "clamd.ctl", "host", "host:x", "::1:3310")),
        ("FILTER_TIMEOUT", "601"),
        *(("SPAM_REJECT", text) for text in ("", "delete")),
        *(("JUNK_FOLDER", text) for text in ("", ".", "..", "a//b", "/a", "a/", "a..b", "a" * 201)),
        ("ENCRYPT_SECRETS", "1"),
        ("ALLOW_COMMANDS", "true"),
        ("ALLOW_TUNNEL", "true"),
        *(("REMOTE_TIMEOUT", text) for text in ("", "0", "-1", "soon")),
    ],
)
def test_of_these_what_is_refused(name: str, text: str) -> None:
    assert problem_of({f"COCKPIT_GETMAIL_{name}": text})[0] == name


@pytest.mark.parametrize("name", ["MAX_RUNS", "HISTORY_DAYS"])
@pytest.mark.parametrize("text", ["", "0", "-1", "1.5", "many", "99999", "9" * 10])
def test_count_that_is_refused(name: str, text: str) -> None:
    assert problem_of({f"COCKPIT_GETMAIL_{name}": text})[0] == name


@pytest.mark.parametrize("text", ["", "YES", "true", "1"])
def test_neither_yes_nor_no(text: str) -> None:
    assert problem_of({"COCKPIT_GETMAIL_CALLBACK_ALLOW_PRIVATE": text})[0] == "CALLBACK_ALLOW_PRIVATE"


def test_secret_that_others_may_read(env_file: Path) -> None:
    setting, message = problem_of({"COCKPIT_GETMAIL_CALLBACK_SECRET": "canary-4711"})
    assert setting == "CALLBACK_SECRET"
    assert "canary" not in message
    env_file.write_text("CALLBACK_SECRET=canary-4711\n")
    for mode in (0o644, 0o640, 0o604):
        env_file.chmod(mode)
        setting, message = problem_of({})
        assert (setting, "canary" in message) == ("CALLBACK_SECRET", False)
        assert "chmod 600" in message


def test_secret_is_not_handed_on() -> None:
    kept = Settings(max_runs=3, callback_secret="canary-4711")
    assert "canary" not in json.dumps(kept.to_json())
    assert Settings.from_json(kept.to_json()) == Settings(max_runs=3)


@pytest.mark.parametrize("name", ["CONNECTORS_DB", "STATE_DIR"])
@pytest.mark.parametrize("text", ["", "db", "./db", "~/db", " /db", "/a\nb", "/a\0b"])
def test_paths_are_absolute(name: str, text: str) -> None:
    setting, message = problem_of({f"COCKPIT_GETMAIL_{name}": text})
    assert setting == name
    assert message.startswith(f"The setting {name} (environment variable COCKPIT_GETMAIL_{name}) ")


@pytest.mark.parametrize("text", ["0.001", "600", "1", "10.50"])
def test_timeouts_that_will_do(text: str) -> None:
    assert load({"COCKPIT_GETMAIL_CHECK_TIMEOUT": text}).check_timeout == float(text)


@pytest.mark.parametrize(
    "text",
    ["", "0", "0.0", "-1", "600.1", "601", "1e1", "nan", "inf", "1_0", "ten", "10s", "٣", "9" * 400],
)
def test_timeouts_that_will_not(text: str) -> None:
    setting, message = problem_of({"COCKPIT_GETMAIL_CHECK_TIMEOUT": text})
    assert setting == "CHECK_TIMEOUT"
    assert "must be a number of seconds, more than 0 and at most 600, not" in message


@pytest.mark.parametrize(
    "text",
    [
        "maildir:/srv/mail",
        "maildir:/h/{user}/m",
        "maildir:/{domain}/{account}",
        "maildir:~/Maildir",
        "lmtp:unix:/run/dovecot/lmtp",
        "lmtp:mail.example:24",
        "lmtp:[::1]:24",
        "command:/usr/libexec/dovecot/dovecot-lda -e -d {account} -m '{folder}'",
    ],
)
def test_destinations_that_will_do(text: str) -> None:
    assert load({"COCKPIT_GETMAIL_DESTINATION": text}).destination == text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "must begin with maildir:, lmtp: or command:"),
        ("/srv/mail/{account}", "must begin with maildir:, lmtp: or command:"),
        ("Maildir:/srv", 'not "Maildir"'),
        *(
            (f"lmtp:{place}", "a host and a port")
            for place in (
                "",
                "unix:",
                "unix:lmtp",
                "unix:/run/",
                "host",
                "host:0",
                "host:65536",
                "::1:24",
                "a b:24",
            )
        ),
        ("command:", "absolute path of a program"),
        ("command:dovecot-lda -d {account}", "absolute path of a program"),
        ("command:/bin/{user}", "one program for all"),
        ("command:/bin/cat '", "not closed"),
        ("command:/bin/cat {folders}", '"{folders}"'),
        ("maildir:", "absolute path"),
        ("maildir:{account}", "absolute path"),
        ("maildir:~", "absolute path"),
        ("maildir:~you/Maildir", "absolute path"),
        ("maildir://", "absolute path"),
        ("maildir:/srv/..", "absolute path"),
        ("maildir:/srv/{acount}", '"{acount}"'),
        ("maildir:/srv/{}", '"{}"'),
        ("maildir:/srv/{user", '"{"'),
        ("maildir:/srv/user}", '"}"'),
        ("maildir:/srv/{{user}}", '"{"'),
        ("maildir:/srv/{user!r}", '"{user!r}"'),
        ("maildir:/srv/\x1b", "control character"),
    ],
)
def test_destinations_that_will_not(text: str, reason: str) -> None:
    setting, message = problem_of({"COCKPIT_GETMAIL_DESTINATION": text})
    assert setting == "DESTINATION"
    assert reason in message


@pytest.mark.parametrize("text", ["vmail", "1000", "a.b-c_d", "DOM\\user", "user@example.com", "rooty"])
def test_users_that_will_do(text: str) -> None:
    assert load({"COCKPIT_GETMAIL_FETCH_USER": text}).fetch_user == text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        *((user, "must not be root") for user in ("root", "0", "00", "+0", "-0")),
        *((user, "the name of a user") for user in (" ", "a b", "-x", "a:b", "a/b", " root", "+1")),
    ],
)
def test_users_that_will_not(text: str, reason: str) -> None:
    setting, message = problem_of({"COCKPIT_GETMAIL_FETCH_USER": text})
    assert setting == "FETCH_USER"
    assert reason in message


@pytest.mark.parametrize("name", ["", "CONNECTOR_DB", "env", "connectors_db", "ENV_"])
def test_names_that_are_not_known(env_file: Path, name: str) -> None:
    environ = {f"COCKPIT_GETMAIL_{name}": "x"}
    assert problem_of(environ)[0] == name
    assert f"environment variable COCKPIT_GETMAIL_{name}) is not known" in problem_of(environ)[1]
    if name:
        env_file.write_text(f"\n\n{name}=x\n")
        setting, message = problem_of({})
        assert setting == name
        assert message.startswith(f"The setting {name} ({env_file}, line 3) is not known; the settings are ")


@pytest.mark.parametrize(
    ("line", "setting", "reason"),
    [
        ("STATE_DIR='/srv/state", "STATE_DIR", "line 3 is not of the form NAME=value."),
        ("STATE_DIR=/srv/state\nSTATE_DIR", "STATE_DIR", "line 4) has no value"),
        ("=/srv/state", "COCKPIT_GETMAIL_ENV", "line 3 is not of the form NAME=value."),
        ("STATE DIR=/srv", "COCKPIT_GETMAIL_ENV", "line 3 is not of the form NAME=value."),
        ("STATE_DIR=", "STATE_DIR", "line 3) must be an absolute path"),
        ("STATE_DIR=state", "STATE_DIR", 'line 3) must be an absolute path, not "state".'),
        ("ENV=/srv/other.env", "ENV", "line 3) is not known"),
        ("COCKPIT_GETMAIL_STATE_DIR=/srv", "COCKPIT_GETMAIL_STATE_DIR", "line 3) is not known"),
    ],
)
def test_lines_that_will_not(env_file: Path, line: str, setting: str, reason: str) -> None:
    env_file.write_text(f"# note\n\n{line}\nFETCH_USER=vmail\n")
    refused, message = problem_of({})
    assert refused == setting
    assert str(env_file) in message
    assert reason in message


@pytest.mark.parametrize("name", ["", "/nowhere/cockpit-getmail.env"])
def test_a_file_that_is_named_must_be_there(name: str) -> None:
    setting, message = problem_of({"COCKPIT_GETMAIL_ENV": name})
    assert setting == "COCKPIT_GETMAIL_ENV"
    assert message == f'COCKPIT_GETMAIL_ENV names the settings file "{name}", which does not exist.'


def test_a_file_that_cannot_be_read(env_file: Path, tmp_path: Path) -> None:
    setting, message = problem_of({"COCKPIT_GETMAIL_ENV": str(tmp_path)})
    assert (setting, message) == (
        "COCKPIT_GETMAIL_ENV",
        f"The settings file {tmp_path} cannot be read: Is a directory.",
    )
    env_file.write_bytes(b"STATE_DIR=/\xff\n")
    assert problem_of({})[1] == f"The settings file {env_file} cannot be read: it is not UTF-8 text."


def test_json_and_back() -> None:
    data = json.loads(json.dumps(DEFAULT.to_json()))
    assert data["state_dir"] == "/var/lib/cockpit-getmail/state"
    assert Settings.from_json(data) == DEFAULT


@pytest.mark.long
def test_dotenv_is_imported_only_for_a_file(env_file: Path) -> None:
    code = (
        "import sys; from cockpit_getmail import settings;"
        "settings.DEFAULT_FILE = sys.argv[1]; settings.load({}); print('dotenv' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(env_file)]
    environ = {"PYTHONPATH": str(Path(settings.__file__).parents[1])}

    def run() -> str:
        return subprocess.run(command, env=environ, check=True, stdout=subprocess.PIPE, text=True).stdout

    assert run() == "False\n"
    env_file.touch()
    assert run() == "True\n"
