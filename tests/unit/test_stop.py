# SPDX-License-Identifier: LGPL-2.1-or-later
"""Ending at a signal, in processes of their own."""

import signal
import subprocess
import sys

import pytest

from cockpit_getmail.stop import Stop

HEAD = """
import os, signal, sys, time
from cockpit_getmail import stop
from cockpit_getmail.stop import Stop, Stopped
watched = Stop()
watched.watch()
me = os.getpid()
def kill(number=signal.SIGTERM):
    os.kill(me, number)
"""


def run(code: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", HEAD + code], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.split()


@pytest.mark.long
@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_signal_ends_at_once(number: str) -> None:
    code = f"try:\n kill(signal.{number})\n print('not')\nexcept Stopped as stopped:\n print(stopped.number)"
    assert run(code) == [str(int(getattr(signal, number)))]


@pytest.mark.long
def test_first_signal_waits_for_the_check() -> None:
    code = """
try:
    with watched.after_message():
        kill()
        print("goes-on")
        watched.check()
        print("not")
except Stopped as stopped:
    print(stopped.number)
"""
    assert run(code) == ["goes-on", "15"]


@pytest.mark.long
def test_first_signal_waits_for_the_end_of_the_block() -> None:
    code = """
try:
    with watched.after_message():
        kill()
        raise ValueError("whatever")
except Stopped as stopped:
    print(stopped.number)
"""
    assert run(code) == ["15"]


@pytest.mark.long
def test_nothing_is_raised_behind_the_shield() -> None:
    code = """
stop.GRACE_SECONDS = 0.01
try:
    with watched.shielded():
        kill()
        kill(signal.SIGINT)
        time.sleep(0.1)
        print("goes-on")
    print("not")
except Stopped as stopped:
    print(stopped.number)
"""
    assert run(code) == ["goes-on", "15"]


@pytest.mark.long
def test_blocks_in_blocks() -> None:
    code = """
try:
    with watched.shielded():
        try:
            with watched.at_once():
                with watched.after_message():
                    with watched.shielded():
                        kill()
                        print("a")
                    print("b")
                print("not")
        finally:
            print("c")
            try:
                with watched.at_once():
                    print("not")
            except Stopped:
                print("d")
    print("not")
except Stopped as stopped:
    print(stopped.number)
"""
    assert run(code) == ["a", "b", "c", "d", "15"]


@pytest.mark.long
def test_second_signal_does_not_wait() -> None:
    code = """
try:
    with watched.after_message():
        kill()
        kill(signal.SIGINT)
        print("not")
except Stopped as stopped:
    print(stopped.number)
"""
    # The block ends with what was asked first.
    assert run(code) == ["15"]


@pytest.mark.long
def test_patience_has_an_end() -> None:
    code = """
stop.GRACE_SECONDS = 0.05
try:
    with watched.after_message():
        kill()
        time.sleep(30)
        print("not")
except Stopped as stopped:
    print(stopped.number)
"""
    assert run(code) == ["15"]


@pytest.mark.long
def test_what_is_ignored_stays_so() -> None:
    code = "signal.signal(signal.SIGHUP, signal.SIG_IGN)\nStop().watch()\nkill(signal.SIGHUP)\nprint('on')"
    assert run(code) == ["on"]


def test_without_a_watch_nobody_asks() -> None:
    stop = Stop()
    for block in (stop.at_once, stop.after_message, stop.shielded):
        with block():
            stop.check()
    stop.check()
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
