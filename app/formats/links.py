"""Links to other registers, and files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from app.formats.base import EMPTY, Format, FormatError, Json, Lookup, Reading, is_blank, line
from app.formats.choices import _need
from app.language import _l


@dataclass(frozen=True)
class Link(Format):
    """A record of another register: found by key, else by name; asks rather than guesses."""

    register: str
    name: ClassVar[str] = "link"
    widget: ClassVar[str] = "lookup"

    def read(self, raw: object, lookup: Lookup | None = None) -> Reading:
        if is_blank(raw):
            return EMPTY
        known = _need(lookup)
        if isinstance(raw, int) and not isinstance(raw, bool):
            if not 0 < raw < 2**31 or not known.has(self.register, raw):
                raise FormatError("unknown_record", _l("没有这条记录，或您无权使用它"))
            return Reading(raw)
        text = line(raw)
        matches = known.find(self.register, text)
        if len(matches) == 1:
            return Reading(matches[0].id)
        if not matches:
            raise FormatError("unknown_record", _l("没有找到“%(text)s”，请先登记或改正名称", text=text[:60]), (text,))
        labels = "、".join(match.label for match in matches[:3])
        message = _l("“%(text)s”对应 %(count)s 条记录（%(labels)s），请写明编号", text=text[:60], count=len(matches), labels=labels)
        raise FormatError("ambiguous_record", message, (text,))

    def show(self, value: Any, lookup: Lookup | None = None) -> str:
        return _need(lookup).name(self.register, value) if value else ""

    def write(self, value: Any, lookup: Lookup | None = None) -> str:
        return _need(lookup).handle(self.register, value) if value else ""

    def mask(self, value: Any) -> str:
        return "****" if value else ""

    def schema(self) -> Json:
        return {"type": "integer"}


@dataclass(frozen=True)
class File(Format):
    """The id of an attachment; files travel by upload, never in a cell."""

    name: ClassVar[str] = "file"
    widget: ClassVar[str] = "file"

    def read(self, raw: object, lookup: Lookup | None = None) -> Reading:
        if is_blank(raw):
            return EMPTY
        if isinstance(raw, int) and not isinstance(raw, bool) and 0 < raw < 2**31:
            return Reading(raw)
        raise FormatError("bad_file", _l("文件请在页面上传，不能写在表格里"))

    def schema(self) -> Json:
        return {"type": "integer"}
