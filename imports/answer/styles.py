"""The styles of a package, with copies of cell formats that differ in one thing."""

from __future__ import annotations

from copy import deepcopy

from lxml import etree

from imports.answer.faults import RED
from imports.answer.xml import child, local, namespace, parsed, serialised

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_BARE = f"""<styleSheet xmlns="{MAIN}"><fonts count="1"><font><sz val="11"/><name val="宋体"/></font></fonts>
<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>
<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="1"><xf xfId="0"/></cellXfs>
<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>"""


class Styles:
    """The styles part; `bytes()` gives it with what was asked for added."""

    def __init__(self, part: bytes | None) -> None:
        self.root = parsed(part or _BARE.encode())
        self._ns = namespace(self.root)
        fills, formats = child(self.root, "fills"), child(self.root, "cellXfs")
        if fills is None or formats is None:
            raise KeyError("fills, cellXfs")
        self._fills, self._formats = fills, formats
        self._made: dict[tuple[str, int], int] = {}
        self._red = next((place for place, fill in enumerate(fills) if _is_ours(fill)), None)
        #: formats that an earlier answer made red
        self.formerly = {place for place, each in enumerate(formats) if self._red is not None and each.get("fillId") == str(self._red)}

    def red(self, style: int) -> int:
        """The same format with a red fill."""
        if self._red is None:
            fill = etree.SubElement(etree.SubElement(self._fills, f"{self._ns}fill"), f"{self._ns}patternFill", patternType="solid")
            etree.SubElement(fill, f"{self._ns}fgColor", rgb=RED)
            etree.SubElement(fill, f"{self._ns}bgColor", indexed="64")
            self._red = len(self._fills) - 1
        return self._copy("red", style, fillId=str(self._red), applyFill="1")

    def without_red(self, style: int) -> int:
        """The same format without a fill: what it had before an earlier answer nobody knows."""
        return self._copy("plain", style, fillId="0", applyFill="0")

    def sentence(self, style: int) -> int:
        """The same format for a sentence: text that breaks, whatever the neighbour's number format and fill."""
        if ("sentence", style) in self._made:
            return self._made["sentence", style]
        place = self._copy("sentence", style, fillId="0", applyFill="0", numFmtId="0", applyAlignment="1")
        copy = self._formats[place]
        for each in [each for each in copy if local(each) == "alignment"]:
            copy.remove(each)
        copy.insert(0, copy.makeelement(f"{self._ns}alignment", {"vertical": "center", "wrapText": "1"}))
        return place

    def _copy(self, kind: str, style: int, **changes: str) -> int:
        if (kind, style) not in self._made:
            copy = deepcopy(self._formats[style if style < len(self._formats) else 0])
            copy.tail = None
            copy.attrib.update(changes)
            self._formats.append(copy)
            self._made[kind, style] = len(self._formats) - 1
        return self._made[kind, style]

    def bytes(self) -> bytes:
        """The part."""
        for each in (self._fills, self._formats):
            each.set("count", str(len(each)))
        return serialised(self.root)


def _is_ours(fill: etree._Element) -> bool:
    pattern = child(fill, "patternFill")
    colour = None if pattern is None else child(pattern, "fgColor")
    return colour is not None and (colour.get("rgb") or "").upper() == RED
