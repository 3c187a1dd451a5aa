# SPDX-License-Identifier: LGPL-2.1-or-later
"""How a helper ends that is stopped, that nobody listens to, or that has a bug."""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import time

import pytest

from tests.api.conftest import CONNECTOR, ENOUGH, ROOT, Api, parse_answer
from tests.support.schemas import check_schema

CREATE = json.dumps({**CONNECTOR, "Password": "kanari-4711"}).encode()


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signal_ends_it_in_silence_and_nothing_is_left(api: Api, number: signal.Signals) -> None:
    """While it waits for another writer: it has the lock file open, and all it needs to go on."""
    lock = api.db.with_name(api.db.name + ".lock")
    with open(lock, "wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if api.user:
            os.chown(lock, api.user.pw_uid, api.user.pw_gid)
        argv = api.argv(ROOT / "api" / "create")
        pipe = subprocess.PIPE
        with subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe, env=api.environment) as process:
            assert process.stdin
            process.stdin.write(CREATE)
            process.stdin.close()
            wait_until_it_has(process.pid, str(lock))
            process.send_signal(number)
            assert process.wait(ENOUGH) == 128 + number
            assert process.stdout
            assert process.stderr
            assert (process.stdout.read(), process.stderr.read()) == (b"", b"")
    assert [path.name for path in api.folder.iterdir()] == [lock.name]
    api.create()


@pytest.mark.long
def test_reader_that_is_gone(api: Api) -> None:
    """What was asked for is done; that it could not be told is no success."""
    read_end, write_end = os.pipe()
    os.close(read_end)
    try:
        done = subprocess.run(
            api.argv(ROOT / "api" / "create"),
            input=CREATE,
            stdout=write_end,
            stderr=subprocess.PIPE,
            env=api.environment,
            check=False,
            timeout=ENOUGH,
        )
    finally:
        os.close(write_end)
    assert (done.returncode, done.stderr) == (1, b"")
    assert len(api.connectors()["admin"]) == 1


@pytest.mark.long
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_database_never_becomes_a_standard_stream(api: Api, closed: str) -> None:
    api.create()
    *prefix, program = api.argv(ROOT / "api" / "create")
    argv = [*prefix, "sh", "-c", f'exec "$0" {closed}', program]
    subprocess.run(argv, input=CREATE, env=api.environment, capture_output=True, check=False, timeout=ENOUGH)
    assert len(api.connectors()["admin"]) == (1 if "<" in closed else 2)


@pytest.mark.long
def test_bug_is_answered_without_a_secret(api: Api) -> None:
    """Here a checkout without its packages, and an input that has to be explained."""
    for name in ("api", "schemas", "lib"):
        shutil.copytree(ROOT / name, api.folder / "checkout" / name, symlinks=True)
    done = subprocess.run(
        api.argv(api.folder / "checkout" / "api" / "create"),
        input=CREATE.replace(b"SimpleIMAPRetriever", b"x"),
        env=api.environment,
        capture_output=True,
        check=False,
        timeout=ENOUGH,
    )
    answer = parse_answer(done)
    check_schema("problem.json", answer)
    assert (done.returncode, answer["type"]) == (1, "InternalError")
    assert "make build" in answer["message"]
    assert b"schema.py" in done.stderr
    assert b"kanari" not in done.stdout + done.stderr
    assert not api.db.exists()


def wait_until_it_has(pid: int, path: str) -> None:
    """Wait until a process has a file open."""
    deadline = time.monotonic() + ENOUGH
    while path not in find_open_files(pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def find_open_files(pid: int) -> list[str]:
    folder = f"/proc/{pid}/fd"
    found = []
    for name in os.listdir(folder):
        try:
            found.append(os.readlink(f"{folder}/{name}"))
        except FileNotFoundError:
            continue
    return found
