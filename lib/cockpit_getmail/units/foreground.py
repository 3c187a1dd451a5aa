# SPDX-License-Identifier: LGPL-2.1-or-later
"""A run in the foreground that root asks for: by a program of the run's user, started anew.

So it has none of root's environment and memory, where the other connectors' passwords are, and not root's
terminal but to write on.
"""

import json
import os
import signal
from collections.abc import Iterable
from pathlib import Path

from cockpit_getmail.connector import Connector
from cockpit_getmail.problem import Problem, failure
from cockpit_getmail.settings import Settings
from cockpit_getmail.units.credentials import tell_problem
from cockpit_getmail.units.inside import Order
from cockpit_getmail.units.place import Place, as_user
from cockpit_getmail.units.process import Identity, attend
from cockpit_getmail.units.sandbox import program


def run_as_user(place: Place, order: Order, stops: Iterable[signal.Signals], command: str = "fetch") -> int:
    """Run `cockpit-getmail COMMAND --child` to its end; return its status as process.attend() does.

    Signals of `stops` are passed on to it.
    Raises Problem (internal) if the user cannot run it.
    """
    if place.uid == 0:
        raise failure("internal", "Mail is never fetched as root.")
    argv = [*program(), command, "--child"]
    user = identify(place)
    request = _format(place, order)
    try:
        as_user(place, lambda: os.close(os.open(__file__, os.O_RDONLY | os.O_CLOEXEC)))
        return attend(argv, user, stdin=request, stops=stops)
    except OSError as error:
        where = f"{argv[0]} with {Path(__file__).parents[1]}"
        message = f"{place.user} cannot run {where} ({error.strerror}): `make install` puts it where all can."
        raise failure("internal", message) from error


def identify(place: Place) -> Identity:
    """Return whom a program is run as that works in a place."""
    variables = {"HOME": place.home, "USER": place.user, "LOGNAME": place.user}
    if "TERM" in os.environ:
        variables["TERM"] = os.environ["TERM"]
    return Identity(place.uid, place.gid, os.getgrouplist(place.user, place.gid), variables)


def read_request(data: bytes) -> tuple[Order, str]:
    """Return what to do, and the state folder: in that program. Raises Problem (internal)."""
    try:
        request = json.loads(data)
        connector = Connector(request["name"], request["props"], request["secrets"])
        problem = Problem(*request["problem"]) if request["problem"] else None
        settings = Settings.from_json(request["settings"])
        told = request["forgive"] is True, problem, request["baseline"] is True
        order = Order(connector, settings, request["ca"], "", *told)
        return order, str(request["state_folder"])
    except (ValueError, LookupError, TypeError) as error:
        raise failure("internal", "`--child` is for runs that root starts in the foreground.") from error


def _format(place: Place, order: Order) -> bytes:
    request = {
        "name": order.connector.name,
        "props": order.connector.told_props,
        "secrets": dict(order.connector.secrets),
        "settings": order.settings.to_json(),
        "state_folder": place.state_folder,
        "ca": order.ca_pem,
        "forgive": order.forgive,
        "problem": tell_problem(order.problem),
        "baseline": order.baseline,
    }
    return json.dumps(request).encode()
