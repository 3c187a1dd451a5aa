# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whole runs over every channel of a real Dovecot: in clear, STARTTLS and STLS, implicit TLS."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.mail.conftest import NewRound
from tests.support.certificates import Authority, Certificate
from tests.support.dovecot import Dovecot
from tests.support.rounds import PASSWORD, THREE_BATCHES, Round
from tests.support.stop_after import Driver, Plan

CHANNELS = [
    ("SimpleIMAPRetriever", "auto", True),
    ("SimpleIMAPRetriever", "required", True),
    ("SimpleIMAPRetriever", "none", False),
    ("SimpleIMAPSSLRetriever", "auto", True),
    ("SimplePOP3Retriever", "auto", True),
    ("SimplePOP3Retriever", "required", True),
    ("SimplePOP3Retriever", "none", False),
    ("SimplePOP3SSLRetriever", "auto", True),
]
RETRIEVERS = sorted({retriever for retriever, _, _ in CHANNELS})
CLEAR = [retriever for retriever in RETRIEVERS if "SSL" not in retriever]
USERS = [f"user{number}" for number in range(60)]


@pytest.fixture(scope="module")
def certificate(authority: Authority) -> Certificate:
    return authority.issue()


@pytest.fixture(scope="module")
def secure_dovecot(certificate: Certificate) -> Iterator[tuple[Dovecot, Iterator[str]]]:
    with Dovecot(dict.fromkeys(USERS, PASSWORD), certificate=certificate) as dovecot:
        yield dovecot, iter(USERS)


@pytest.fixture
def new_secure_round(secure_dovecot: tuple[Dovecot, Iterator[str]], memory: Path) -> NewRound:
    dovecot, users = secure_dovecot
    numbers = itertools.count()

    def make(retriever: str) -> Round:
        folder = memory / f"secure{next(numbers)}"
        (folder / "state").mkdir(parents=True)
        return Round(dovecot, next(users), retriever, folder / "mail", folder / "state").fill(THREE_BATCHES)

    return make


def trusting(plan: Plan, authority: Authority) -> Plan:
    return replace(plan, ca_pem=authority.ca.read_text())


@pytest.mark.parametrize(("retriever", "policy", "encrypted"), CHANNELS)
def test_fetch_and_delete(
    new_secure_round: NewRound,
    driver: Driver,
    authority: Authority,
    retriever: str,
    policy: str,
    encrypted: bool,
) -> None:
    made = new_secure_round(retriever)
    plan = trusting(made.plan(TLS=policy, Delete="0"), authority)
    outcome = driver.fetch(plan)
    assert outcome.ok, outcome
    made.check_delivered_once(THREE_BATCHES)
    assert made.on_server == []
    assert ("(TLSv1.3)" in outcome.log[0], "(not encrypted)" in outcome.log[0]) == (encrypted, not encrypted)


@pytest.mark.parametrize("retriever", RETRIEVERS)
def test_untrusted_certificate_ends_the_run(
    new_secure_round: NewRound, driver: Driver, retriever: str
) -> None:
    made = new_secure_round(retriever)
    outcome = driver.fetch(made.plan(Delete="0"))
    assert outcome.cause == "tls"
    assert made.delivered == []
    assert made.on_server == THREE_BATCHES
    assert f" user=<{made.user}>" not in made.dovecot.log()


@pytest.mark.parametrize("retriever", RETRIEVERS)
def test_fingerprint_is_trust_in_one_certificate(
    new_secure_round: NewRound,
    driver: Driver,
    authority: Authority,
    certificate: Certificate,
    retriever: str,
) -> None:
    made = new_secure_round(retriever)
    other = authority.issue().fingerprint
    assert driver.fetch(trusting(made.plan(Fingerprint=other), authority)).cause == "tls"
    assert made.delivered == []
    outcome = driver.fetch(made.plan(Fingerprint=certificate.fingerprint))
    assert outcome.ok, outcome
    made.check_delivered_once(THREE_BATCHES)


@pytest.mark.parametrize("retriever", CLEAR)
def test_clear_server_is_refused_where_tls_is_required(
    new_round: NewRound, driver: Driver, retriever: str
) -> None:
    made = new_round(retriever).fill(THREE_BATCHES)
    outcome = driver.fetch(made.plan(TLS="required"))
    assert outcome.cause == "tls"
    assert made.delivered == []
