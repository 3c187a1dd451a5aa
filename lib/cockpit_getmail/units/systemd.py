# SPDX-License-Identifier: LGPL-2.1-or-later
"""Transient units. What is the same for all of them stands in systemd/cockpit-getmail-.service.d."""

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from cockpit_getmail.connector import UNIT_PREFIX, Connector, unit_name
from cockpit_getmail.problem import Problem, failure, printable
from cockpit_getmail.settings import Settings
from cockpit_getmail.units import credentials
from cockpit_getmail.units.place import Place, prepare
from cockpit_getmail.units.process import OUTPUT_LIMIT, Finished, run
from cockpit_getmail.units.sandbox import (
    STATE_ROOT,
    hiding_properties,
    program,
    quote,
    require_installation,
)

BOOTED = Path("/run/systemd/system")
START_SECONDS = 30.0
STOP_SECONDS = 45.0
ASK_SECONDS = 10.0
TRIES = 20
TRY_AGAIN_SECONDS = 0.1
LISTING_LIMIT = 4 << 20
TASK_FIELD = "COCKPIT_GETMAIL_TOKEN"
"""The field by which a unit, and each line it logs, tells whose task it is."""
_RUNNING_STATES = "--state=activating,active,deactivating,reloading"


def start_run(
    connector: Connector,
    settings: Settings,
    token: str,
    *,
    forgive: bool = False,
    problem: Problem | None = None,
    baseline: bool = False,
) -> tuple[str, bool]:
    """Start a run of a connector; return its unit without `.service`, and whether it was running already.

    The run is told its `token`, whether to `forgive` the failures before it, why it cannot log in, and
    whether it is a `baseline`.
    Raises Problem: cause internal without root or systemd; settings, connector or delivery as it may be.
    """
    unit = unit_name(connector.name)
    command = "baseline --foreground" if baseline else "fetch"
    foreground = f"run it in the foreground: cockpit-getmail {command} {shell_word(connector.name)}"
    require_units(foreground)
    state = state_directory(settings)
    place = prepare(connector, settings)
    with credentials.written(
        connector, settings, token, forgive=forgive, problem=problem, baseline=baseline
    ) as files:
        fixed = [f"LogExtraFields={TASK_FIELD}={token}", *hiding_properties(settings, place)]
        properties = [*run_properties(place, state, files), *fixed]
        argv = start_argv(unit, f"Mail of {printable(connector.name)}", properties, "fetch")
        return unit, start(unit, argv, foreground)


def require_units(foreground: str) -> None:
    """Raise Problem (internal) where no unit can be started; `foreground` says what to do instead."""
    if not is_available():
        raise failure("internal", f"There is no systemd here to start a unit. Without it, {foreground}")
    if os.geteuid() != 0:
        raise failure("internal", f"Starting a unit takes root. As another user, {foreground}")
    require_installation()


def is_available() -> bool:
    """Whether systemd is this machine's init (sd_booted(3))."""
    return BOOTED.is_dir()


def is_running(unit: str) -> bool:
    """Whether a unit (without `.service`) is starting, running or stopping. Raises Problem (internal)."""
    argv = ["systemctl", "show", "--property=ActiveState", "--value", "--", f"{unit}.service"]
    return _ask(argv).strip() not in ("inactive", "failed")


def find_token(unit: str) -> str | None:
    """Return the token of the task a unit (without `.service`) is at. Raises Problem (internal).

    None if it does not run. Empty if it was not started with a token.
    """
    argv = ["systemctl", "show", "--property=ActiveState,LogExtraFields", "--", f"{unit}.service"]
    found = dict(line.partition("=")[::2] for line in _ask(argv).splitlines())
    if found.get("ActiveState") in ("inactive", "failed"):
        return None
    name, _, token = found.get("LogExtraFields", "").partition("=")
    return token if name == TASK_FIELD else ""


def running() -> set[str]:
    """Return the units (without `.service`) of all runs, checks and other tasks that have not ended.

    They are named as connector.unit_name() has it; there are none without systemd. Raises Problem (internal).
    """
    if not is_available():
        return set()
    shown = ("--plain", "--no-legend", "--full", "--all", "--type=service", _RUNNING_STATES)
    lines = _ask(["systemctl", "list-units", *shown, f"{UNIT_PREFIX}*"], LISTING_LIMIT).splitlines()
    return {line.split(maxsplit=1)[0].removesuffix(".service") for line in lines}


def stop(unit: str) -> None:
    """Stop a unit (without `.service`) and wait for its end. The next run goes on from there."""
    done = run(["systemctl", "stop", "--", f"{unit}.service"], timeout=STOP_SECONDS)
    if done.status != 0 and is_running(unit):
        raise failure("internal", f"{unit} could not be stopped: {reason(done, 0)}")


def cancel(unit: str) -> None:
    """Ask a unit (without `.service`) to end, and do not wait for it. Raises Problem (internal)."""
    done = run(["systemctl", "stop", "--no-block", "--", f"{unit}.service"], timeout=ASK_SECONDS)
    if done.status != 0:
        raise failure("internal", f"{unit} could not be asked to end: {reason(done, 0)}", unit=unit)


def run_to_answer(
    unit: str,
    description: str,
    properties: Sequence[str],
    command: str,
    request: bytes,
    *,
    timeout: float,
    output_limit: int = OUTPUT_LIMIT,
) -> Finished:
    """Run `cockpit-getmail COMMAND --unit` in a unit to its end, `request` on its stdin.

    Raises Problem (internal) for more output than allowed.
    """
    argv = start_argv(unit, description, properties, command, "--pipe", "--wait")
    done = run(argv, stdin=request, timeout=timeout, output_limit=output_limit)
    if done.status is None:
        kill(unit)
    if output_limit in (len(done.output), len(done.errors)):
        raise failure("internal", "It was stopped: its answer had no end.")
    return done


def start_argv(
    unit: str, description: str, properties: Sequence[str], command: str, *options: str
) -> list[str]:
    """Return the systemd-run that starts `cockpit-getmail COMMAND --unit` as a transient unit.

    With Type=exec it returns once the credentials are read and the program runs. CollectMode, as a failed
    unit would keep its name.
    """
    common = ("Type=exec", "CollectMode=inactive-or-failed", "KillMode=mixed")
    return [
        "systemd-run",
        "--quiet",
        "--no-ask-password",
        *options,
        f"--unit={unit}.service",
        f"--description={description}",
        *(f"--property={setting}" for setting in (*common, *properties)),
        "--",
        *program(),
        command,
        "--unit",
    ]


def run_properties(place: Place, state: Path, files: Mapping[str, Path]) -> list[str]:
    """Return the properties of a unit that works in a place, beside what the drop-in has for all."""
    properties = [
        f"User={place.user}",
        f"StateDirectory={quote(state / os.path.basename(place.state_folder), 2)}",
        "StateDirectoryMode=0700",
        *credentials.loading(files),
    ]
    if place.maildir:
        properties.append(f"BindPaths={quote(place.maildir, 1)}")
    return properties


def state_directory(settings: Settings) -> Path:
    """Return STATE_DIR as StateDirectory= has it. Raises Problem (cause settings) if it cannot be there."""
    folder = Path(settings.state_dir)
    if not folder.is_relative_to(STATE_ROOT) or folder == STATE_ROOT or ".." in folder.parts:
        message = f"STATE_DIR must be below {STATE_ROOT} for units to use it, not {printable(str(folder))}."
        raise failure("settings", message, setting="STATE_DIR")
    return folder.relative_to(STATE_ROOT)


def _ask(argv: Sequence[str], limit: int = OUTPUT_LIMIT) -> str:
    done = run(argv, timeout=ASK_SECONDS, output_limit=limit)
    if done.status != 0:
        raise failure("internal", f"systemd does not answer: {reason(done, 0)}")
    return done.output.decode("utf-8", "replace")


def start(unit: str, argv: Sequence[str], foreground: str) -> bool:
    """Start a unit and return False, or True if it is running already.

    Raises Problem (internal), which says what to do in the `foreground` instead.
    """
    try:
        return _start(unit, argv)
    except Problem as problem:
        raise failure("internal", f"{problem.message} Meanwhile, {foreground}", unit=unit) from problem


def _start(unit: str, argv: Sequence[str]) -> bool:
    """Start a unit and return False, or True if it is running already. Raises Problem (internal).

    It is tried first and asked about then: what is asked first can be wrong by the time of the try.
    """
    for _ in range(TRIES):
        done = run(argv, timeout=START_SECONDS)
        if done.status == 0:
            return False
        if is_running(unit):
            return True
        if b"already loaded" not in done.errors:
            break
        # It has just ended.
        time.sleep(TRY_AGAIN_SECONDS)
    message = f"The unit could not be started. {reason(done, 0)} See journalctl -u '{unit}'."
    raise failure("internal", message)


def kill(unit: str) -> None:
    """End a unit (without `.service`) at once, and do not wait for it."""
    name = f"{unit}.service"
    run(["systemctl", "kill", "--signal=KILL", "--", name], timeout=ASK_SECONDS)
    run(["systemctl", "stop", "--no-block", "--", name], timeout=ASK_SECONDS)


def reason(done: Finished, line: int) -> str:
    """Return a line of what a program complained of, as a sentence."""
    lines = done.errors.strip().splitlines()
    if not lines:
        return "It took too long." if done.status is None else "It gave no reason."
    return printable(lines[line]).rstrip(".") + "."


def shell_word(text: str) -> str:
    """Return a name as a shell takes it for an argument."""
    from shlex import quote as shell_quote

    return ("-- " if text.startswith("-") else "") + shell_quote(printable(text))
