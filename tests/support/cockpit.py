# SPDX-License-Identifier: LGPL-2.1-or-later
"""A real Cockpit in a machine, on a free port of loopback, and two people who may log in.

with Cockpit(machine) as cockpit:
    ...open cockpit.url in a browser and log in as ADMIN or PLAIN...

ADMIN is in group sudo, PLAIN is nobody special. The certificate is one that Cockpit signs itself.
"""

from dataclasses import dataclass
from types import TracebackType

from tests.support import need_programs
from tests.support.machine import Machine
from tests.support.ports import find_free_ports

SOCKET = "cockpit.socket"
# Backports come from where Debian itself does, whatever mirror that is.
UPGRADE = r"""
. /etc/os-release
uri=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null |
    sed -n -e 's/^URIs: *\([^ ]*\).*/\1/p' -e 's/^deb \(\[.*\] \)\{0,1\}\([^ ]*\) .*/\2/p' | head -n 1)
rm -f /etc/apt/sources.list.d/*
printf "deb $uri %s main\n" "$VERSION_CODENAME" "$VERSION_CODENAME-backports" >/etc/apt/sources.list
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
apt-get -qq --target-release="$VERSION_CODENAME-backports" --no-install-recommends install \
    cockpit-bridge cockpit-system cockpit-ws
"""
LISTEN = "[Socket]\nListenStream=\nListenStream=127.0.0.1:{port}\n"


@dataclass(frozen=True)
class Person:
    name: str
    password: str
    groups: tuple[str, ...] = ()


ADMIN = Person("admin", "Admin-5831-secret", ("sudo",))
PLAIN = Person("plain", "Plain-2956-secret")


BUS = """<busconfig>
  <limit name="max_match_rules_per_connection">65536</limit>
</busconfig>
"""


class Cockpit:
    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._port = 0

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self._port}"

    def __enter__(self) -> "Cockpit":
        need_programs("cockpit-bridge", "sudo", "useradd", "chpasswd")
        # What the host's Cockpit is told is no business of this one's.
        self._machine.run(["sh", "-c", "rm -rf /etc/cockpit/cockpit.conf /etc/cockpit/ws-certs.d/*"])
        for person in (ADMIN, PLAIN):
            self._add(person)
        # One log-in serves all tests, and its session keeps what each page that was left asked of the bus.
        (self._machine.root / "etc/dbus-1/system-local.conf").write_text(BUS)
        self._machine.run(["systemctl", "reload", "dbus"])
        [self._port] = find_free_ports(1)
        drop_in = self._machine.root / f"etc/systemd/system/{SOCKET}.d/listen.conf"
        drop_in.parent.mkdir(parents=True)
        drop_in.write_text(LISTEN.format(port=self._port))
        self._machine.run(["systemctl", "daemon-reload"])
        self._machine.run(["systemctl", "start", SOCKET])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._machine.run(["systemctl", "stop", SOCKET, "cockpit.service"], check=False)

    def _add(self, person: Person) -> None:
        groups = ",".join(person.groups)
        self._machine.run(
            ["useradd", "--create-home", "--shell=/bin/bash", f"--groups={groups}", person.name]
        )
        self._machine.run(["chpasswd"], input=f"{person.name}:{person.password}\n")


def upgrade(machine: Machine) -> None:
    """Install in a machine the newest Cockpit that there is for this Debian, before any is started."""
    machine.run(["sh", "-euc", UPGRADE], timeout=300)
