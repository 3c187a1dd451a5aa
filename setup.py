# SPDX-License-Identifier: LGPL-2.1-or-later
"""What setup.cfg cannot say: how the code is made that accepts valid inputs (cockpit_getmail.accept)."""

import ast
import re
import sys
from pathlib import Path
from typing import Any

import fastjsonschema
from setuptools import setup
from setuptools.command.build_py import build_py

sys.path.insert(0, str(Path(__file__).parent / "lib"))

from cockpit_getmail import accept, schema
from cockpit_getmail.formats import FORMATS

FOLDER = Path(accept.__file__).parent
SCHEMAS = Path(accept.SCHEMAS).resolve()
ANNOTATIONS = {"$schema", "title", "description", "default", "examples", "writeOnly", "x-error"}
TYPES = {"object", "string", "integer", "boolean", "null"}
LITERAL = re.compile(r"\\.|\[\^?\]?(?:\\.|[^]\\])*\]")
"""The parts of a pattern in which `$` would stand for itself: what is escaped, and sets."""
HEADER = """\
# SPDX-License-Identifier: LGPL-2.1-or-later
# Made of the schemas with fastjsonschema; see setup.py.
from cockpit_getmail.accept import NotAccepted as JsonSchemaValueException
from cockpit_getmail.accept import Patterns

JsonSchemaValuesException = JsonSchemaValueException
Decimal = float
NoneType = type(None)
REGEX_PATTERNS = Patterns()
SOURCES = {sources}

{code}
"""


class BuildPy(build_py):  # type: ignore[misc]
    """Make the code first: then it is packed like the rest."""

    def run(self) -> None:
        for path, code in make_all().items():
            # Not while nothing changes: helpers may be running.
            if not path.exists() or path.read_text() != code:
                path.write_text(code)
        super().run()


def make_all() -> dict[Path, str]:
    """Return the code of each module that is to be."""
    made = {}
    for path in sorted(SCHEMAS.glob("*/*.input.json")):
        name = str(path.relative_to(SCHEMAS))
        sources = {source: accept.checksum(source) for source in sorted(find_sources(path))}
        module = accept.module_name(*name.removesuffix(".input.json").split("/"))
        made[FOLDER / f"{module}.py"] = HEADER.format(sources=sources, code=make(schema.load(name)))
    return made


def find_sources(path: Path) -> set[str]:
    """Return the names of a schema file and of those it refers to."""
    found = {str(path.relative_to(SCHEMAS))}
    for name in re.findall(r'"\$ref":\s*"([^"#]+)', path.read_text()):
        found |= find_sources((path.parent / name).resolve())
    return found


def make(content: dict[str, Any]) -> str:
    """Return the code of a function `validate`; JsonSchemaValueException is what it raises for faulty data.

    `content` is a schema without $ref. Raises ValueError for one of which it is not certain that
    fastjsonschema, which knows older drafts, and jsonschema agree.
    """
    content = {"$schema": "http://json-schema.org/draft-07/schema", **reduce_schema(content)}
    tree = ast.parse(fastjsonschema.compile_to_code(content, formats=FORMATS, use_default=False))
    check_patterns(tree)
    # Nobody reads what is wrong, and all of the schema would stand in it.
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            node.exc = node.exc.func
    return "\n\n".join(ast.unparse(node) for node in tree.body if isinstance(node, ast.FunctionDef))


def check_patterns(tree: ast.Module) -> None:
    """Raise ValueError for a pattern that is not just its key, from which it is compiled when it is met."""
    tables = [node.value for node in tree.body if isinstance(node, ast.Assign)]
    for table in tables:
        for key, value in zip(table.keys, table.values, strict=True) if isinstance(table, ast.Dict) else ():
            if not key or ast.unparse(value) != f"re.compile({ast.unparse(key)})":
                raise ValueError(f"fastjsonschema changes a pattern: {ast.unparse(value)}")


def reduce_schema(content: dict[str, Any]) -> dict[str, Any]:
    """Return a schema without annotations. Raises ValueError."""
    return {
        keyword: reduce_rule(keyword, rule, content)
        for keyword, rule in content.items()
        if keyword not in ANNOTATIONS
    }


def reduce_rule(keyword: str, rule: Any, content: dict[str, Any]) -> Any:
    match keyword:
        case "required" | "minLength" | "maxLength":
            return rule
        case "type" if rule == "array" or TYPES.issuperset([rule] if isinstance(rule, str) else rule):
            return rule
        case "items" if content.get("type") == "array" and isinstance(rule, dict):
            return reduce_schema(rule)
        case "minItems" | "maxItems" if content.get("type") == "array":
            return rule
        case "additionalProperties" if rule is False:
            return rule
        case "format" if rule in FORMATS:
            return rule
        # Not for numbers: to Python, 1 is True.
        case "const" if isinstance(rule, str):
            return rule
        case "enum" if all(item is None or isinstance(item, str) for item in rule):
            return rule
        case "minimum" | "maximum" if content.get("type") in ("integer", ["integer", "string"]):
            return rule
        # fastjsonschema takes `$` for the very end, Python's re also for the place before a last LF.
        case "pattern" if "$" not in "".join(LITERAL.findall(rule)):
            return rule.replace("$", r"(?=\n?\Z)")
        case "not" | "if" | "then":
            return reduce_schema(rule)
        case "allOf" | "anyOf":
            return [reduce_schema(item) for item in rule]
        case "properties":
            return {name: reduce_schema(item) for name, item in rule.items()}
    raise ValueError(f"jsonschema and fastjsonschema may not agree on {keyword}: {rule!r}")


if __name__ == "__main__":
    setup(cmdclass={"build_py": BuildPy})
