# SPDX-License-Identifier: LGPL-2.1-or-later
"""Mail into folders of a Maildir: exactly once there too, whatever happens, and as Dovecot has them."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from imapclient import IMAPClient

from cockpit_getmail.destination.maildir_folders import format_subfolder
from tests.mail.conftest import Drivers, NewRound
from tests.mail.test_failing_disk import leave_free
from tests.support import disks
from tests.support.dovecot import OWNER, Dovecot
from tests.support.fetching import Account, make_connector
from tests.support.rounds import PASSWORD, RETRIEVERS, THREE_BATCHES, Round, stored
from tests.support.stop_after import Driver, Plan, check_stopped

FOLDER = "Work/Müll"
SUBFOLDERS = (format_subfolder(FOLDER), ".Junk")


def make_plan(made: Round, **props: str) -> Plan:
    """Return a plan by which messages go to the connector's folder and to Junk in turn."""
    return replace(made.small(Delete="0", Folder=FOLDER, **props), junk=True)


def count_in(made: Round) -> list[int]:
    return [len(list((made.mail / name / "new").glob("*"))) for name in (*SUBFOLDERS, "")]


def check_whole(made: Round) -> None:
    made.check_delivered_once(THREE_BATCHES)
    assert made.on_server == []


@pytest.mark.slow
@pytest.mark.parametrize("between", ["nothing", "readers", "another folder", "another kill"])
def test_kill_after_each_step(new_round: NewRound, drivers: Drivers, between: str) -> None:
    """Between the run that is killed and the last one the connector may get another Folder."""

    def attempt(step: int) -> None:
        made = new_round(RETRIEVERS[0]).fill(THREE_BATCHES)
        plan = make_plan(made)
        check_stopped(drivers.fetch(replace(plan, stop=step)), step, steps)
        made.check_nothing_lost(THREE_BATCHES)
        if between == "readers":
            read_mail(made)
        if between == "another folder":
            plan = replace(plan, props={**plan.props, "Folder": "INBOX"})
        if between == "another kill":
            drivers.fetch(replace(plan, stop=1 + step * 7 % 40))
            made.check_nothing_lost(THREE_BATCHES)
        outcome = drivers.fetch(plan)
        assert outcome.ok, outcome
        check_whole(made)

    made = new_round(RETRIEVERS[0]).fill(THREE_BATCHES)
    outcome = drivers.fetch(make_plan(made))
    assert outcome.ok, outcome
    check_whole(made)
    assert count_in(made) == [4, 4, 0]
    assert outcome.steps.count("mkdir") > 8
    steps = len(outcome.steps)
    drivers.each(steps, attempt)


def read_mail(made: Round) -> None:
    """Do as readers do: move messages within a folder, and from one to the other."""
    for number, path in enumerate(sorted(made.mail.glob(".*/new/*"))):
        target = made.mail / (SUBFOLDERS[number % 2] if number % 3 else "") / "cur"
        if target.is_dir():
            path.rename(target / f"{path.name}:2,S")


@pytest.mark.slow
@pytest.mark.parametrize("late", [False, True], ids=["not made", "made, but told as failed"])
@pytest.mark.parametrize("error", ["EIO", "ENOSPC"])
def test_any_step_fails(new_round: NewRound, drivers: Drivers, error: str, late: bool) -> None:
    causes = {"EIO": {"delivery", "internal", "network"}, "ENOSPC": {"quota", "network"}}[error]

    def attempt(step: int) -> None:
        made = new_round(RETRIEVERS[0]).fill(THREE_BATCHES)
        plan = replace(make_plan(made), sync_together=bool(step % 2))
        outcome = drivers.fetch(replace(plan, fail=step, fail_late=late, error=error))
        assert outcome.ok or outcome.cause in causes, outcome
        made.check_nothing_lost(THREE_BATCHES)
        assert made.compare(THREE_BATCHES)[1] == 0
        assert len({*outcome.synced_mail}) == len(outcome.synced_mail)
        outcome = drivers.fetch(plan)
        assert outcome.ok, outcome
        check_whole(made)

    whole = drivers.fetch(make_plan(new_round(RETRIEVERS[0]).fill(THREE_BATCHES)))
    drivers.each(len(whole.steps), attempt)


@pytest.mark.slow
def test_disk_full_at_any_moment(new_round: NewRound, driver: Driver, memory: Path) -> None:
    disks.need_mounts()
    pages, ok = 0, False
    while not ok:
        point = memory / f"small{pages}"
        with disks.small(point, 1 << 20):
            made = replace(new_round(RETRIEVERS[0]).fill(THREE_BATCHES), mail=point / "mail")
            leave_free(point, pages)
            outcome = driver.fetch(make_plan(made))
            ok = outcome.ok
            if not ok:
                assert outcome.cause == "quota", outcome
                made.check_nothing_lost(THREE_BATCHES)
                assert made.unfinished == []
            (point / "fill").unlink()
            assert driver.fetch(make_plan(made)).ok
            check_whole(made)
        pages += 1
    assert pages > 10


def test_folder_that_is_deleted_meanwhile_is_made_again(new_round: NewRound, driver: Driver) -> None:
    """Also between two batches of a run, which ends there."""
    made = new_round(RETRIEVERS[0]).fill(THREE_BATCHES)
    first = driver.fetch(replace(make_plan(made), stop=60, pause=True))
    assert first.paused
    gone = [path for name in SUBFOLDERS for path in (made.mail / name).glob("new/*")]
    for name in SUBFOLDERS:
        shutil.rmtree(made.mail / name, ignore_errors=True)
    assert driver.go_on().cause == "delivery"
    assert driver.fetch(make_plan(made)).ok
    assert made.compare(THREE_BATCHES) == (len(gone), 0)
    assert made.on_server == []


@pytest.mark.parametrize("folder", ["Work", FOLDER, "R&D", "台北", "INBOX", "a b/~c.d"])
def test_dovecot_has_the_folder(tmp_path: Path, folder: str) -> None:
    with Dovecot({"u": PASSWORD, "local": PASSWORD}) as dovecot:
        messages = dovecot.fill("u", 3)
        account = Account(tmp_path)
        path = dovecot.maildir("local")
        connector = make_connector(
            "SimpleIMAPRetriever", dovecot.imap, Folder=folder, Destination=f"maildir:{path}"
        )
        assert account.fetch(connector).messages == len(messages)
        for made in (path, *path.rglob("*")):
            shutil.chown(made, OWNER)
        with IMAPClient(dovecot.host, port=dovecot.imap, ssl=False) as client:
            client.login("local", PASSWORD)
            listed = {name for _, _, name in client.list_folders()}
            name = folder.replace("/", ".")
            assert name in listed
            assert client.select_folder(name)[b"EXISTS"] == len(messages)
            fetched = client.fetch(client.search(), ["BODY[]", "RFC822.SIZE"])
        assert sorted(stored([each[b"BODY[]"] for each in fetched.values()])) == sorted(stored(messages))
        assert dovecot.log().count("Error") == 0, dovecot.log()
