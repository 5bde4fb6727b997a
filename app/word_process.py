"""Fills one Word template, in a process of its own: started by `app/word.py`, imports nothing of ours.

A template comes from people. Here it meets only texts, lists and mappings: no attribute of an
object, no call, no function, no other file. Whatever it still tries, the limits of the process end it.
In: JSON with the template and the values. Out: the document, or on standard error what is wrong.
"""

from __future__ import annotations

import base64
import io
import json
import resource
import sys
from collections.abc import Mapping
from typing import Any, NoReturn

from docxtpl import DocxTemplate
from jinja2 import StrictUndefined, TemplateSyntaxError, meta, nodes
from jinja2.exceptions import SecurityError, UndefinedError
from jinja2.runtime import LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

MOST_BYTES = 20 * 1024 * 1024
LOOP = frozenset({"index", "index0", "first", "last", "length", "revindex", "revindex0"})
FILTERS = ("default", "join", "length", "first", "last", "trim")
FORBIDDEN = (nodes.Call, nodes.CallBlock, nodes.Macro, nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends, nodes.Block, nodes.FilterBlock)


class Missing(StrictUndefined):
    """A name that the form does not have."""


class Plain(ImmutableSandboxedEnvironment):
    """Names, ifs and loops over plain values; everything else is refused by name."""

    def __init__(self, names: set[str]) -> None:
        super().__init__(undefined=Missing, autoescape=True)
        self.known = names
        self.globals.clear()
        self.filters = {name: self.filters[name] for name in FILTERS}

    def from_string(self, source: Any, globals: Any = None, template_class: Any = None) -> Any:  # noqa: A002 - jinja2's name
        tree = self.parse(source)
        for node in tree.find_all(FORBIDDEN):
            raise SecurityError(_written(node))
        unknown = meta.find_undeclared_variables(tree) - self.known
        if unknown:
            raise UndefinedError(min(unknown))
        return super().from_string(source, globals, template_class)

    def getattr(self, obj: Any, attribute: str) -> Any:
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, Mapping) and argument in obj:
            return obj[argument]
        if isinstance(obj, list) and isinstance(argument, int) and -len(obj) <= argument < len(obj):
            return obj[argument]
        if isinstance(obj, LoopContext) and argument in LOOP:
            return getattr(obj, argument)
        raise UndefinedError(str(argument))


def _written(node: Any) -> str:
    """What to call a forbidden part: the name that is called, else the kind of statement."""
    target = getattr(node, "node", None)
    return str(getattr(target, "attr", None) or getattr(target, "name", None) or type(node).__name__)


def limit(seconds: int, megabytes: int) -> None:
    """No more time, memory, files than filling a form takes."""
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def fill(template: bytes, values: dict[str, Any]) -> bytes:
    """The template with the values in their places."""
    document = DocxTemplate(io.BytesIO(template))
    document.render(values, Plain(set(values)), autoescape=True)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def say(kind: str, name: str = "") -> NoReturn:
    """Report what is wrong and end."""
    sys.stderr.write(json.dumps({"kind": kind, "name": name[:80]}))
    sys.stderr.flush()
    sys.exit(3)


def _near(error: TemplateSyntaxError) -> str:
    """The text of the line that jinja2 stumbled over; docxtpl hands the lines around it along."""
    lines = list(getattr(error, "docx_context", ()))
    place = min(error.lineno - 1, 3)
    return lines[place].strip() if place < len(lines) and lines[place].strip() else str(error.message)


def main() -> None:
    """Read, fill, write."""
    asked = json.load(sys.stdin)
    limit(asked["seconds"], asked["megabytes"])
    try:
        made = fill(base64.b64decode(asked["template"]), asked["values"])
    except UndefinedError as error:
        say("unknown", str(error.message))
    except SecurityError as error:
        say("forbidden", str(error.message))
    except TemplateSyntaxError as error:
        say("syntax", _near(error))
    except (MemoryError, RecursionError):
        say("limit")
    except Exception as error:  # noqa: BLE001 - whatever a broken file makes the libraries raise
        say("broken", type(error).__name__)
    if len(made) > MOST_BYTES:
        say("limit")
    sys.stdout.buffer.write(made)


if __name__ == "__main__":
    main()
