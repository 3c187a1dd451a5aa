# SPDX-License-Identifier: LGPL-2.1-or-later
"""The unit's name and what it bears. That it works is for tests/machine."""

from cockpit_getmail.connector import UNIT_PREFIX, make_token, token_prefix
from cockpit_getmail.settings import Settings
from cockpit_getmail.signin import unit
from tests.unit.signin.test_record import make


def test_unit_is_named_by_its_connector_and_is_no_run() -> None:
    name = unit.unit_name("a b@c|%n")
    assert name == f"cockpit-getmail@authorize-{token_prefix('a b@c|%n')}"
    assert not name.startswith(UNIT_PREFIX)
    assert make_token("a b@c|%n").startswith(name.rpartition("-")[2])


def test_nothing_secret_is_in_its_properties() -> None:
    sign_in = make(expires=2_000_000_000, secrets={"device_code": "geheim-4711"})
    properties = unit.make_properties(
        sign_in, Settings(connectors_db="/srv/a b/connectors"), now=1_999_999_100
    )
    assert not any("geheim" in text for text in properties)
    assert "RuntimeMaxSec=1020s" in properties
    assert f"LogExtraFields=COCKPIT_GETMAIL_TOKEN={sign_in.token}" in properties
    assert r"ReadWritePaths=-/srv/a\ b" in properties
    assert len({text.partition("=")[0] for text in properties}) == len(properties) - 1


def test_it_ends_though_a_provider_gives_a_year() -> None:
    properties = unit.make_properties(make(expires=2_000_000_000), Settings(), now=1_000_000_000)
    assert f"RuntimeMaxSec={unit.LONGEST_SECONDS + unit.SLACK_SECONDS}s" in properties
