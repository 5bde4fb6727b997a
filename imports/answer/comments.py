"""The comments of a sheet and the boxes that show them (VML), as Excel and WPS keep them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from lxml import etree

from imports.answer.faults import AUTHOR, Cell
from imports.answer.xml import child, local, namespace, parsed, serialised
from imports.cells import letters, number

_PLACE = re.compile(r"\$?([A-Z]{1,3})\$?(\d+)")
_SHAPE = re.compile(rb"<v:shape\b.*?</v:shape>", re.DOTALL)
_AT = re.compile(rb"<x:Row>\s*(\d+)\s*</x:Row>\s*<x:Column>\s*(\d+)\s*</x:Column>")
_NUMBER = re.compile(rb"_x0000_s(\d+)")
_HEAD = b"""<xml xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office" xmlns:x="urn:schemas-microsoft-com:office:excel">
<o:shapelayout v:ext="edit"><o:idmap v:ext="edit" data="1"/></o:shapelayout>
<v:shapetype id="_x0000_t202" coordsize="21600,21600" o:spt="202" path="m,l,21600r21600,l21600,xe"><v:stroke joinstyle="miter"/>
<v:path gradientshapeok="t" o:connecttype="rect"/></v:shapetype>
</xml>"""
_BOX = """<v:shape id="_x0000_s{number}" type="#_x0000_t202" style="position:absolute;margin-left:80pt;margin-top:2pt;width:180pt;height:70pt;z-index:1;visibility:hidden" \
fillcolor="#ffffe1" o:insetmode="auto"><v:fill color2="#ffffe1"/><v:shadow on="t" color="black" obscured="t"/><v:path o:connecttype="none"/>\
<v:textbox style="mso-direction-alt:auto"><div style="text-align:left"></div></v:textbox><x:ClientData ObjectType="Note"><x:MoveWithCells/><x:SizeWithCells/>\
<x:Anchor>{left}, 15, {top}, 2, {right}, 15, {bottom}, 4</x:Anchor><x:AutoFill>False</x:AutoFill><x:Row>{row}</x:Row><x:Column>{place}</x:Column></x:ClientData></v:shape>
"""


class Comments:
    """The two parts; what an earlier answer said, and what stood at rows that go, is taken away."""

    def __init__(self, part: bytes | None, boxes: bytes | None, ns: str, gone: Collection[int]) -> None:
        self.root = parsed(part) if part else etree.fromstring(f'<comments xmlns="{ns}"><authors/><commentList/></comments>')
        self._ns = namespace(self.root)
        authors, each = child(self.root, "authors"), child(self.root, "commentList")
        if authors is None or each is None:
            raise KeyError("authors, commentList")
        self._authors, self._list = authors, each
        self._boxes = boxes or _HEAD
        if b"</xml>" not in self._boxes:
            raise KeyError("xml")
        self._author = next((place for place, author in enumerate(authors) if author.text == AUTHOR), None)
        self._forget({_cell(comment): comment for comment in self._list if self._goes(comment, gone)})

    def _goes(self, comment: etree._Element, gone: Collection[int]) -> bool:
        ours = self._author is not None and comment.get("authorId") == str(self._author)
        return ours or _cell(comment)[0] in gone

    def _forget(self, comments: Mapping[Cell, etree._Element]) -> None:
        for comment in comments.values():
            self._list.remove(comment)
        if comments:
            self._boxes = _SHAPE.sub(lambda match: b"" if _shown(match.group()) in comments else match.group(), self._boxes)

    def add(self, sentences: Mapping[Cell, str]) -> None:
        """Comments for these cells; one that has a comment of somebody keeps it, and ours follows in it."""
        standing = {_cell(comment): comment for comment in self._list}
        if self._author is None:
            etree.SubElement(self._authors, f"{self._ns}author").text = AUTHOR
            self._author = len(self._authors) - 1
        for cell, sentence in sentences.items():
            if cell in standing:
                self._append(standing[cell], sentence)
            else:
                comment = etree.SubElement(self._list, f"{self._ns}comment", ref=f"{letters(cell[1] + 1)}{cell[0]}", authorId=str(self._author))
                _run(etree.SubElement(comment, f"{self._ns}text"), self._ns, sentence)
        self._draw([cell for cell in sentences if cell not in standing])

    def _append(self, comment: etree._Element, sentence: str) -> None:
        text = child(comment, "text")
        if text is None:
            return
        whole = child(text, "t")
        if whole is not None:
            whole.text = f"{whole.text or ''}\n{sentence}"
            whole.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
        else:
            _run(text, self._ns, f"\n{sentence}")

    def _draw(self, cells: Collection[Cell]) -> None:
        """A box for each, behind those that are there; the bytes stay as they are, since Excel's own VML need not be XML."""
        first = max([1024, *(int(found) for found in _NUMBER.findall(self._boxes))]) + 1
        made = "".join(
            _BOX.format(number=number, row=row - 1, place=place, left=place + 1, top=max(0, row - 2), right=place + 4, bottom=row + 3)
            for number, (row, place) in enumerate(cells, first)
        )
        head, end, tail = self._boxes.rpartition(b"</xml>")
        if b'id="_x0000_t202"' not in head:
            made = _HEAD[_HEAD.index(b"<v:shapetype") : _HEAD.index(b"</xml>")].decode() + made
        self._boxes = head + made.encode() + end + tail

    def parts(self) -> tuple[bytes, bytes]:
        """The comments and their boxes, the comments in the order of the cells."""
        self._list[:] = sorted(self._list, key=_cell)
        return serialised(self.root), self._boxes


def _cell(comment: etree._Element) -> Cell:
    found = _PLACE.fullmatch(comment.get("ref", "") if local(comment) == "comment" else "")
    return (int(found[2]), number(found[1]) - 1) if found else (0, 0)


def _shown(shape: bytes) -> Cell | None:
    found = _AT.search(shape)
    return (int(found[1]) + 1, int(found[2])) if found else None


def _run(text: etree._Element, ns: str, sentence: str) -> None:
    piece = etree.SubElement(etree.SubElement(text, f"{ns}r"), f"{ns}t")
    piece.text = sentence
    piece.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
