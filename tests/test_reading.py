"""A file that somebody sends is read in a process of its own: whatever it does there, the product goes on (T11, T12)."""

from __future__ import annotations

import contextlib
import io
import multiprocessing.forkserver
import os
import struct
import threading
import time
import zipfile
from pathlib import Path

import pytest
import xlsxwriter

from imports import reading, workbook
from imports.refusal import Refused
from imports.workbook import Limits
from tests.journeys.visit import SAMPLES
from tests.test_workbook import repacked


def book(rows: int) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"constant_memory": True}) as made:
        sheet = made.add_worksheet("名录")
        for number in range(rows):
            sheet.write_row(number, 0, [f"第{number}行", number, "2026-01-01"])
    return out.getvalue()


def flood(megabytes: int) -> bytes:
    """A small file whose only sheet is so many megabytes of cells in one row of each."""
    row = b'<row r="%d"><c r="A%d"><v>1</v></c></row>'
    rows = b"".join(row % (number, number) for number in range(1, 150_001))
    filler = b"<!--" + b" " * (megabytes * 1_000_000) + b"-->"
    xml = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>' + rows + b"</sheetData>" + filler + b"</worksheet>"
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book(1))) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            new.writestr(part, xml if part == "xl/worksheets/sheet1.xml" else old.read(part))
    assert len(out.getvalue()) < 3_000_000
    return out.getvalue()


def looped() -> bytes:
    """An old workbook whose table of sectors leads round in a circle (as oleloop.xls does)."""
    head = bytearray(512)
    head[:8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    struct.pack_into("<HHHHH", head, 24, 0x3E, 3, 0xFFFE, 9, 6)
    struct.pack_into("<IIIIIIIII", head, 40, 0, 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    struct.pack_into("<I", head, 76, 0)
    head[80:] = b"\xff" * (512 - 80)
    table = bytearray(b"\xff" * 512)
    struct.pack_into("<II", table, 0, 0xFFFFFFFD, 1)  # the directory goes on in itself
    name = "Root Entry".encode("utf-16-le")
    entry = bytearray(128)
    entry[: len(name)] = name
    struct.pack_into("<HBB", entry, 64, len(name) + 2, 5, 1)
    return bytes(head + table + entry * 4)


def refusal(data: bytes, **limits: int) -> tuple[str, str]:
    with pytest.raises(Refused) as refused:
        reading.read(data, **limits)  # type: ignore[arg-type]
    return refused.value.code, str(getattr(refused.value.message, "_args", [refused.value.message])[0])


def test_what_is_read_elsewhere_is_what_is_read_here() -> None:
    for file in sorted(Path(SAMPLES).glob("*.*")):
        data = file.read_bytes()
        try:
            here = workbook.read(data)
        except Refused as error:
            assert refusal(data)[0] == error.code, file.name
        else:
            assert reading.read(data) == here, file.name


def test_rows_come_in_pieces_while_the_file_is_open() -> None:
    with reading.opened(book(5000)) as found:
        (sheet,) = found.sheets
        assert len(sheet.rows) == reading.HEAD
        pieces = list(sheet.chunks())
        assert [len(piece) for piece in pieces] == [2000, 2000, 1000]
        assert pieces[0][: reading.HEAD] == sheet.rows
        assert [row[1] for piece in pieces for row in piece] == [float(number) for number in range(5000)]
        assert sum(len(piece) for piece in sheet.chunks()) == 5000, "the rows may be taken again"


def test_a_small_sheet_comes_at_once() -> None:
    with reading.opened(book(30)) as found:
        assert found.sheets[0].source is None
        assert [len(piece) for piece in found.sheets[0].chunks()] == [30]


def test_who_stops_in_the_middle_leaves_no_process() -> None:
    before = _children()
    with reading.opened(book(50_000)) as found:
        next(found.sheets[0].chunks())
        assert len(_children()) > len(before)
    assert _children() == before


def test_why_a_file_is_refused_comes_along_with_its_numbers() -> None:
    with pytest.raises(Refused) as refused:
        reading.read(book(30), Limits(rows=20))
    assert refused.value.code == "too_big"
    assert dict(refused.value.message._kwargs) == {"name": "名录", "most": 20}  # type: ignore[union-attr]


def test_a_file_that_takes_too_long_is_given_up() -> None:
    started = time.monotonic()
    code, said = refusal(flood(200), seconds=1, megabytes=4000)
    assert (code, "还没有读完" in said) == ("too_big", True)
    assert time.monotonic() - started < 60


def test_a_file_that_takes_too_much_memory_is_given_up() -> None:
    before = _memory()
    code, said = refusal(flood(300), megabytes=150)
    assert (code, "内存" in said) == ("damaged", True)
    assert _memory() - before < 60_000_000


def test_a_file_that_ends_the_process_ends_no_other() -> None:
    me = os.getpid()
    code, _said = refusal(looped(), seconds=5)
    assert code in {"damaged", "too_big"}
    assert os.getpid() == me
    assert reading.read(book(3)).sheets[0].rows[0][0] == "第0行"


def test_others_go_on_while_a_file_is_read() -> None:
    """Nothing holds the interpreter meanwhile: another thread gets its turn all the time."""
    data, turns, stop = flood(60), 0, threading.Event()

    def count() -> None:
        nonlocal turns
        while not stop.wait(0.01):
            turns += 1

    beside = threading.Thread(target=count)
    beside.start()
    try:
        started = time.monotonic()
        with contextlib.suppress(Refused):
            reading.read(data)
        lasted = time.monotonic() - started
    finally:
        stop.set()
        beside.join()
    assert turns > lasted * 20, (turns, lasted)


@pytest.mark.parametrize("name", ["../../etc/cron.d/x", "/etc/passwd", "xl/../../x.xml", "C:\\x.xml"])
def test_a_path_that_climbs_out_is_refused_and_writes_nothing(name: str, tmp_path: Path) -> None:
    out = io.BytesIO(book(2))
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr(name, "x")
    before = {*Path("/etc").iterdir()}
    assert refusal(out.getvalue())[0] == "hostile"
    assert {*Path("/etc").iterdir()} == before


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE x [<!ENTITY a "' + "b" * 10_000 + '">]><worksheet/>',
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><worksheet>&a;</worksheet>',
        '<!DOCTYPE x [<!ENTITY % a SYSTEM "http://127.0.0.1:9/x">%a;]><worksheet/>',
    ],
    ids=["bomb", "file", "address"],
)
def test_entities_do_nothing(text: str) -> None:
    assert refusal(repacked(book(2), **{"xl/worksheets/sheet1.xml": text.encode()}))[0] == "hostile"


def test_a_bomb_is_refused_by_what_it_says_it_unpacks_to() -> None:
    out = io.BytesIO(book(1))
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as archive:
        for number in range(3):
            archive.writestr(f"xl/media/{number}.bin", b"\0" * 210_000_000)
    assert len(out.getvalue()) < 1_000_000
    started = time.monotonic()
    assert refusal(out.getvalue())[0] == "too_big"
    assert time.monotonic() - started < 20


def _children() -> set[str]:
    """The processes that read, known by the server that began them."""
    tasks = Path("/proc").glob("[0-9]*/stat")
    server = multiprocessing.forkserver._forkserver._forkserver_pid  # type: ignore[attr-defined]
    found = set()
    for task in tasks:
        with contextlib.suppress(OSError):
            if task.read_text(encoding="utf-8").rpartition(")")[2].split()[1] == str(server):
                found.add(task.parent.name)
    return found


def _memory() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
