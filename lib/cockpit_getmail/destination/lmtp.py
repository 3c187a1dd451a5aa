# SPDX-License-Identifier: LGPL-2.1-or-later
"""Delivery by LMTP (RFC 2033): one connection for all messages of a run, one transaction for each of them.

Only what the server has confirmed is delivered. Where the connection ends before that, the message comes
again in a later run: the server may have it twice, and never not at all.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from cockpit_getmail.destination.base import POSTPONED, REFUSED, Refusal, Staged
from cockpit_getmail.destination.lmtp_message import Message, is_international, make_recipient
from cockpit_getmail.destination.lmtp_session import open_session
from cockpit_getmail.endpoint import Endpoint
from cockpit_getmail.envelope import HEADER_LIMIT, find_sender
from cockpit_getmail.problem import Problem, failure, printable, quoted
from cockpit_getmail.spool import Spool
from cockpit_getmail.target import parse_host_and_port

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cockpit_getmail.destination import Target
    from cockpit_getmail.destination.lmtp_reply import Answer
    from cockpit_getmail.destination.lmtp_session import Patience, Session
    from cockpit_getmail.durable import StrPath
    from cockpit_getmail.settings import Settings
    from cockpit_getmail.words import Cause

BREAKS = 3
"""When the connection breaks so often in a run, it ends, though the server has taken others in between."""
NOT_NOW = (500, 502, 503, 530)
"""Replies to MAIL that tell of the session and of no message, such as that it wants TLS."""

HINTS: Mapping[Cause, str] = {
    "delivery": "Check that the LMTP server runs and takes mail for this account.",
    "quota": "Make room in the account's mailbox; the next run goes on from there.",
}


def make(target: Target, settings: Settings, token: str, state_folder: StrPath) -> Lmtp:
    """Return the LMTP server that is a connector's target. Raises Problem (settings, delivery)."""
    return Lmtp(target, settings, state_folder)


class Lmtp:
    """The mail of one account by LMTP. Large messages wait in `state_folder`."""

    batch_messages = 25
    remembers = False

    def __init__(
        self, target: Target, settings: Settings, state_folder: StrPath, patience: Patience | None = None
    ) -> None:
        self.location = target.location
        self.trouble: Problem | None = None
        self._account = target.account
        self._folder = target.folder
        self._delimiter = settings.recipient_delimiter
        self._endpoint = _find_endpoint(target.place, settings)
        self._tls = settings.lmtp_tls
        self._state_folder = state_folder
        self._patience = patience
        self._messages: dict[str, Message] = {}
        self._session: Session | None = None
        self._is_met = self._takes_utf8 = False
        self._under_way: list[Message] = []
        self._confirmed = self._postponed = self._refused = self._breaks = 0
        self._address(self._folder)

    def require_folders(self) -> None:
        if not self._delimiter:
            raise _nameless("folders")

    def stage(self, folder: str | None = None) -> LmtpStaging:
        if not self._is_met:
            # If nothing can be delivered, nothing has to be fetched.
            self._is_met = True
            self._meet()
        recipient = make_recipient(self._account)
        if self._delimiter or folder is None:
            recipient = self._address(self._folder if folder is None else self._spell(folder))
        return LmtpStaging(self, recipient)

    def sync(self, batch: Sequence[Staged]) -> None:
        """Nothing of it has to outlive this process: what is not confirmed comes again."""

    def discard(self, batch: Sequence[Staged]) -> None:
        for staged in batch:
            if message := self._messages.pop(staged.name, None):
                message.spool.close()

    def publish(self, batch: Sequence[Staged]) -> Mapping[str, Refusal]:
        messages = [self._messages[staged.name] for staged in batch]
        answers: dict[str, Answer] = {}
        refused: dict[str, Refusal] = {}
        waiting = messages
        while waiting and not self.trouble:
            try:
                self._transmit(waiting, answers, refused)
                break
            except Problem as problem:
                waiting = self._break_off(self._explain(problem), answers, refused)
        self.discard(batch)
        is_refused = self._look_back(messages, answers)
        for message in messages:
            answer = answers.get(message.name)
            if not answer:
                refused.setdefault(message.name, self._leave(message))
            elif not answer.reply.is_positive:
                for_good = _is_for_good(answer) and not is_refused
                refused[message.name] = Refusal(self._tell(message, answer), for_good, tried=not is_refused)
        return refused

    def recover(self, open_intents: Iterable[Staged]) -> set[str]:
        """Nothing is known of what a run delivered that was cut off."""
        return set()

    def close(self) -> None:
        if self._session:
            self._session.quit()
            self._session = None
        for name in list(self._messages):
            self.discard([Staged(name, 0)])

    def take(self, message: Message) -> Staged:
        """Take in a message that is whole."""
        self._messages[message.name] = message
        return Staged(message.name, message.size)

    def new_spool(self) -> Spool:
        return Spool(self._state_folder)

    def _address(self, folder: str) -> str:
        """Return the recipient that stands for a folder of the account."""
        if not folder or folder.upper() == "INBOX":
            return make_recipient(self._account)
        if not self._delimiter:
            raise _nameless(f"the folder {quoted(folder)}")
        return make_recipient(self._account, self._delimiter + folder)

    def _spell(self, folder: str) -> str:
        """Return how a folder is named to this server, with `=XX` for octets of UTF-8 where it takes none.

        So it is with letters that no address has. Others decided what it is called, and no mail has to wait
        for that.
        """
        if self._takes_utf8 and folder.isprintable():
            return folder
        return re.sub(r"[^\0-\x7f]", lambda match: "".join(f"={o:02X}" for o in match[0].encode()), folder)

    def _meet(self) -> None:
        try:
            self._session = open_session(self._endpoint, self._tls, self._patience)
            self._takes_utf8 = "SMTPUTF8" in self._session.offers
        except Problem as problem:
            raise self._explain(problem) from problem

    def _transmit(
        self, messages: list[Message], answers: dict[str, Answer], refused: dict[str, Refusal]
    ) -> None:
        """Send messages; put what the server says of them into `answers`, and what it need not be asked."""
        self._under_way = []
        session = self._ready()
        fitting = []
        for message in messages:
            if 0 < session.size_limit < message.size:
                reason = f"{self._endpoint.server} takes no more than {session.size_limit} octets."
                refused[message.name] = Refusal(reason, for_good=True)
            else:
                fitting.append(message)
        self._under_way = fitting
        for message, answer in session.transmit(fitting, lambda: not self.trouble):
            answers[message.name] = answer
            self._under_way = self._under_way[1:]
            self._note(message, answer)
        self._under_way = []

    def _break_off(
        self, problem: Problem, answers: dict[str, Answer], refused: dict[str, Refusal]
    ) -> list[Message]:
        """Return what is still to be sent after the connection broke, if that was for one message only."""
        unsettled = self._session.unsettled if self._session else None
        self._drop()
        self._breaks += 1
        is_last = self._breaks == BREAKS
        is_asked = bool(self._under_way) and (unsettled is not None or not is_last)
        is_sound = is_asked and self._is_known(self._under_way[0].recipient)
        if unsettled and is_sound:
            answers[self._under_way.pop(0).name] = unsettled
            self._confirmed += 1
        if not self._under_way or is_last or not is_sound:
            self.trouble = problem
            return []
        broken, *waiting = self._under_way
        refused[broken.name] = Refusal(problem.message, for_good=False)
        return waiting

    def _ready(self) -> Session:
        """Return a session that is known to be alive: while messages were fetched, this one was silent."""
        if self._session:
            try:
                self._session.reset()
                return self._session
            except Problem:
                self._drop()
        self._session = open_session(self._endpoint, self._tls, self._patience)
        return self._session

    def _note(self, message: Message, answer: Answer) -> None:
        """See whether an answer tells that there is no use in going on."""
        reply = answer.reply
        self._confirmed += reply.is_positive
        self._refused += _is_for_good(answer)
        is_postponed = answer.stage == "RCPT" and not reply.is_positive and not reply.is_for_good
        self._postponed = self._postponed + 1 if is_postponed else 0
        is_over = (
            (answer.stage != "DATA" and _is_full(answer))
            or (answer.stage == "MAIL" and not (reply.is_positive or reply.is_for_good))
            or (answer.stage == "MAIL" and reply.code in NOT_NOW)
            or self._postponed == POSTPONED
            or (self._refused == REFUSED and not self._confirmed)
        )
        if is_over:
            self._stop(message, answer)

    def _look_back(self, messages: list[Message], answers: Mapping[str, Answer]) -> bool:
        """See whether the answers to a whole batch tell what none of them tells.

        Returns whether the account itself is refused.
        """
        found = [(message, answers[message.name]) for message in messages if message.name in answers]
        full = [each for each in found if _is_full(each[1])]
        if full and not self.trouble:
            self._stop(*full[0])
        is_refused = (
            (bool(found) and not self._confirmed)
            # Also if the server then tires of refusing.
            and all(answer.stage != "DATA" and _is_for_good(answer) for _, answer in found)
            and not self._is_known(found[0][0].recipient)
        )
        if is_refused:
            self._stop(*found[0], " Does this account exist there?")
        return is_refused

    def _is_known(self, recipient: str) -> bool:
        """Whether the server would take mail for it: then what it refuses are senders, or sizes."""
        try:
            return self._ready().would_take(Message("", self.new_spool(), "", recipient))
        except Problem:
            return False
        finally:
            self._drop()

    def _stop(self, message: Message, answer: Answer, advice: str = "") -> None:
        cause: Cause = "quota" if _is_full(answer) else "delivery"
        self.trouble = failure(cause, self._tell(message, answer) + advice, hint=HINTS[cause])

    def _leave(self, message: Message) -> Refusal:
        """Return why there is no answer to a message: the first of them may be why the connection broke."""
        blame = self.trouble.message if self.trouble else "It was not tried."
        return Refusal(blame, for_good=False, tried=message in self._under_way[:1])

    def _tell(self, message: Message, answer: Answer) -> str:
        refused = {
            "MAIL": f"the sender <{message.sender}>",
            "RCPT": f"the recipient <{message.recipient}>",
            "DATA": "the message",
        }[answer.stage]
        return f"{self._endpoint.server} refuses {printable(refused)}: {answer.reply.words}"

    def _explain(self, problem: Problem) -> Problem:
        """Return why nothing can be delivered, told apart from what may be wrong with the mailbox."""
        if problem.cause == "settings":
            message = "The file that LMTP_CA_FILE names holds no certificate in PEM form."
            return failure("settings", message, setting="LMTP_CA_FILE")
        if problem.cause == "internal":
            return problem
        if problem.cause in HINTS:
            return failure(problem.cause, problem.message, hint=HINTS[problem.cause])
        advice = " See the settings LMTP_TLS and LMTP_CA_FILE." if problem.cause == "tls" else ""
        return failure("delivery", f"Delivery by LMTP: {problem.message}{advice}", hint=HINTS["delivery"])

    def _drop(self) -> None:
        if self._session:
            self._session.drop()
            self._session = None


class LmtpStaging:
    """One message on its way in."""

    def __init__(self, destination: Lmtp, recipient: str) -> None:
        self._destination = destination
        self._recipient = recipient
        self._spool = destination.new_spool()

    def write(self, data: bytes) -> None:
        self._spool.write(data)

    def finish(self) -> Staged:
        head = self._spool.head(HEADER_LIMIT)
        message = Message(
            os.urandom(16).hex(),
            self._spool,
            find_sender(head),
            self._recipient,
            is_international(head),
        )
        return self._destination.take(message)

    def abort(self) -> None:
        self._spool.close()


def _nameless(what: str) -> Problem:
    message = (
        f"To deliver into {what} by LMTP takes the setting RECIPIENT_DELIMITER, "
        "such as +, and a server that knows it."
    )
    return failure("settings", message, setting="RECIPIENT_DELIMITER")


def _is_for_good(answer: Answer) -> bool:
    """Whether the message will never be taken."""
    is_own = answer.stage != "MAIL" or answer.reply.code not in NOT_NOW
    return answer.reply.is_for_good and is_own and not _is_full(answer)


def _is_full(answer: Answer) -> bool:
    """Whether there is no room. A code alone may also tell of the message: that it is too large."""
    reply = answer.reply
    return reply.is_full or (answer.stage == "RCPT" and reply.code == 552 and not reply.enhanced)


def _find_endpoint(place: str, settings: Settings) -> Endpoint:
    if place.startswith("unix:"):
        return Endpoint(place.removeprefix("unix:"), 0)
    found = parse_host_and_port(place)
    if not found:
        raise failure("settings", f"lmtp:{printable(place)} names no server.", setting="DESTINATION")
    return Endpoint(*found, ca_pem=_read_authorities(settings.lmtp_ca_file))


def _read_authorities(path: str) -> str | None:
    if not path:
        return None
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "it is no text"
        message = f"The file {printable(path)} that LMTP_CA_FILE names cannot be read: {reason}."
        raise failure("settings", message, setting="LMTP_CA_FILE") from error
