# SPDX-License-Identifier: LGPL-2.1-or-later
"""`cockpit-getmail` for people, and for the units that `execute` and `read` start."""

import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from cockpit_getmail.problem import Problem, failure, sentence
from cockpit_getmail.stop import SIGNALS, Stop, Stopped
from cockpit_getmail.words import Cause

if TYPE_CHECKING:
    from argparse import Namespace

    from cockpit_getmail.connector import Connector
    from cockpit_getmail.settings import Settings
    from cockpit_getmail.units.inside import Order

SUCCESS, WRONG_USE, SOME_FAILED, BUG = 0, 64, 65, 70
STATUSES: Mapping[Cause, int] = {
    "credentials": 77,
    "network": 69,
    "tls": 76,
    "protocol": 76,
    "mailbox": 66,
    "delivery": 73,
    "quota": 73,
    "filter": 73,
    "running": 75,
    "settings": 78,
    "connector": 78,
    "policy": 78,
    "internal": BUG,
}
"""Exit status by cause, after sysexits.h."""
LEAST_CHECK_SECONDS = 0.1
CHECK_GRACE_SECONDS = 1.0


_STOP = Stop()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return its exit status."""
    try:
        return _run_command(sys.argv[1:] if arguments is None else arguments)
    except Problem as problem:
        _complain(sentence(problem))
        return STATUSES[problem.cause]
    except Exception as error:
        import traceback

        # Where, but not what was said: that might hold a secret.
        trace = "".join(traceback.format_tb(error.__traceback__))
        _complain(f"this is a bug: {type(error).__name__}\n{trace.rstrip()}")
        return BUG


def entry() -> int:
    """The console script: return the status of main(), or end as a signal asked to."""
    _STOP.watch()
    try:
        return main()
    except Stopped as stopped:
        # Ended by the signal itself, a unit counts as stopped and not as failed.
        signal.signal(stopped.number, signal.SIG_DFL)
        os.kill(os.getpid(), stopped.number)
        return 128 + stopped.number


def _run_command(arguments: Sequence[str]) -> int:
    match arguments:
        case ["fetch", "--unit"]:
            return _fetch_unit()
        case ["fetch", "--child"]:
            return _fetch_child()
        case ["check", "--unit"]:
            return _check_unit()
        case ["verify", "--unit"]:
            return _verify_unit()
        case ["verify", "--child"]:
            return _verify_child()
        case ["ask", "--unit"]:
            return _answer_unit()
        case ["ask", "--child"]:
            return _answer_child()
        case ["imap", "--unit"]:
            return _relay_unit()
        case ["callback", "--unit"]:
            return _send_callbacks()
        case ["token", "--unit"]:
            return _ask_provider()
        case ["authorize", "--unit", prefix]:
            return _wait_for_sign_in(prefix)
        case ["schedule"]:
            return _work_off_schedule()
        case ["fetch", name] if not name.startswith("-"):
            return _fetch(name)
    return _run_for_people(arguments)


def _run_for_people(arguments: Sequence[str]) -> int:
    from cockpit_getmail import command, usage

    options = usage.parse(arguments)
    match options.command:
        case "fetch":
            return _fetch(options.name)
        case "schedule":
            return _work_off_schedule()
        case "imap":
            return _relay(options)
        case "baseline" if options.foreground:
            return _baseline_in_foreground(options)
        case "verify" if options.foreground:
            return _verify_in_foreground(options)
    return command.run(options, STATUSES)


def _fetch(name: str) -> int:
    """Fetch in the foreground; root has it done as the user that the unit would have."""
    from cockpit_getmail import database, settings
    from cockpit_getmail.actions import require_runnable

    found = settings.load()
    return _run_in_foreground(require_runnable(database.read(found.connectors_db), name), found)


def _baseline_in_foreground(options: "Namespace") -> int:
    """Mark all as seen without systemd, after a question to a person; likewise."""
    from cockpit_getmail import settings
    from cockpit_getmail.client import Client
    from cockpit_getmail.command import tasks
    from cockpit_getmail.command.session import Session

    found = settings.load()
    connector = _find_connector(options, found)
    if not tasks.agrees_to_baseline(Session(options, Client())):
        return SUCCESS
    return _run_in_foreground(connector, found, baseline=True)


def _find_connector(options: "Namespace", found: "Settings") -> "Connector":
    """Return the connector that a person names. Raises Problem (NotFound, Conflict, NotValid)."""
    from cockpit_getmail import database
    from cockpit_getmail.actions import require_connector, require_valid

    content = database.read(found.connectors_db)
    named = {"name": options.name, "account": options.of}
    return require_valid(content, require_connector(content, named).key)


def _run_in_foreground(connector: "Connector", found: "Settings", *, baseline: bool = False) -> int:
    from cockpit_getmail import login, units
    from cockpit_getmail.launch import is_forgiven
    from cockpit_getmail.units.inside import Order

    ca_pem = units.read_ca(connector) if connector.props.get("CAFile") else None
    place = units.prepare(connector, found, foreground=True)
    forgive = is_forgiven(connector.name, found)
    connector, problem = login.resolve_in_clear(connector, found)
    order = Order(connector, found, ca_pem, "", forgive, problem, baseline)
    if os.geteuid() == 0:
        return _end_as(units.run_as_user(place, order, SIGNALS))
    return _run(order, place.state_folder)


def _work_off_schedule() -> int:
    """Start what is due, for cockpit-getmail.timer."""
    from cockpit_getmail import report, scheduler, settings

    return scheduler.run_due(settings.load(), report.Lines(sys.stdout))


def _fetch_child() -> int:
    """Fetch as the user that root wants it done by."""
    from cockpit_getmail import units

    _refuse_root()
    return _run(*units.read_request(sys.stdin.buffer.read()))


def _verify_in_foreground(options: "Namespace") -> int:
    """Verify without systemd; root has it done as the user that fetches."""
    from cockpit_getmail import settings, units
    from cockpit_getmail.units.inside import Order

    found = settings.load()
    connector = units.without_secrets(_find_connector(options, found))
    place = units.locate(connector, found, foreground=True)
    if not os.path.isdir(place.state_folder):
        raise failure("connector", "It never fetched anything: there is nothing to verify.", kind="Conflict")
    if os.geteuid() == 0:
        return _end_as(units.run_as_user(place, Order(connector, found, None), SIGNALS, "verify"))
    return _verify(connector, found, place.state_folder)


def _verify_child() -> int:
    """Verify as the user that root wants it done by."""
    from cockpit_getmail import units

    _refuse_root()
    order, state_folder = units.read_request(sys.stdin.buffer.read())
    return _verify(order.connector, order.settings, state_folder)


def _end_as(status: int) -> int:
    """Return a child's exit status, or end by the signal that stopped it; others are told as a shell does."""
    if -status in SIGNALS:
        raise Stopped(-status)
    return status if status >= 0 else 128 - status


def _fetch_unit() -> int:
    """Fetch in a unit, with nothing but what it was handed."""
    # What is asked for before it begins is recorded, too.
    with _STOP.shielded():
        return _run(*_read_order())


def _verify_unit() -> int:
    """Verify in a unit, likewise."""
    with _STOP.shielded():
        order, folder = _read_order()
        return _verify(order.connector, order.settings, folder, order.token)


def _read_order() -> "tuple[Order, str]":
    """Return what this unit was handed, and its state folder."""
    from cockpit_getmail import units

    _require_sandbox()
    order = units.read_credentials()
    folder = os.environ.get("STATE_DIRECTORY", "")
    if not os.path.isabs(folder):
        raise failure("internal", "`--unit` is for the units that `execute` starts.")
    return order, folder


def _check_unit() -> int:
    """Answer the check or the visit asked for on stdin, on stdout. Both ends are in cockpit_getmail.units."""
    from cockpit_getmail import remote, retriever
    from cockpit_getmail.units import wire

    _require_sandbox()
    connector, ca_pem, deadline, visit = wire.parse_request(sys.stdin.buffer.read())
    timeout = max(LEAST_CHECK_SECONDS, deadline - time.monotonic())
    # Whoever asked may be gone: the kernel ends what does not end itself.
    signal.setitimer(signal.ITIMER_REAL, timeout + CHECK_GRACE_SECONDS)
    try:
        if visit is None:
            found = retriever.check(connector, ca_pem, timeout)
        else:
            found = remote.answer(connector, ca_pem, timeout, visit)
        answer = wire.format_answer(found)
    except Problem as problem:
        answer = wire.format_answer(problem)
    sys.stdout.buffer.write(answer)
    return SUCCESS


def _answer_unit() -> int:
    """Answer a question about the state, in the sandbox that a run has."""
    from cockpit_getmail import units

    _require_sandbox()
    units.answer_stdin()
    return SUCCESS


def _answer_child() -> int:
    """Answer a question about the state as its owner, whom root asks."""
    from cockpit_getmail import units

    _refuse_root()
    units.answer_stdin()
    return SUCCESS


def _relay(options: "Namespace") -> int:
    """Log in for a program, and let it speak IMAP on stdin and stdout; root has it done in a unit."""
    from cockpit_getmail.actions import relaying

    if sys.stdout.isatty():
        # A server's own octets are not for a terminal.
        _complain("imap is for a program: its output is no terminal.")
        return WRONG_USE
    return relaying.relay(options.name, options.of, STATUSES["credentials"])


def _relay_unit() -> int:
    """Relay in a unit, with nothing but what it was handed."""
    from cockpit_getmail.actions import relaying

    _require_sandbox()
    relaying.relay_in_unit()
    return SUCCESS


def _send_callbacks() -> int:
    """Send the callbacks asked for on stdin, tell on stdout what came of it."""
    from cockpit_getmail.callbacks import unit

    _require_sandbox()
    return unit.main()


def _ask_provider() -> int:
    """Ask a provider for a token, by the request on stdin; tell on stdout what it answered."""
    from cockpit_getmail.oauth import exchange

    _require_sandbox()
    return exchange.main()


def _run(order: "Order", state_folder: str) -> int:
    from cockpit_getmail import report, run
    from cockpit_getmail.connector import make_token

    _refuse_root()
    with report.reporter(sys.stdout) as reporter:
        result = run.run(
            order.connector,
            order.settings,
            state_folder,
            order.ca_pem,
            reporter,
            token=order.token or make_token(order.connector.name),
            forgive=order.forgive,
            problem=order.problem,
            baseline=order.baseline,
            stop=_STOP,
        )
    return SOME_FAILED if result.failed else SUCCESS


def _verify(connector: "Connector", settings: "Settings", state_folder: str, token: str = "") -> int:
    from cockpit_getmail import report, verification
    from cockpit_getmail.connector import make_token

    _refuse_root()
    lines = report.Lines(sys.stdout)
    token = token or make_token(connector.name)
    result = verification.run(connector, settings, state_folder, lines, token=token, stop=_STOP)
    return SUCCESS if result["sound"] and not result["missing_count"] else SOME_FAILED


def _wait_for_sign_in(prefix: str) -> int:
    """Wait for a person to sign in, as root in a unit of its own: what is talked is in other units."""
    from cockpit_getmail.actions import sign_in

    return sign_in.wait_in_unit(prefix)


def _require_sandbox() -> None:
    """Raise Problem (cause internal) outside the units that `execute` and `read` start."""
    from cockpit_getmail import units

    _refuse_root()
    if not units.is_confined():
        raise failure("internal", "`--unit` is for units with the sandbox that `make install` sets up.")


def _refuse_root() -> None:
    if 0 in (os.getuid(), os.geteuid()):
        raise failure("internal", "Mail is never fetched as root.")


def _complain(message: str) -> None:
    from cockpit_getmail.report import Lines

    Lines(sys.stderr).error(f"cockpit-getmail: {message}")
