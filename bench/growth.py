# SPDX-License-Identifier: LGPL-2.1-or-later
"""What grows with the number of messages, with the size of one, and with the number of connectors."""

import random
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from bench import BUILD, large, peak, table
from bench.helpers import Call, make_request
from bench.large import PEAK_LIMIT, PROTOCOLS
from bench.mailboxes import SETTLE_SECONDS
from bench.pairs import Usage, once
from bench.peers import OURS, Protocol
from bench.place import Place

FOLDER = BUILD / "connectors"
SMALL = (1000, 2000)
"""Octets of a message, from and to: so that the time is one of messages and not of octets."""
MESSAGE_LIMIT = 1.3
CONNECTOR_LIMIT = 1.1
"""What a connector among the most may cost of what it costs among fewer: a tenth is noise."""
LIST_SECONDS, CREATE_SECONDS = 0.5, 0.15


@dataclass(frozen=True)
class Scale:
    """Numbers of messages, fetches and polls of each, octets of one message, connectors, calls with each."""

    messages: Sequence[int] = (2000, 20_000, 100_000)
    rounds: int = 3
    polls: int = 5
    octets: int = 1 << 30
    connectors: Sequence[int] = (10, 1000, 10_000)
    calls: int = 9


QUICK = Scale((200, 1000, 2000), 1, 1, 32 << 20, calls=2)


def sections(quick: bool) -> Iterator[table.Section]:
    scale = QUICK if quick else Scale()
    with Place({str(count): small_sizes(count) for count in scale.messages}, "growth") as place:
        filled = time.monotonic()
        yield from _connectors(scale)
        yield large.section(scale.octets)
        if not quick:
            time.sleep(max(0.0, filled + SETTLE_SECONDS - time.monotonic()))
        for protocol in PROTOCOLS:
            yield _messages(place, protocol, scale)


def small_sizes(count: int) -> list[int]:
    source = random.Random(count)
    return [source.randint(*SMALL) for _ in range(count)]


def _messages(place: Place, protocol: Protocol, scale: Scale) -> table.Section:
    least, most = scale.messages[0], scale.messages[-1]
    head = ("messages", "first fetch", "a message", f"that of {least}", "peak memory", "poll, nothing new")
    found = table.Section(f"Small messages, {protocol}", head)
    fetchers = {count: place.fetcher(OURS, protocol, str(count), 0) for count in scale.messages}
    for fetcher in fetchers.values():
        fetcher.measure = peak.measure
    first: dict[int, list[Usage]] = {count: [] for count in scale.messages}
    for _ in range(scale.rounds):
        for count, fetcher in fetchers.items():
            first[count].append(once(fetcher))
    for count, fetcher in fetchers.items():
        fetcher.keep()
        polls = [once(fetcher) for _ in range(1 + scale.polls)][1:]
        each, least_each = (median(u.seconds for u in first[n]) / n for n in (count, least))
        memory = max(usage.peak for usage in (*first[count], *polls))
        cells = [
            table.show_seconds(each * count),
            f"{each * 1e6:.0f} us",
            f"x {each / least_each:.2f}",
            table.show_octets(memory),
            table.show_seconds(median(usage.seconds for usage in polls)),
        ]
        if count == most:
            target = f"<= {MESSAGE_LIMIT} x, < {PEAK_LIMIT >> 20} MiB"
            met = each <= MESSAGE_LIMIT * least_each and memory < PEAK_LIMIT
            found.rows.append(table.Row(str(count), cells, target, met))
        else:
            found.rows.append(table.Row(str(count), cells))
    return found


def _connectors(scale: Scale) -> Iterator[table.Section]:
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    try:
        yield _calls("read", LIST_SECONDS, scale)
        yield _calls("create", CREATE_SECONDS, scale)
    finally:
        shutil.rmtree(FOLDER)


def _calls(verb: str, limit: float, scale: Scale) -> table.Section:
    """Call a helper with no connectors and with each number of them in turn."""
    numbers = [0, *scale.connectors]
    calls = {
        number: Call(
            verb, {"action": "list"} if verb == "read" else make_request(verb, number), FOLDER, number
        )
        for number in numbers
    }
    seconds: dict[int, list[float]] = {number: [] for number in numbers}
    for turn in range(1 + scale.calls):
        for number, call in calls.items():
            usage = once(call)
            if turn:
                seconds[number].append(usage.seconds)
    middle = {number: median(found) for number, found in seconds.items()}
    found = table.Section(
        f"Connectors in the database, {calls[0].name}",
        ("connectors", "seconds", "above none", "a connector"),
        remarks=[f"Linear: a connector costs at most {CONNECTOR_LIMIT} x that with {scale.connectors[-2]}."],
    )
    for number in numbers:
        above = middle[number] - middle[0]
        cells = [table.show_seconds(middle[number])]
        cells += [table.show_seconds(above), f"{above / number * 1e6:.1f} us"] if number else ["", ""]
        if number == numbers[-1]:
            target = f"< {limit} s, linear"
            met = middle[number] < limit and is_linear(middle, *numbers[-2:])
            found.rows.append(table.Row(str(number), cells, target, met))
        else:
            found.rows.append(table.Row(str(number), cells))
    return found


def is_linear(seconds: dict[int, float], few: int, many: int) -> bool:
    """Whether the time above that of none grows as the number does."""
    return (seconds[many] - seconds[0]) / many <= CONNECTOR_LIMIT * (seconds[few] - seconds[0]) / few
