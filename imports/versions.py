"""Which template a file was filled in on: what it knew of the register then, and what is new since.

A template carries a mark of the register's columns in its properties, where only programs look, and at the end of 填表说明, where
people do. Which columns there were stands in the properties too: a column that the sender's role never had is no news.
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from xml.etree import ElementTree as ET

from app import registry
from app.archives import UNREADABLE
from app.language import Text, _l, chinese
from app.register import Register
from imports.leaving import Heading
from imports.targets import targets

NAME, COLUMNS = "yingshang-template", "yingshang-columns"
_SAID = "模板版本"
#: what programs take as one property, and what a file may spend on all of them
_LONGEST, _MOST = 250, 1_000_000


@dataclass(frozen=True)
class Version:
    """A register's key, the mark of its columns, and their names: none are known of templates before there were marks."""

    register: str
    mark: str = ""
    columns: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """`agency/3f9a01bc`."""
        return f"{self.register}/{self.mark}"


def current(cls: type[Register]) -> Version:
    """The version of a template made now."""
    names = [target.name for target in targets(cls)]
    return Version(cls.__key__, hashlib.sha256(" ".join(names).encode()).hexdigest()[:8], frozenset(names))


def properties(version: Version) -> dict[str, str]:
    """What a template's properties say; long lists in several."""
    found, line = {NAME: version.name}, ""
    lines = []
    for name in sorted(version.columns):
        if len(line) + len(name) >= _LONGEST:
            lines.append(line)
            line = ""
        line = f"{line} {name}".strip()
    return found | {f"{COLUMNS}-{place}": text for place, text in enumerate([*lines, line], 1)}


def spoken(version: Version, day: date) -> str:
    """What 填表说明 says at its end."""
    return f"{_SAID} {version.name}（{day.isoformat()}）"


def read(data: bytes, guide: Iterable[Sequence[object]] = ()) -> Version | None:
    """The version that a file says it has: by its properties, else by the rows of its 填表说明; None: it is no template of ours."""
    found = properties_of(data)
    name = found.get(NAME) or next((match[1] for row in guide for cell in row[:1] if (match := re.match(rf"{_SAID} (\S+?)（", str(cell)))), "")
    register, _slash, mark = name.partition("/")
    if not re.fullmatch(r"[a-z_]+", register):
        return None
    names = " ".join(text for key, text in found.items() if key.startswith(COLUMNS))
    return Version(register, mark, frozenset(names.split()))


def properties_of(data: bytes) -> dict[str, str]:
    """The properties that users may name, of an .xlsx; empty for whatever is none."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package, package.open("docProps/custom.xml") as part:
            text = part.read(_MOST + 1)
        if len(text) > _MOST or b"<!" in text:
            return {}
        tree = ET.fromstring(text)  # noqa: S314 - no entities are in it
    except (*UNREADABLE, KeyError, ET.ParseError):
        return {}
    return {each.get("name", ""): "".join(each.itertext()) for each in tree}


def news(version: Version | None, cls: type[Register], asked: Iterable[Heading], present: Collection[str]) -> Text:
    """What to say of a file's template: it is another register's, or older than what is `asked` now. Empty: nothing.

    `present` are the names of the columns that the file does fill (`Target.name`).
    """
    if version is None:
        return ""
    if version.register != cls.__key__:
        other = registry.find(version.register)
        return _l("这是“%(other)s”的模板，不是“%(title)s”的", other=chinese(other.__title__), title=chinese(cls.__title__)) if other else ""
    if version.mark == current(cls).mark:
        return ""
    names = {name_of(column): column.text for column in asked}
    new = [text for name, text in names.items() if name not in version.columns and name not in present] if version.columns else []
    if new:
        return _l("模板是旧版：新增了%(columns)s，本次没有填", columns="、".join(f"“{text}”" for text in new))
    return "" if version.columns else _l("模板是旧版，仍可导入。请下载新模板，看看有没有新增的列")


def name_of(column: Heading) -> str:
    """The name of a column's field, as `Target.name` has it."""
    return f"{column.child.__key__}.{column.field.key}" if column.child else column.field.key


__all__ = ["Version", "current", "name_of", "news", "properties", "properties_of", "read", "spoken"]
