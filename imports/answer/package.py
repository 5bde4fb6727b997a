"""A zipped workbook with one sheet answered: every other part goes over as it is."""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Callable

from lxml import etree

from app.archives import UNREADABLE
from imports.answer import mark
from imports.answer.comments import Comments
from imports.answer.faults import COMMENTS, EXPLANATION, Request
from imports.answer.sheet import Sheet, _relations
from imports.answer.styles import Styles
from imports.answer.xml import local, namespace, parsed, serialised
from imports.workbook import LIMITS

#: whatever shows that a package is not built as one must be to be edited
TOO_ODD = (*UNREADABLE, KeyError, IndexError, etree.LxmlError, MemoryError, RecursionError)
_TYPES = "[Content_Types].xml"
_SPREADSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_VML = "application/vnd.openxmlformats-officedocument.vmlDrawing"
_CUSTOM = "application/vnd.openxmlformats-officedocument.custom-properties+xml"
_RELATIONS = "{http://schemas.openxmlformats.org/package/2006/relationships}"
_ENTRY = re.compile(rb"<((?:\w+:)?)si\b[^>]*?(?:/>|>.*?</\1si>)", re.DOTALL)
_SHARED = re.compile(rb'<(?:\w+:)?c\b[^>]*\bt="s"[^>]*>(?:(?!</(?:\w+:)?c>).)*?<(?:\w+:)?v>\s*(\d+)\s*<', re.DOTALL)


def edited(data: bytes, request: Request) -> bytes:
    """The package with its sheet answered and marked; raises one of TOO_ODD."""
    with zipfile.ZipFile(io.BytesIO(data)) as source:
        if sum(part.file_size for part in source.infolist()) > LIMITS.unpacked:
            raise KeyError("too large")
        book = _Package(source)
        book.answer(request)
        book.put_mark(request.mark)
        return book.bytes()


class _Package:
    """The parts that change, over those of the source."""

    def __init__(self, source: zipfile.ZipFile) -> None:
        self.source = source
        self.names = set(source.namelist())
        self.changed: dict[str, bytes] = {}
        self.removed: set[str] = set()

    def get(self, name: str) -> bytes:
        """A part as it stands now."""
        return self.changed[name] if name in self.changed else self.source.read(name)

    def answer(self, request: Request) -> None:
        """Mark the wrong rows of the sheet."""
        workbook = "xl/workbook.xml"
        part, kind = self._sheet(workbook, request.sheet)
        style_part = self._target(workbook, "styles")
        styles = Styles(self.get(style_part) if style_part in self.names else None)
        sheet = Sheet(self.get(part), styles, request, self._reads_explanation(workbook))
        relation = self._comments(part, sheet, kind)
        self.changed[part] = sheet.bytes(relation)
        if style_part not in self.names:
            style_part = "xl/styles.xml"
            self._relate(workbook, f"{kind}/styles", "styles.xml")
            self._declare(style_part, f"{_SPREADSHEET}.styles+xml")
        self.changed[style_part] = styles.bytes()
        if sheet.dropped:
            self._forget(workbook, "calcChain")
            self._blank_strings(workbook)

    def _sheet(self, workbook: str, name: str) -> tuple[str, str]:
        """The part of a sheet, and how the types of relations begin."""
        for element in parsed(self.get(workbook)).iter():
            if local(element) == "sheet" and element.get("name") == name:
                wanted = next(value for key, value in element.attrib.items() if key.endswith("}id"))
                found = next(each for each in self._relations_of(workbook) if each.get("Id") == wanted)
                return self._path(workbook, found), found.get("Type", "").rpartition("/")[0]
        raise KeyError(name)

    # relations ------------------------------------------------------------------------------

    @staticmethod
    def _rels(part: str) -> str:
        folder, name = posixpath.split(part)
        return posixpath.join(folder, "_rels", f"{name}.rels")

    def _relations_of(self, part: str) -> etree._Element:
        name = self._rels(part)
        return (
            parsed(self.get(name))
            if name in self.names or name in self.changed
            else etree.Element(f"{_RELATIONS}Relationships", nsmap={None: _RELATIONS[1:-1]})
        )

    @staticmethod
    def _path(part: str, relation: etree._Element) -> str:
        return posixpath.normpath(posixpath.join("/", posixpath.dirname(part), relation.get("Target", ""))).lstrip("/")

    def _target(self, part: str, kind: str) -> str:
        """The part to which a relation of this kind leads; nothing without one."""
        found = (each for each in self._relations_of(part) if each.get("Type", "").endswith(f"/{kind}") and each.get("TargetMode") != "External")
        return next((self._path(part, each) for each in found), "")

    def _relate(self, part: str, kind: str, target: str) -> str:
        """A new relation; its id."""
        root = self._relations_of(part)
        taken = {each.get("Id") for each in root}
        new = next(f"rId{count}" for count in range(len(root) + 1, 2 * len(root) + 2 + len(taken)) if f"rId{count}" not in taken)
        etree.SubElement(root, f"{_RELATIONS}Relationship", Id=new, Type=kind, Target=target)
        self.changed[self._rels(part)] = serialised(root)
        return new

    def _declare(self, part: str, kind: str) -> None:
        """The content type of a new part."""
        root = parsed(self.get(_TYPES))
        ns = namespace(root)
        if part.endswith(".vml"):
            if not any(local(each) == "Default" and each.get("Extension", "").lower() == "vml" for each in root):
                root.insert(0, etree.Element(f"{ns}Default", Extension="vml", ContentType=kind))
        elif not any(each.get("PartName") == f"/{part}" for each in root):
            etree.SubElement(root, f"{ns}Override", PartName=f"/{part}", ContentType=kind)
        self.changed[_TYPES] = serialised(root)

    def _forget(self, part: str, kind: str) -> None:
        """Take away a part that would no longer be true."""
        name = self._target(part, kind)
        if not name:
            return
        self.removed.add(name)
        for holder, key, value in ((self._rels(part), "Type", f"/{kind}"), (_TYPES, "PartName", f"/{name}")):
            root = parsed(self.get(holder))
            for each in [each for each in root if (each.get(key) or "").endswith(value)]:
                root.remove(each)
            self.changed[holder] = serialised(root)

    def _free(self, pattern: str) -> str:
        return next(name for count in range(1, len(self.names) + 2) if (name := pattern.format(count)) not in self.names and name not in self.changed)

    # comments -------------------------------------------------------------------------------

    def _comments(self, part: str, sheet: Sheet, kind: str) -> str:
        """Write the sheet's comments; the relation of their boxes, nothing where there is no comment."""
        comments = self._target(part, "comments")
        relation = sheet.boxes()
        boxes = next((self._path(part, each) for each in self._relations_of(part) if relation and each.get("Id") == relation), "")
        if not sheet.wrong and not comments:
            return relation
        written = Comments(self.get(comments) if comments else None, self.get(boxes) if boxes else None, sheet.ns[1:-1], sheet.dropped)
        written.add(dict(list(sheet.wrong.items())[:COMMENTS]))
        if not comments:
            comments = self._free("xl/comments{}.xml")
            self._relate(part, f"{kind}/comments", f"/{comments}")
            self._declare(comments, f"{_SPREADSHEET}.comments+xml")
        if not boxes:
            boxes = self._free("xl/drawings/vmlDrawing{}.vml")
            relation = self._relate(part, f"{kind}/vmlDrawing", f"/{boxes}")
            self._declare(boxes, _VML)
        self.changed[comments], self.changed[boxes] = written.parts()
        return relation

    # strings --------------------------------------------------------------------------------

    def _reads_explanation(self, workbook: str) -> Callable[[bytes, bytes], bool]:
        """A test whether a cell reads 错误说明."""
        name = self._target(workbook, "sharedStrings")
        strings = self.get(name) if name in self.names else b""
        wanted = EXPLANATION.encode()
        places = {count for count, match in enumerate(_ENTRY.finditer(strings)) if wanted in match[0]} if wanted in strings else set()

        def reads(attributes: bytes, body: bytes) -> bool:
            text = re.sub(rb"<[^>]*>", b"", body).strip()
            return text.isdigit() and int(text) in places if b't="s"' in attributes else text == wanted

        return reads

    def _blank_strings(self, workbook: str) -> None:
        """What only the emptied rows said must not leave with the file."""
        name = self._target(workbook, "sharedStrings")
        if name not in self.names:
            return
        sheets = [self._path(workbook, each) for each in self._relations_of(workbook) if each.get("Type", "").endswith("/worksheet")]
        used = {int(found) for sheet in sheets if sheet in self.names for found in _SHARED.findall(self.get(sheet))}
        pieces, end = [], 0
        strings = self.get(name)
        for count, match in enumerate(_ENTRY.finditer(strings)):
            pieces += [strings[end : match.start()], match[0] if count in used else b"<%bsi><%bt/></%bsi>" % (match[1], match[1], match[1])]
            end = match.end()
        self.changed[name] = b"".join([*pieces, strings[end:]])

    # the whole ------------------------------------------------------------------------------

    def put_mark(self, text: str) -> None:
        """The property by which the file is known again."""
        there = mark.PART in self.names
        self.changed[mark.PART] = mark.with_mark(self.get(mark.PART) if there else None, text)
        if not there:
            kind = _relations(namespace(parsed(self.get("xl/workbook.xml")))).replace("relationships", "relationships/custom-properties")
            self._relate("", kind, mark.PART)
            self._declare(mark.PART, _CUSTOM)

    def bytes(self) -> bytes:
        """The package, its parts in their order, the new ones behind."""
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
            for part in self.source.infolist():
                if part.filename in self.removed or part.is_dir():
                    continue
                facts = zipfile.ZipInfo(part.filename, part.date_time if part.date_time >= (1980, 1, 1, 0, 0, 0) else (1980, 1, 1, 0, 0, 0))
                facts.compress_type = zipfile.ZIP_STORED if part.compress_type == zipfile.ZIP_STORED else zipfile.ZIP_DEFLATED
                made.writestr(facts, self.changed.pop(part.filename) if part.filename in self.changed else self.source.read(part))
            for name, content in self.changed.items():
                made.writestr(name, content)
        return out.getvalue()
