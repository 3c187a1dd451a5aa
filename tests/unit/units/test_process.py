# SPDX-License-Identifier: LGPL-2.1-or-later
"""Other programs: what they are given and what is taken from them."""

import time

import pytest

from cockpit_getmail.problem import Problem
from cockpit_getmail.units.process import OUTPUT_LIMIT, run

ENOUGH = 20.0


def shell(script: str) -> list[str]:
    return ["/bin/sh", "-c", script]


def test_tells_status_output_and_errors() -> None:
    assert run(shell("echo out; echo err >&2; exit 3"), timeout=ENOUGH) == (3, b"out\n", b"err\n")


def test_passes_on_what_it_is_given() -> None:
    data = bytes(range(256)) * (1 << 13)
    assert run(["wc", "-c"], stdin=data, timeout=ENOUGH).output.strip() == str(len(data)).encode()


def test_does_not_wait_for_a_program_that_reads_nothing() -> None:
    assert run(["true"], stdin=bytes(1 << 21), timeout=ENOUGH).status == 0


def test_gives_nothing_to_read_by_default() -> None:
    assert run(["cat"], timeout=ENOUGH) == (0, b"", b"")


def test_environment_is_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY", "canary")
    monkeypatch.setenv("LD_PRELOAD", "")
    variables = {line.partition(b"=")[0] for line in run(["env"], timeout=ENOUGH).output.splitlines()}
    assert variables == {b"PATH", b"LANG"}


@pytest.mark.parametrize(
    "script",
    ["exec sleep 60", "exec >&- 2>&-; exec sleep 60", "sleep 5 & exit 0", "trap '' TERM; sleep 5; sleep 5"],
    ids=["silent", "closed", "left a child", "deaf"],
)
def test_time_is_bounded(script: str) -> None:
    begun = time.monotonic()
    assert run(shell(script), timeout=0.3).status is None
    assert time.monotonic() - begun < 3


@pytest.mark.parametrize("stream", ["1", "2"])
def test_output_is_bounded(stream: str) -> None:
    done = run(shell(f"yes canary >&{stream}"), timeout=ENOUGH)
    assert done.status is None
    assert [len(done.output), len(done.errors)][int(stream) - 1] == OUTPUT_LIMIT


def test_program_that_is_missing_is_named() -> None:
    with pytest.raises(Problem, match="no-such-program cannot be run: No such file") as caught:
        run(["no-such-program"], timeout=ENOUGH)
    assert caught.value.cause == "internal"


def test_signal_is_a_negative_status() -> None:
    assert run(shell("kill -9 $$"), timeout=ENOUGH).status == -9
