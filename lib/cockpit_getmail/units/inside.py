# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a program finds out in the unit it runs in. A short run is mostly start-up: little is imported."""

import json
import os
from collections.abc import Iterable
from typing import NamedTuple

from cockpit_getmail.connector import Connector
from cockpit_getmail.problem import Problem, failure
from cockpit_getmail.settings import Settings


def is_confined() -> bool:
    """Whether this process has the sandbox of the drop-in, told by what every kernel can do of it."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:
        return "\nNoNewPrivs:\t1\n" in file.read()


class Order(NamedTuple):
    """What a unit is to do; `ca_pem` has certificate authorities, for the rest see run.run()."""

    connector: Connector
    settings: Settings
    ca_pem: str | None
    token: str = ""
    forgive: bool = False
    problem: Problem | None = None
    baseline: bool = False


def read_credentials() -> Order:
    """Return what this unit was given."""
    try:
        folder = _find_folder()
        data = json.loads(_read(f"{folder}/connector") or "")
        found = {name: _read(f"{folder}/{name}") for name in (*data["secrets"], "ca")}
    except (OSError, ValueError) as error:
        raise failure("internal", "`--unit` is for the units that `execute` starts.") from error
    known = {name: found[name] or "" for name in data["secrets"]}
    connector = Connector(data["name"], data["props"], known)
    settings = Settings.from_json(data["settings"])
    problem = Problem(*data["problem"]) if data["problem"] else None
    told = data["token"], data["forgive"], problem, data["baseline"]
    return Order(connector, settings, found["ca"], *told)


def read_secrets(names: Iterable[str]) -> dict[str, str]:
    """Return secrets that this unit was given by credentials.secrets_written(). Raises Problem (internal)."""
    try:
        return {name: _read(f"{_find_folder()}/{name}") or "" for name in names}
    except (OSError, ValueError) as error:
        raise failure("internal", "A secret of this unit cannot be read.") from error


def _find_folder() -> str:
    folder = os.environ.get("CREDENTIALS_DIRECTORY", "")
    if not os.path.isabs(folder):
        raise FileNotFoundError
    return folder


def _read(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8", errors="surrogatepass", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return None
