# SPDX-License-Identifier: LGPL-2.1-or-later
"""Log-ins by certificate and through tunnels, by runs and checks in their sandbox."""

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.certificates import Authority, Certificate
from tests.support.dovecot import Dovecot, make_message
from tests.support.hostile import Server, hang, imap
from tests.support.installed import PASSWORD, Installed
from tests.support.ssh import SshServer

COUNT = 2
ALLOWING = {"COCKPIT_GETMAIL_ALLOW_TUNNEL": "yes"}
BY_CERTIFICATE = """
auth_mechanisms = plain external
auth_ssl_username_from_cert = yes
ssl_cert_username_field = commonName
ssl_verify_client_cert = yes
ssl_require_crl = no
ssl_ca = <{ca}
passdb {{
  driver = static
  mechanisms = external
  args = nopassword=y
}}
"""
CERT, KEY, CA = "/root/login/client.pem", "/root/login/client.key", "/root/login/ca.pem"

SERVE = """#!/bin/sh
exec setpriv --reuid=65534 --regid=65534 --clear-groups env USER=nobody HOME=/srv/ssh /usr/lib/dovecot/imap \\
    -o mail_location=maildir:/srv/ssh/Maildir -o stats_writer_socket_path= -o mail_gid=65534
"""
OF_SSH = """
mkdir -p /srv/ssh/Maildir/new /srv/ssh/Maildir/tmp
chown -R nobody:nogroup /srv/ssh/Maildir
install -m 0600 -o cockpit-getmail /root/.ssh/id_ed25519 /srv/ssh/key
install -m 0644 /root/.ssh/known_hosts /srv/ssh/known_hosts
"""


@pytest.fixture(scope="module")
def dovecot(authority: Authority) -> Iterator[Dovecot]:
    extra = BY_CERTIFICATE.format(ca=authority.ca)
    with Dovecot({"giacomo": PASSWORD}, certificate=authority.issue(), extra=extra) as dovecot:
        dovecot.fill("giacomo", COUNT)
        yield dovecot


@pytest.fixture(scope="module")
def client(installed: Installed, authority: Authority) -> Certificate:
    """It is in files that only root can read."""
    found = authority.issue_client("giacomo")
    for source, target in ((found.pem, CERT), (found.key, KEY), (authority.ca, CA)):
        installed.machine.copy(source, target, mode=0o600)
    installed.path("/root/login").chmod(0o700)
    return found


def props(port: int, **more: str) -> dict[str, Any]:
    base = {"Retriever": "SimpleIMAPRetriever", "Server": "127.0.0.1", "Port": str(port)}
    return {**base, "Username": "giacomo", "Account": "login@here", **more}


def faults(answer: dict[str, Any]) -> list[tuple[str, str]]:
    assert answer["type"] == "NotValid", answer
    return [(fault["parameter"], fault["error"]) for fault in answer["attributes"]]


def outcome(installed: Installed, name: str, env: dict[str, str] | None = None) -> dict[str, Any]:
    """Run to the end; return how it came out."""
    answer = installed.call("execute", env, action="run", name=name, wait=60_000)
    installed.wait(answer["unit"])
    return answer


def test_certificate_that_only_root_can_read(
    installed: Installed, dovecot: Dovecot, client: Certificate
) -> None:
    given = props(dovecot.imap, Auth="external", ClientCert=CERT, ClientKey=KEY, CAFile=CA)
    checked = installed.call("read", action="check-credentials", **given)
    assert checked["messages"] == COUNT, checked
    name = installed.call("create", action="create", **given)["name"]
    done = outcome(installed, name)
    assert done["result"]["messages"] == COUNT, done
    assert len(installed.mail("login@here")) == COUNT
    fetched = installed.machine.run(["cockpit-getmail", "fetch", name])
    assert "0 messages delivered" in fetched.stdout
    assert len(installed.call("read", action="messages", name=name)["messages"]) == COUNT
    # Its files are looked at when it is saved, and when it runs.
    installed.path(KEY).chmod(0o644)
    update = {"action": "update", "name": name, "ClientKey": f"{KEY}x"}
    assert faults(installed.call("update", **update)) == [("ClientKey", "unknown")]
    other = {**given, "Account": "other@here"}
    assert faults(installed.call("create", action="create", **other)) == [("ClientKey", "unknown")]
    failed = outcome(installed, name)
    assert failed["error"]["cause"] == "connector", failed
    assert "others may read it" in failed["error"]["message"]
    installed.path(KEY).chmod(0o600)


def test_key_shows_nowhere(installed: Installed, client: Certificate) -> None:
    machine = installed.machine
    secret = client.key.read_text().splitlines()[1]
    with Server([hang]) as server:
        certificate = {"ClientCert": CERT, "ClientKey": KEY}
        installed.put("key@login", props(server.port, Account="key@here", Password=PASSWORD, **certificate))
        unit = installed.start("key@login")
        seen = [
            machine.run(["systemctl", "show", f"{unit}.service"]).stdout,
            machine.read_processes(),
            machine.journal(None, "--output=export"),
        ]
        files = installed.files_with(secret, "/run", "/var/log", "/var/lib/cockpit-getmail")
        installed.stop(unit)
    assert not any(secret in text for text in seen)
    assert files == [f"/run/credentials/{unit}.service/ClientPem"]


def test_tunnel_in_the_sandbox(installed: Installed, dovecot: Dovecot, tmp_path: Path) -> None:
    """A server of the run's own user, in its unit: it knows who that is, and asks for no password."""
    message = tmp_path / "1.1.test"
    message.write_bytes(make_message(1, 900))
    installed.machine.copy(message, "/srv/tunnel/Maildir/new/1.1.test")
    installed.machine.run(["mkdir", "/srv/tunnel/Maildir/cur", "/srv/tunnel/Maildir/tmp"])
    gid = installed.machine.run(["id", "-g", "cockpit-getmail"]).stdout.strip()
    options = f"-o mail_location=maildir:/tmp/m -o stats_writer_socket_path= -o mail_gid={gid}"
    confined = f"test $(id -u) = {installed.uid} && grep -q 'NoNewPrivs:.1' /proc/self/status"
    script = f"{confined} && cp -r /srv/tunnel/Maildir /tmp/m && exec /usr/lib/dovecot/imap {options}"
    given = props(1, Account="tunnel@here", Tunnel=shlex.join(["/bin/sh", "-c", script]))
    assert faults(installed.call("create", action="create", **given)) == [("Tunnel", "disallowed")]
    refused = installed.call("read", action="check-credentials", **given)
    assert refused["attributes"]["setting"] == "ALLOW_TUNNEL", refused
    checked = installed.call("read", ALLOWING, action="check-credentials", **given)
    assert checked.get("messages") == 1, checked
    name = installed.call("create", ALLOWING, action="create", **given)["name"]
    failed = outcome(installed, name)
    assert failed["error"]["cause"] == "settings", failed
    done = outcome(installed, name, ALLOWING)
    assert done["result"]["messages"] == 1, done
    assert installed.mail("tunnel@here") == [make_message(1, 900).replace(b"\r\n", b"\n")]
    [seen] = installed.call("read", ALLOWING, action="messages", name=name)["messages"]
    assert seen["subject"] == "Message 1"
    refused = installed.call("read", action="messages", name=name)
    assert refused["attributes"]["setting"] == "ALLOW_TUNNEL"
    ended = {"action": "update", "name": name, "Tunnel": "/bin/sh -c 'echo no route >&2; exit 5'"}
    installed.call("update", ALLOWING, **ended)
    failed = outcome(installed, name, ALLOWING)
    assert failed["error"]["message"] == "The Tunnel /bin/sh ended (exit status 5): no route."
    assert failed["error"]["cause"] == "network"


def test_tunnel_by_ssh(installed: Installed, tmp_path: Path) -> None:
    """The server of a user over there, started by ssh: as the schema has it for an example."""
    machine = installed.machine
    (tmp_path / "message").write_bytes(make_message(2, 700))
    (tmp_path / "serve").write_text(SERVE)
    machine.copy(tmp_path / "message", "/srv/ssh/Maildir/cur/2.2.test:2,S")
    machine.copy(tmp_path / "serve", "/srv/ssh/serve", mode=0o755)
    with SshServer(machine, "mail.login.example"):
        machine.run(["sh", "-euc", OF_SSH])
        options = "-o BatchMode=yes -o UserKnownHostsFile=/srv/ssh/known_hosts -i /srv/ssh/key"
        tunnel = f"/usr/bin/ssh {options} root@mail.login.example /srv/ssh/serve"
        given = props(1, Account="ssh@here", Server="mail.login.example", Tunnel=tunnel)
        name = installed.call("create", ALLOWING, action="create", **given)["name"]
        done = outcome(installed, name, ALLOWING)
        assert done["statusCode"] == "succeeded", done
        assert installed.mail("ssh@here") == [make_message(2, 700).replace(b"\r\n", b"\n")]
        machine.run(["rm", "/srv/ssh/known_hosts"])
        failed = outcome(installed, name, ALLOWING)
    assert failed["error"]["cause"] == "network"
    assert "Host key verification failed." in failed["error"]["message"]


def test_run_that_is_ended_takes_its_tunnel_along(installed: Installed) -> None:
    with Server(imap({"EXAMINE .*": hang})) as server:
        pump = f"import socket,os; s=socket.create_connection(('127.0.0.1', {server.port})); os.dup2(0, 9); "
        script = f"{pump}[os.write(1, s.recv(999)) and s.sendall(os.read(0, 999)) for _ in range(99)]"
        tunnel = shlex.join(["/usr/bin/python3", "-c", script])
        installed.put("end@login", props(1, Account="end@here", Tunnel=tunnel, Password=PASSWORD))
        unit = installed.start("end@login", ALLOWING)
        cgroup = installed.show(unit, "ControlGroup")
        installed.stop(unit)
    assert not installed.path(f"/sys/fs/cgroup{cgroup}").exists()
