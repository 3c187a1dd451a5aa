# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each step as an administrator takes it: what it is for, what to type, what comes back."""

import json
import shlex
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from demo.screen import quote, say, tell, type_command, wait_for_enter
from tests.support.certificates import Authority, Certificate
from tests.support.cockpit import ADMIN, Cockpit
from tests.support.dovecot import Dovecot
from tests.support.machine import Machine

LIBEXEC = "/usr/local/libexec/cockpit-getmail"
MESSAGES = 200
SIZE = 4000
USERNAME, PASSWORD, NEW_PASSWORD = "g.rossi", "Nethesis,1234", "Nethesis,5678"
ACCOUNT = "giacomo@example.org"
MAILDIR = f"/var/lib/cockpit-getmail/mail/{ACCOUNT}"
RUN_SECONDS = 60.0
REFUSED = 77
"""The exit status of a command that met a refused log-in."""
UNDER_WAY = ("activating", "active", "deactivating")


class Failed(Exception):
    """A step did not do what it says."""


def main() -> int:
    try:
        show()
    except Failed as failed:
        print(f"\nThe demo failed: {failed}.", file=sys.stderr)
        return 1
    except (pytest.skip.Exception, pytest.fail.Exception) as needs:
        print(f"{needs.msg}".replace("This test", "The demo"), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped.")
    return 0


def show() -> None:
    tell(
        "Boot a test machine",
        "A real systemd boots beside this one, on this system's files; what it writes is gone afterwards. "
        "The project is installed in it with `make install`.",
    )
    start = time.monotonic()
    with Machine() as machine, tempfile.TemporaryDirectory() as folder:
        booted = time.monotonic()
        machine.install()
        say(f"Booted in {booted - start:.1f} s, installed in {time.monotonic() - booted:.1f} s.")
        tell(
            "Start a mail provider",
            f"Dovecot, a real IMAP server, has an account {USERNAME} with {MESSAGES} messages.",
        )
        certificate = Authority(Path(folder)).issue()
        with Dovecot({USERNAME: PASSWORD}, certificate=certificate) as provider:
            sent = provider.fill(USERNAME, MESSAGES, SIZE)
            say(f"It listens on {provider.host}, port {provider.imaps}, with TLS.")
            name = add_connector(machine, provider, certificate)
            fetch_twice(machine, name, sent)
            expect(provider.messages(USERNAME) == sent, "the provider lost messages")
            break_and_mend(machine, provider, name)
            with Cockpit(machine) as cockpit:
                look_around(machine, cockpit)


def add_connector(machine: Machine, provider: Dovecot, certificate: Certificate) -> str:
    """Show the steps from a log-in to a connector; return its name."""
    log_in = {
        "Retriever": "SimpleIMAPSSLRetriever",
        "Server": provider.host,
        "Port": str(provider.imaps),
        "Username": USERNAME,
        "Password": PASSWORD,
    }
    tell(
        "Is the log-in right?",
        "First as it is. No authority vouches for this provider's certificate, so it has to be refused:",
    )
    problem = call(machine, "read", {"action": "check-credentials", **log_in}, status=1)
    found = problem["attributes"].get("fingerprint")
    expect(found == certificate.fingerprint, "that is not the certificate's fingerprint")
    say("The fingerprint is that of the provider's certificate, so this certificate may be trusted:")
    log_in["Fingerprint"] = found
    answer = call(machine, "read", {"action": "check-credentials", **log_in})
    expect(answer["messages"] == MESSAGES, "the mailbox has another number of messages")

    tell("Add a connector", f"The mail of that account is for {ACCOUNT} from now on.")
    request = {**log_in, "Account": ACCOUNT, "Delete": "-1", "Time": "30"}
    name = str(call(machine, "create", request)["name"])
    tell("List the connectors", "By account. With `redact`, passwords are left out.")
    list_connectors(machine, name)
    return name


def fetch_twice(machine: Machine, name: str, sent: list[bytes]) -> None:
    expected = sorted(message.replace(b"\r\n", b"\n") for message in sent)
    tell(
        "Fetch the mail",
        "Each run is a systemd unit of its own: not root, in a sandbox, with nothing but its own mail and "
        "state in sight. Its journal tells what it does:",
    )
    run(machine, name)
    tell("Look at the mail", f"It is in the Maildir {MAILDIR}:")
    type_command(f"ls {MAILDIR}/new | tail -n 3")
    quote(machine.run(["sh", "-c", f"ls {MAILDIR}/new | tail -n 3"]).stdout.splitlines())
    delivered = read_maildir(machine)
    say(f"{len(delivered)} messages. One of them begins:")
    quote(delivered[0].decode().splitlines()[:4])
    expect(sorted(delivered) == expected, "what was delivered is not what the provider has")
    say(f"Each of the {len(sent)} is there once, byte for byte (with the line ends of Unix).")

    tell("List again", "The connector is what it was, and `Delete: -1` leaves the provider's copies alone.")
    list_connectors(machine, name)
    tell("Fetch once more", "What was fetched is recorded, so nothing may come twice.")
    run(machine, name)
    expect(sorted(read_maildir(machine)) == expected, "something came twice")
    say(f"Still {len(sent)} messages.")


def break_and_mend(machine: Machine, provider: Dovecot, name: str) -> None:
    tell("Let something go wrong", "The password is changed at the provider, and one more message arrives.")
    provider.set_password(USERNAME, NEW_PASSWORD)
    provider.fill(USERNAME, 1, SIZE)
    command(machine, "cockpit-getmail", "run", "--follow", name, status=REFUSED)
    say("How the connectors are, and what to do next:")
    command(machine, "cockpit-getmail", "status")
    expect(read_status(machine) == "INVALID_CREDENTIALS", "the status does not tell of a refused log-in")
    tell(
        "Mend it, and let the schedule do the rest",
        "A password is asked for or read from standard input; it is never an argument. With a new one the "
        "connector is due at once, and the timer, which looks each minute for what is due, runs it.",
    )
    command(machine, "cockpit-getmail", "edit", name, "--password-stdin", stdin=f"{NEW_PASSWORD}\n")
    command(machine, "systemctl", "enable", "--quiet", "--now", "cockpit-getmail.timer")
    wait_until(lambda: len(read_maildir(machine)) == MESSAGES + 1, "the schedule fetched nothing")
    say("It is here:")
    wait_until(lambda: read_status(machine) == "OK", "the status is not OK")
    command(machine, "cockpit-getmail", "status")
    command(machine, "cockpit-getmail", "history", name)
    tell("Is all the mail still there?", "Each message recorded as delivered is looked for in its Maildir:")
    command(machine, "cockpit-getmail", "verify", name)


def list_connectors(machine: Machine, name: str) -> None:
    answer = call(machine, "read", {"action": "list", "redact": True})
    names = [record["name"] for group in answer["connectors"].values() for record in group]
    expect(names == [name], "the list has other connectors")
    expect(PASSWORD not in json.dumps(answer), "the list shows the password")


def run(machine: Machine, name: str) -> None:
    since = machine.run(["date", "+%F %T.%6N"]).stdout.strip()
    unit = call(machine, "execute", {"action": "run", "name": name})["unit"]
    argv = ["journalctl", f"--unit={unit}", "--follow", "--output=cat", f"--since={since}"]
    type_command(shlex.join(argv))
    with subprocess.Popen(
        machine.argv(*argv), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    ) as follower:
        assert follower.stdout
        reader = threading.Thread(target=quote, args=(follower.stdout,))
        reader.start()
        try:
            wait_for_end(machine, unit)
            machine.run(["journalctl", "--sync"])
            time.sleep(0.3)
        finally:
            follower.terminate()
            reader.join()


def look_around(machine: Machine, cockpit: Cockpit) -> None:
    tell(
        "See it in Cockpit",
        "The same connector, for people who would rather click. A browser on this computer warns of a "
        "certificate that Cockpit signed itself; once you are in, “Limited access” turns on administrative "
        "access, with the same password.",
    )
    say(f"Open {cockpit.url}/getmail and log in as {ADMIN.name}, password {ADMIN.password}")
    tell("Look around", "Machine and provider still run. A shell in the machine, from another terminal:")
    type_command(f"nsenter --target={machine.pid} --all bash")
    print()
    say("And in it, for example:")
    for command in (
        f"ls {MAILDIR}/new",
        "journalctl --unit='cockpit-getmail-*'",
        f"""echo '{{"action": "list", "redact": true}}' | {LIBEXEC}/read""",
        "systemd-cgls",
        "man cockpit-getmail",
    ):
        type_command(command)
    print()
    wait_for_enter(
        "Press Enter to stop both; nothing of them stays.",
        "Nobody is at this terminal, so both stop now. Nothing of them stays.",
    )


def call(machine: Machine, verb: str, data: Mapping[str, Any], *, status: int = 0) -> dict[str, Any]:
    """Show and make a call of a helper; return its answer."""
    request = json.dumps(data)
    type_command(f"echo {shlex.quote(request)} | {LIBEXEC}/{verb}")
    done = machine.run([f"{LIBEXEC}/{verb}"], input=request, check=False)
    quote((done.stdout + done.stderr).splitlines())
    expect(done.returncode == status, f"{verb} ended with status {done.returncode}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def command(machine: Machine, *argv: str, stdin: str = "", status: int = 0) -> None:
    """Show and run a program of the machine."""
    shown = shlex.join(argv)
    type_command(f"echo {shlex.quote(stdin.strip())} | {shown}" if stdin else shown)
    done = machine.run(argv, input=stdin, check=False)
    quote((done.stdout + done.stderr).splitlines())
    expect(done.returncode == status, f"{argv[0]} ended with status {done.returncode}")


def read_status(machine: Machine) -> str:
    done = machine.run(["cockpit-getmail", "--json", "status"])
    return str(json.loads(done.stdout)["connectors"][0]["status"])


def wait_for_end(machine: Machine, unit: str) -> None:
    def is_over() -> bool:
        done = machine.run(["systemctl", "is-active", unit], check=False)
        return done.stdout.strip() not in UNDER_WAY

    wait_until(is_over, f"{unit} did not end")


def wait_until(holds: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + RUN_SECONDS
    while not holds():
        expect(time.monotonic() < deadline, f"{otherwise} in {RUN_SECONDS:.0f} seconds")
        time.sleep(0.1)


def read_maildir(machine: Machine) -> list[bytes]:
    folders = [machine.root / MAILDIR[1:] / name for name in ("new", "cur")]
    return [path.read_bytes() for folder in folders if folder.is_dir() for path in sorted(folder.iterdir())]


def expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Failed(otherwise)


if __name__ == "__main__":
    sys.exit(main())
