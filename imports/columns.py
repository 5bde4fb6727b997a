"""Columns of cells become values: each distinct cell is read once, and most are settled at one look."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from typing import Any

from app.formats import FormatError, Link, Lookup, Reading
from app.formats.base import line, plain_number
from app.language import _l
from app.lookup import DatabaseLookup
from imports.answers import LEFT, leaves_out, reading_with
from imports.cells import CellError, is_empty
from imports.decisions import Answer
from imports.targets import Target

Found = Reading | FormatError | None
#: as many distinct cells of a column are remembered from one part of a sheet to the next
MOST_KNOWN = 10_000


@dataclass(slots=True)
class Cells:
    """A column as read: the values, and by place what else there is to say (an error, a doubt, something for another field)."""

    values: list[Any]
    odd: dict[int, Reading | FormatError] = field(default_factory=dict)


@dataclass(slots=True)
class Known:
    """What the cells of a column that were read so far say: values, and what else there is to say."""

    values: dict[object, Any] = field(default_factory=lambda: {None: None})
    odd: dict[object, Reading | FormatError] = field(default_factory=dict)


def read_column(target: Target, raws: Sequence[object], lookup: DatabaseLookup, answers: Mapping[str, Answer], known: Known) -> Cells:
    """Each distinct cell is read once; those that are settled at one look are not read at all."""
    fmt = target.field.format
    if isinstance(fmt, Link):
        raws = [raw if raw is None or isinstance(raw, (str, CellError)) else plain_number(raw) for raw in raws]
        lookup.prepare_texts(fmt.register, (line(raw) for raw in raws if isinstance(raw, str) and not is_empty(raw)))
    settled = fmt.settled()
    if settled is None:
        column, places = Cells([None] * len(raws)), range(len(raws))
    else:
        match = settled.fullmatch
        column = Cells([raw if type(raw) is str and match(raw) else None for raw in raws])
        places = [place for place, value in enumerate(column.values) if value is None and raws[place] is not None]  # type: ignore[assignment]
    if len(known.values) > MOST_KNOWN:
        known.values, known.odd = {None: None}, {}
    _read_cells(column, places, raws, _reader(target, reading_with(lookup, answers), answers), known)
    return column


def _read_cells(column: Cells, places: Iterable[int], raws: Sequence[object], read: Callable[[object], Found], known: Known) -> None:
    values, odd = known.values, known.odd
    for place in places:
        raw = raws[place]
        key = raw if (kind := type(raw)) is str or kind is date or raw is None else (kind, raw)  # 1, 1.0 and True are one key, and three things
        if key not in values:
            found = read(raw)
            values[key] = found.value if isinstance(found, Reading) else None
            if isinstance(found, FormatError) or (found and (found.doubts or found.rest is not None)):
                odd[key] = found
        column.values[place] = values[key]
        if key in odd:
            column.odd[place] = odd[key]


def _reader(target: Target, lookup: Lookup, answers: Mapping[str, Answer]) -> Callable[[object], Found]:
    """What reads a cell of a column."""
    if not answers:
        return partial(read_one, target, lookup=lookup)
    linked = isinstance(target.field.format, Link)
    return lambda raw: None if linked and leaves_out(answers, raw) else left_out(read_one(target, raw, lookup))


def left_out(found: Found) -> Found:
    """A reading without the words that somebody said to leave out."""
    if not isinstance(found, Reading):
        return found
    if isinstance(found.value, list) and LEFT in found.value:
        return replace(found, value=[word for word in found.value if word != LEFT] or None)
    return replace(found, value=None) if found.value == LEFT else found


def read_one(target: Target, raw: object, lookup: Lookup) -> Found:
    """What one cell says to a field; None for nothing."""
    if isinstance(raw, CellError):
        return broken(raw)
    if is_empty(raw):
        return None
    try:
        reading = target.field.format.read(raw, lookup)
    except FormatError as error:
        return error
    return None if reading.value is None and reading.rest is None else reading


def broken(raw: CellError) -> FormatError:
    """What to say of a cell that failed."""
    if raw.text == "DISPIMG":
        return FormatError("cell_error", _l("单元格里是图片，不能作为文字导入，请改填文字"))
    if raw.text == "=?":
        return FormatError("cell_error", _l("单元格里的公式没有结果，请用 Excel 或 WPS 重新计算并保存，或改填数值"))
    return FormatError("cell_error", _l("单元格是错误值 %(text)s，请改正公式或直接填写内容", text=raw.text))


__all__ = ["Cells", "Found", "Known", "broken", "left_out", "read_column", "read_one"]
