# SPDX-License-Identifier: LGPL-2.1-or-later
"""A client whose helpers, and whose `cockpit-getmail`, are run as others in tests are: by nobody, mostly."""

import shlex
import sys
from pathlib import Path

from cockpit_getmail import Client
from cockpit_getmail.client.channel import VERBS
from tests.api.conftest import ROOT, Api


def make_client(api: Api) -> Client:
    """Return a client of these helpers, which are on the database and with the settings of theirs."""
    folder = api.folder / "helpers"
    folder.mkdir()
    for verb in VERBS:
        _write(folder / verb, api, ROOT / "api" / verb)
    command = Path(sys.executable).with_name("cockpit-getmail")
    _write(folder / command.name, api, command)
    return Client(helpers=folder)


def _write(path: Path, api: Api, program: Path) -> None:
    variables = [f"{name}={value}" for name, value in api.environment.items()]
    argv = shlex.join(["env", "-i", *variables, *api.argv(program)])
    path.write_text(f'#!/bin/sh\ncd /\nexec {argv} "$@"\n')
    path.chmod(0o755)
