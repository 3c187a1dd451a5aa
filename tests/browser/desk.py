# SPDX-License-Identifier: LGPL-2.1-or-later
"""A mailbox as people have them, for looking into it."""

import base64
import os
import time
from email.utils import formatdate

from tests.support.dovecot import Dovecot

DESK = "helpdesk@example.net"
HOUR = 3600
MAIL = (
    ("Anna Bianchi <anna.bianchi@example.net>", "The new printer on the second floor", 320),
    ("Build service <builds@example.org>", "Nightly build 2817 succeeded", 91),
    ("Marta Greco <marta.greco@example.com>", "Re: Access to the archive", 75),
    (
        "Carlo Neri <carlo.neri@example.com>",
        "Minutes of the meeting: who does what by when",
        52,
    ),
    ("Backup <backup@example.org>", "Backup of 3 hosts: all complete", 27),
    ("Sales <sales@example.org>", "Offer 2026-311", 20),
    ("Bruno Costa <bruno.costa@example.com>", "Laptop does not wake up after the update", 6),
    ("Office Supplies Ltd <billing@supplies.example>", "Invoice 2026-118", 2),
)
"""From whom, about what, how many hours ago; the oldest first."""
READ = 5
FOLDERS = {
    "Archive/2025": 214,
    "Archive/2026": 187,
    "Projects/Migration": 41,
    "Projects/Website": 18,
    "Sent": 96,
}
INVOICE = """Dear colleagues,

attached is the invoice for the toner cartridges that you ordered on 12 November. It is due within 30 days.

If an item is missing or damaged, please answer within a week and name the number of the invoice.

Kind regards
Office Supplies Ltd, Billing
""".replace("\n", "\r\n")


def fill_desk(provider: Dovecot) -> None:
    """Put folders and messages into it."""
    for name, count in FOLDERS.items():
        provider.make_folder(DESK, name)
        provider.fill(DESK, count, 900, folder=name)
    for number, (sender, subject, hours) in enumerate(MAIL):
        provider.add_message(DESK, write(sender, subject, hours))
        [path] = (provider.maildir(DESK) / "new").iterdir()
        came = time.time() - hours * HOUR
        os.utime(path, (came, came))
        path.rename(provider.maildir(DESK) / "cur" / f"{path.name}:2,{'S' * (number < READ)}")


def write(sender: str, subject: str, hours: int) -> bytes:
    """Return a message; that of the invoice has it with it."""
    invoice = base64.encodebytes(bytes(81_234)).decode().replace("\n", "\r\n")
    date = formatdate(time.time() - hours * HOUR)
    head = f"From: {sender}\r\nTo: {DESK}\r\nSubject: {subject}\r\nDate: {date}\r\nMIME-Version: 1.0\r\n"
    parts = (
        f"Content-Type: text/plain\r\n\r\n{INVOICE}",
        "Content-Type: application/pdf\r\nContent-Disposition: attachment; filename=Invoice-2026-118.pdf\r\n"
        f"Content-Transfer-Encoding: base64\r\n\r\n{invoice}",
    )
    body = "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + "".join(
        f"--b\r\n{part}\r\n" for part in parts
    )
    return (head + (f"{body}--b--\r\n" if subject.startswith("Invoice") else "\r\nSee you.\r\n")).encode()
