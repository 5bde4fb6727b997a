"""Files that are refused, each kind in words of its own."""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile

import docx

from tests.corpus.binary import xls
from tests.corpus.case import Case, line, page
from tests.corpus.text import html
from tests.corpus.xlsx import parts, xlsx, zipped

_ONE = page(line(1))
_ENTITIES = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'


def _word() -> bytes:
    out = io.BytesIO()
    document = docx.Document()
    document.add_table(1, 1).cell(0, 0).text = "机构名称"
    document.save(out)
    return out.getvalue()


def _ole(*streams: str) -> bytes:
    """A compound file with empty streams of these names: what old Office programs, and encryption, leave."""
    head = bytearray(512)
    head[:8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    struct.pack_into("<HHHHH", head, 24, 0x3E, 3, 0xFFFE, 9, 6)
    struct.pack_into("<IIIIIIIII", head, 40, 0, 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    struct.pack_into("<I", head, 76, 0)
    head[80:] = b"\xff" * (512 - 80)
    table = bytearray(b"\xff" * 512)
    struct.pack_into("<II", table, 0, 0xFFFFFFFD, 0xFFFFFFFE)
    directory = bytearray()
    for place, name in enumerate(("Root Entry", *streams)):
        entry = bytearray(128)
        spelled = name.encode("utf-16-le")
        entry[: len(spelled)] = spelled
        struct.pack_into("<HBB", entry, 64, len(spelled) + 2, 2 if place else 5, 1)
        directory += entry
    return bytes(head + table + directory.ljust(512, b"\0"))


def _locked_xls() -> bytes:
    """An .xls whose workbook begins with the record that asks for a password."""
    data = xls(_ONE)
    place = data.index(struct.pack("<HH", 0x42, 2))  # CODEPAGE becomes FILEPASS
    return data[:place] + struct.pack("<HH", 0x2F, 2) + data[place + 4 :]


def _bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in parts(_ONE).items():
            package.writestr(name, content)
        for number in range(7):
            package.writestr(f"xl/media/{number}.bin", b"\0" * 100_000_000)
    return out.getvalue()


def _tar() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        info = tarfile.TarInfo("名录.xlsx")
        info.size = 4
        archive.addfile(info, io.BytesIO(b"PK\x03\x04"))
    return out.getvalue()


def _sheet_with(text: str) -> bytes:
    return zipped(parts(_ONE) | {"xl/worksheets/sheet1.xml": text})


CASES = [
    Case(name, build, refused=code)
    for name, code, build in (
        ("nothing at all", "empty", lambda: b""),
        ("a workbook without a filled cell", "empty", lambda: xlsx(page(head=[]))),
        ("an encrypted .xlsx", "encrypted", lambda: _ole("EncryptionInfo", "EncryptedPackage")),
        ("an encrypted .xls", "encrypted", _locked_xls),
        ("half an .xlsx", "truncated", lambda: xlsx(_ONE)[:900]),
        ("half an .xls", "damaged", lambda: xls(_ONE)[:2000]),
        ("an .xlsx with a bent sheet", "damaged", lambda: _sheet_with("<worksheet><sheetData><row r='1'><c r='A1'><v>1</v>")),
        ("an .xlsx without its workbook", "archive", lambda: zipped({"xl/worksheets/sheet1.xml": "<worksheet/>"})),
        ("a bomb of zeros", "too_big", _bomb),
        ("a bomb of entities", "hostile", lambda: _sheet_with(f"{_ENTITIES}<worksheet>&b;</worksheet>")),
        ("entities in the list of sheets", "hostile", lambda: zipped(parts(_ONE) | {"xl/workbook.xml": _ENTITIES.encode("utf-16")})),
        ("entities in a web page", "hostile", f"{_ENTITIES}<html><table><tr><td>&b;</td></tr></table></html>".encode),
        ("entities in XML of Excel 2003", "hostile", f'{_ENTITIES}<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet">&b;</Workbook>'.encode),
        ("a path that climbs", "hostile", lambda: zipped(parts(_ONE) | {"../../etc/cron.d/x": "x"})),
        ("a Word document", "document", _word),
        ("an old Word document", "document", lambda: _ole("WordDocument")),
        ("rich text", "document", lambda: b"{\\rtf1\\ansi \\b title}"),
        ("slides", "slides", lambda: zipped({"ppt/presentation.xml": "<p/>"})),
        ("old slides", "slides", lambda: _ole("PowerPoint Document")),
        ("a PDF", "pdf", lambda: b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj"),
        ("a picture", "picture", lambda: b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"),
        ("a photograph", "picture", lambda: b"\xff\xd8\xff\xe0\x00\x10JFIF\x00"),
        ("an archive", "archive", lambda: zipped({"名录.csv": "a,b"})),
        ("an archive of another kind", "archive", _tar),
        ("a web page without a table", "web_page", "<html><body>登录已过期</body></html>".encode),
        ("text in an encoding of Western Europe", "encoding", lambda: b"nom,\xe9\nx,1\n"),
        ("a program", "not_workbook", lambda: b"\x7fELF\x02\x01\x01\x00\x00\x00\x00"),
        ("a web page with a list of 300 columns", "too_big", lambda: html(page([*range(300)]))),
    )
]  # fmt: skip
