# SPDX-License-Identifier: LGPL-2.1-or-later
"""What may be said to `cockpit-getmail`."""

import argparse
import ast
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from cockpit_getmail import command, usage
from cockpit_getmail.command import props
from tests.support.schemas import FOLDER, load

HANDLED_ELSEWHERE = {"fetch", "imap", "schedule"}
COMMANDS = [
    *("list", "show", "add", "edit", "remove", "enable", "disable", "reset", "check"),
    *("run", "baseline", "cancel", "verify", "authorize"),
    *("status", "history", "log", "quarantine", "retry", "skip", "accounts", "info"),
    *("seal", "unseal"),
    *("folders", "preview", "messages", "message", "files", "file", "server"),
    *("mark", "delete-messages", "copy", "move", "append", "folder"),
    *("fetch", "imap", "schedule"),
]
# By methods of the client, which tests/unit/client holds against the schemas.
BY_METHOD = {"execute/verify", "execute/baseline", "read/progress"}


@cache
def subparsers() -> dict[str, argparse.ArgumentParser]:
    [action] = [
        action for action in usage.make_parser()._actions if isinstance(action, argparse._SubParsersAction)
    ]
    return dict(action.choices)


def test_commands_are_these() -> None:
    assert list(subparsers()) == COMMANDS


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_each_command_has_an_example(name: str) -> None:
    text = subparsers()[name].format_help()
    assert f"usage: cockpit-getmail {name}" in text
    assert f"example:\n  cockpit-getmail {name}" in text


@pytest.mark.parametrize("name", COMMANDS)
def test_examples_can_be_said(name: str) -> None:
    words = str(subparsers()[name].epilog).split("cockpit-getmail ", 1)[1].split()
    options = usage.parse(words)
    assert options.command == name
    assert callable(getattr(options, "handler", None)) == (name not in HANDLED_ELSEWHERE)


@pytest.mark.long
@pytest.mark.parametrize("page", ["README.md", "docs/mailbox.md", "docs/oauth2.md"])
def test_commands_in_the_documentation_can_be_said(page: str) -> None:
    text = (FOLDER.parent / page).read_text().replace("\\\n", "")
    lines = re.findall(r"^    (?:# )?cockpit-getmail (.*)$", text, re.MULTILINE)
    assert [usage.parse(shlex.split(line, comments=True)).command for line in lines]


def test_each_prop_can_be_given() -> None:
    for name, file in (("add", "create/create"), ("edit", "update/update")):
        others = {"action", "name", "exact", "account", "type", *props.CONTEXT_IO}
        properties = load(f"{file}.input.json")["properties"].keys() - others
        flags = subparsers()[name]._option_string_actions
        missing = [prop for prop in properties if not {*str(props.flag(prop)).split(", ")} <= flags.keys()]
        assert not missing


def test_man_page_has_each_command_and_option() -> None:
    page = (FOLDER.parent / "docs/cockpit-getmail.8").read_text().replace("\\-", "-")
    commands = subparsers()
    missing = [name for name in commands if not re.search(rf"^\.(TP\n\.)?B.*\b{name}\b", page, re.MULTILINE)]
    options = {flag for parser in commands.values() for flag in parser._option_string_actions}
    # -y is for fingers; the page has --yes.
    assert missing + sorted(flag for flag in options - {"-y"} if not re.search(rf"{flag}\b", page)) == []


def test_check_takes_what_a_log_in_needs() -> None:
    properties = load("read/check-credentials.input.json")["properties"].keys()
    flags = subparsers()["check"]._option_string_actions
    assert [prop for prop in props.LOGIN if prop not in properties or props.flag(prop) not in flags] == []
    assert set(load("read/check-credentials.input.json")["required"]) - {"action"} <= set(props.LOGIN)


@pytest.mark.long
def test_each_action_is_reachable() -> None:
    actions = {
        str(path.relative_to(FOLDER)).removesuffix(".input.json") for path in FOLDER.glob("*/*.input.json")
    }
    called = {f"{verb}/{action}" for verb, action in find_calls()}
    assert actions - called - BY_METHOD == set()


def find_calls() -> Iterator[tuple[str, str]]:
    """Yield verb and action of each call of a helper in the commands."""
    for path in Path(command.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".call"):
                named = [str(argument.value) for argument in node.args if isinstance(argument, ast.Constant)]
                if len(named) == 2:
                    yield named[0], named[1]


@pytest.mark.parametrize(
    "words",
    [
        ["--json", "--host", "there", "list"],
        ["list", "--json", "--host", "there"],
        ["--json", "list", "--host", "there"],
    ],
)
def test_common_options_may_stand_anywhere(words: list[str]) -> None:
    options = usage.parse(words)
    assert (options.json, options.host) == (True, "there")


def test_common_options_need_not_be_given() -> None:
    options = usage.parse(["list"])
    assert (options.json, options.host) == (False, None)


@pytest.mark.parametrize(
    "words",
    [
        ["add", "--password=canary"],
        ["add", "--password", "canary"],
        ["edit", "me", "--password", "canary"],
        ["check", "me", "--password", "canary"],
        ["--password=canary", "list"],
    ],
)
def test_password_is_no_argument(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert refuse(words) == 64
    said = capsys.readouterr()
    assert "usage: " in said.err
    assert "canary" not in said.out + said.err


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["liste"],
        ["run"],
        ["run", "a", "b"],
        ["check"],
        ["cancel"],
        ["cancel", "me", "--token", "x"],
        ["log"],
        ["edit", "me"],
        ["status", "--ok", "--failing"],
        ["add", "--enabled", "--disabled"],
        ["history", "me", "--limit", "all"],
        ["--json", "fetch", "me"],
        ["--host", "there", "schedule"],
        # Nothing may be shortened: what --de is today it may not be tomorrow.
        ["add", "--de", "0"],
    ],
)
def test_wrong_use_is_told(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert refuse(words) == 64
    assert "usage: " in capsys.readouterr().err


def refuse(words: list[str]) -> Any:
    with pytest.raises(SystemExit) as end:
        usage.parse(words)
    return end.value.code


def test_names_may_begin_with_a_dash() -> None:
    assert usage.parse(["show", "--", "-x"]).name == "-x"
