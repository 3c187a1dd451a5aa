# SPDX-License-Identifier: LGPL-2.1-or-later
"""Version, settings and counts."""

import json
from pathlib import Path

from cockpit_getmail import __version__
from cockpit_getmail.actions.read import info
from cockpit_getmail.settings import Settings
from cockpit_getmail.status import STATUSES
from tests.support.schemas import FOLDER, check_schema


def test_settings_in_force_without_the_secret(settings: Settings) -> None:
    settings.callback_secret = "canary-4711"
    answer = info.answer({}, settings)
    check_schema("read/info.output.json", answer)
    assert answer["version"] == __version__
    assert answer["settings"]["STATE_DIR"] == settings.state_dir
    assert answer["settings"]["MAX_RUNS"] == settings.max_runs
    assert "canary" not in json.dumps(answer)


def test_connectors_are_counted(settings: Settings) -> None:
    Path(settings.connectors_db).write_text(
        "a=getmail|Account|x\nb=getmail|Account|x|status|disabled\nc=getmail\nd=other|Account|x\n"
    )
    answer = info.answer({}, settings)
    check_schema("read/info.output.json", answer)
    counts = answer["counts"]
    assert (counts["connectors"], counts["enabled"], counts["running"]) == (3, 2, 0)
    found = {status: number for status, number in counts["by_status"].items() if number}
    assert found == {"NEVER_RUN": 2, "DISABLED": 1}


def test_every_status_is_counted() -> None:
    schemas = json.loads((FOLDER / "connector.json").read_text())
    assert list(STATUSES) == schemas["$defs"]["conditions"]["enum"]
