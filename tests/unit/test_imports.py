# SPDX-License-Identifier: LGPL-2.1-or-later
"""Imports run one way: a module imports only from those before it."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

LIB = Path(__file__).parents[2] / "lib"
PACKAGE = "cockpit_getmail"
# Lowest first. A name stands for a module or a package with all that is in it; what is inside one package is
# that package's own affair.
ORDER = [
    "value",
    "words",
    "problem",
    "shape",
    "durable",
    "private_file",
    "environment",
    "days",
    "stop",
    "target",
    "settings",
    "criteria",
    "imap_utf7",
    "folder_list",
    "formats",
    "url",
    "accept",
    "schema",
    "database_file",
    "database",
    "connector",
    "status_file",
    "schedule",
    "sqlite",
    "spool",
    "envelope",
    "ledger",
    "status",
    "retriever.base",  # values and protocols: what state and transport share with the retrievers
    "folders",
    "destination.base",
    "filter.base",
    "matching",
    "state_file",
    "folder_state",
    "state",
    "former",
    "history",
    "quarantine",
    "soundness",
    "removal",
    "endpoint",
    "tls",
    "tunnel",
    "transport",
    "http",
    "oauth.hints",  # what to do about words, whoever said them
    "retriever",
    "destination",
    "filter",
    "report",
    "filtering",
    "delivery",
    "rematch",
    "undelivered",
    "selection",
    "marking",
    "copies",
    "folder_plan",
    "fetch_folder",
    "baseline",
    "fetch",
    "search",
    "record",
    "run",
    "verification",
    "inquiry",
    "remote",
    "relay",
    "units",
    "login.sealed",
    "oauth",
    "login",
    "callbacks",
    "launch",
    "signin",
    "actions",
    "scheduler",
    "helper",
    "client",
    "command",
    "usage",
    "cli",
    "__main__",
]
# A fetch meets the first of them. What else there is `make check-lower` tests with mail, too, by the packages
# that lead to it: BEYOND in tests/mail/conftest.py.
USE_LIBRARIES = {
    *("endpoint", "formats", "report", "schema", "settings", "tls"),
    *("client.mailbox", "command", "oauth.flows", "remote.certificate", "retriever.imap_client"),
}
MODULES = {
    ".".join(path.relative_to(LIB).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted((LIB / PACKAGE).rglob("*.py"))
}


@pytest.mark.parametrize("module", [name for name in MODULES if name != PACKAGE])
def test_imports_only_from_those_before_it(module: str) -> None:
    later = [name for name in find_imports(module) if rank(name) > rank(module)]
    assert not later


def test_libraries_are_used_by_these() -> None:
    known, found = sys.stdlib_module_names | {PACKAGE}, set()
    for module in MODULES:
        if any(name.split(".")[0] not in known for name in find_all_imports(module)):
            name = module.removeprefix(f"{PACKAGE}.")
            found.add("command" if name.startswith("command.") else name)
    assert found == USE_LIBRARIES


def test_package_itself_imports_nothing() -> None:
    script = f"import sys; sys.path[:0] = [{str(LIB)!r}]; old = set(sys.modules); import {PACKAGE}"
    argv = [sys.executable, "-IS", "-c", f"{script}; print(*set(sys.modules) - old)"]
    assert subprocess.run(argv, check=True, capture_output=True, text=True).stdout.split() == [PACKAGE]


def rank(module: str) -> int:
    """Return the place of a module of ours in ORDER."""
    name = module.removeprefix(PACKAGE).removeprefix(".")
    while name and name not in ORDER:
        name = name.rpartition(".")[0]
    assert name, f"{module} has no place in ORDER"
    return ORDER.index(name)


def find_imports(module: str) -> Iterator[str]:
    """Yield the modules of ours that this one imports, wherever in it."""
    return (name for name in find_all_imports(module) if name.startswith(f"{PACKAGE}."))


@cache
def find_all_imports(module: str) -> list[str]:
    found = []
    for node in find_statements(ast.parse(MODULES[module].read_bytes())):
        if isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found += [name if name in MODULES else str(node.module) for name in names]
        elif isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
    return found


def find_statements(node: ast.AST) -> Iterator[ast.AST]:
    """Yield all that is below a node but expressions, which are most of it."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.expr):
            yield child
            yield from find_statements(child)
