# SPDX-License-Identifier: LGPL-2.1-or-later
from pathlib import Path

from bench import results

ORDER = ("fetching", "growth")


def test_the_blocks_of_others_stay_as_they_are(tmp_path: Path) -> None:
    file = tmp_path / "bench" / "RESULTS.md"
    results.write(file, "growth", ORDER, ["Measured once.", "", "### Growth"])
    results.write(file, "fetching", ORDER, ["Measured then."])
    results.write(file, "fetching", ORDER, ["Measured now."])
    text = file.read_text()
    assert results.parse(text) == {"fetching": "Measured now.", "growth": "Measured once.\n\n### Growth"}
    assert text.index("now") < text.index("once")
    assert text.startswith(results.HEAD)
