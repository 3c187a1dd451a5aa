# SPDX-License-Identifier: LGPL-2.1-or-later
"""Many accounts with a few messages each, in a booted machine: by systemd, and as by cron."""

import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import BUILD, ROOT, table
from bench.mailboxes import SETTLE_SECONDS, Mailbox, digest, mixed_sizes
from bench.pairs import Failed, Spread
from bench.peers import GETMAIL, PASSWORD, Source
from bench.place import CONFIGURATION
from tests.support.dovecot import Dovecot
from tests.support.installed import PYTHON
from tests.support.machine import Machine

FOLDER = BUILD / "accounts"
INSIDE = Path("/var/lib/cockpit-getmail")
USER = "cockpit-getmail"
HOST = "127.0.0.1"
MESSAGES = 50
AT_ONCE = 4
TARGET = 10.0
LIMIT_SECONDS = 500.0
LOOP = 'for folder in "$@"; do getmail --getmaildir="$folder" --rcfile=getmailrc; done'


@dataclass(frozen=True)
class Scale:
    accounts: int = 100
    pairs: int = 5


QUICK = Scale(10, 1)


def sections(quick: bool) -> Iterator[table.Section]:
    scale = QUICK if quick else Scale()
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    users = [f"user{number}" for number in range(scale.accounts)]
    try:
        with (
            Dovecot(dict.fromkeys(users, PASSWORD), extra=CONFIGURATION) as dovecot,
            Machine({str(INSIDE): FOLDER}) as machine,
        ):
            machine.install()
            bench = _Bench(machine, dovecot, users)
            if not quick:
                time.sleep(SETTLE_SECONDS)
            yield _measure(bench, scale.pairs)
    finally:
        shutil.rmtree(FOLDER)


class _Bench:
    """Each run has a folder of its own, on the host's disk, which all of the machine's programs use."""

    def __init__(self, machine: Machine, dovecot: Dovecot, users: Sequence[str]) -> None:
        self._machine = machine
        self._port = dovecot.imap
        self._users = users
        self._runs = 0
        self._mailboxes = {user: Mailbox(user) for user in users}
        for mailbox in self._mailboxes.values():
            mailbox.add(dovecot, mixed_sizes(MESSAGES))
        # The checkout may lie where only root may look.
        machine.run(["chmod", "o+x", *ROOT.parents])

    @property
    def accounts(self) -> int:
        return len(self._users)

    @property
    def octets(self) -> int:
        return next(iter(self._mailboxes.values())).octets

    def ours(self, how: str) -> float:
        """Run each connector, started in a way of starter.py's; return the seconds to the end of the last."""
        folder, inside = self._begin()
        database = folder / "connectors"
        database.write_text("".join(sorted(map(self._format, self._users))))
        database.chmod(0o600)
        env = {
            "COCKPIT_GETMAIL_CONNECTORS_DB": f"{inside}/connectors",
            "COCKPIT_GETMAIL_STATE_DIR": f"{inside}/state",
            "COCKPIT_GETMAIL_DESTINATION": f"maildir:{inside}/mail/{{account}}",
        }
        argv = [PYTHON, "-I", str(ROOT / "bench" / "starter.py"), how, str(AT_ONCE)]
        seconds = self._time(argv, "\n".join(f"{user}@{HOST}" for user in self._users), env)
        self._check(lambda user: folder / "mail" / f"for-{user}", exact=True)
        return seconds

    def getmail(self) -> float:
        """Let getmail6 fetch one account after the other; return the seconds."""
        folder, inside = self._begin()
        for user in self._users:
            recipe = GETMAIL.recipe(Source("IMAP", self._port, user), inside / user)
            for name, text in recipe.files.items():
                path = folder / user / name
                if name.endswith("/"):
                    path.mkdir(parents=True)
                else:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text(text)
        self._machine.run(["chown", "-R", f"{USER}:", inside])
        program = Path(recipe.argv[0]).parent
        argv = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--"]
        argv += [
            "sh",
            "-euc",
            f"PATH={program}:$PATH; {LOOP}",
            "cron",
            *(f"{inside}/{user}" for user in self._users),
        ]
        seconds = self._time(argv, "", {})
        self._check(lambda user: folder / user / recipe.maildir, exact=False)
        return seconds

    def _begin(self) -> tuple[Path, Path]:
        """Return a new folder, and the same one as the machine has it."""
        self._runs += 1
        folder = FOLDER / str(self._runs)
        folder.mkdir()
        return folder, INSIDE / folder.name

    def _format(self, user: str) -> str:
        return (
            f"{user}@{HOST}=getmail|Account|for-{user}|Password|{PASSWORD}|Port|{self._port}|"
            f"Retriever|SimpleIMAPRetriever|Server|{HOST}|TLS|none|Username|{user}\n"
        )

    def _time(self, argv: Sequence[str], stdin: str, env: dict[str, str]) -> float:
        os.sync()
        begun = time.perf_counter()
        done = self._machine.run(argv, input=stdin, env=env, check=False, timeout=LIMIT_SECONDS)
        seconds = time.perf_counter() - begun
        if done.returncode != 0:
            raise Failed(f"{argv[0]}: exit status {done.returncode}: {done.stderr[-200:]}")
        return seconds

    def _check(self, maildir: Callable[[str], Path], *, exact: bool) -> None:
        for user, mailbox in self._mailboxes.items():
            found = [*(maildir(user) / "new").glob("*")]
            if len(found) != mailbox.count:
                raise Failed(f"{user}: {len(found)} of {mailbox.count} messages delivered")
            if exact and Counter(digest(path.read_bytes()) for path in found) != mailbox.digests:
                raise Failed(f"{user}: a message is not what the server has")


def _measure(bench: _Bench, pairs: int) -> table.Section:
    found = table.Section(
        f"{bench.accounts} accounts of {MESSAGES} messages ({table.show_octets(bench.octets)} each), IMAP",
        ("started by", "ours", "getmail6, one after the other", "getmail6 / ours"),
        remarks=[f"{AT_ONCE} units at once; the seconds are those from the first start to the last end."],
    )
    ways = {"a helper for each": "helper", "one process for all": "scheduler"}
    seconds: dict[str, list[float]] = {name: [] for name in (*ways, "getmail6")}
    for how in ways.values():
        bench.ours(how)
    for _ in range(pairs):
        for name, how in ways.items():
            seconds[name].append(bench.ours(how))
        seconds["getmail6"].append(bench.getmail())
    theirs = seconds["getmail6"]
    for name in ways:
        ratio = Spread.of([b / a for a, b in zip(seconds[name], theirs, strict=True)])
        shown = [table.show_seconds(Spread.of(figures).median) for figures in (seconds[name], theirs)]
        cells = [*shown, table.show_spread(ratio, 1)]
        found.rows.append(table.Row(name, cells, f">= {TARGET:.0f}", ratio.median >= TARGET))
    return found
