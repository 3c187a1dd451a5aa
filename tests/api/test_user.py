# SPDX-License-Identifier: LGPL-2.1-or-later
"""The helpers as an unprivileged user, on a database of their own."""

import os

import pytest

from tests.api.conftest import CONNECTOR, STORED, Api

pytestmark = pytest.mark.root


@pytest.mark.long
def test_all_but_a_unit_works(nobody: Api) -> None:
    assert nobody.succeed("read", "list") == {"connectors": {}}
    name = nobody.create()
    assert nobody.user
    assert (nobody.db.stat().st_uid, nobody.db.stat().st_mode & 0o777) == (nobody.user.pw_uid, 0o600)
    nobody.succeed("update", "update", name=name, Time=10)
    assert nobody.props(name) == STORED | {"Time": "10"}
    answer = nobody.fail("execute", "run", name=name)
    assert answer["type"] == "GenericError"
    assert f"cockpit-getmail fetch {name}" in answer["message"]
    nobody.succeed("delete", name=name)
    assert nobody.connectors() == {}


@pytest.mark.long
def test_what_belongs_to_root_is_told_in_a_sentence(nobody: Api) -> None:
    nobody.create()
    os.chown(nobody.db, 0, 0)
    for verb, action in (("read", "list"), ("delete", None)):
        answer = nobody.fail(verb, action, **({} if action else {"name": "giacomo@my.remote.com"}))
        assert answer["type"] == "GenericError"
        assert answer["attributes"]["path"] == str(nobody.db)
        assert "Permission denied" in answer["message"]
    os.chown(nobody.folder, 0, 0)
    nobody.folder.chmod(0o755)
    answer = nobody.fail("create", **CONNECTOR)
    assert answer["type"] == "GenericError"
    assert nobody.db.exists()
