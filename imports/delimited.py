"""CSV and its kin: which encoding, which delimiter, which rows."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator

from app.language import _l
from imports.refusal import Refused

_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_BINARY = re.compile(r"[\x00-\x08\x0e-\x1a]")
#: what `imports.export` puts before text that a spreadsheet program would take for a formula
GUARDED = re.compile(r"'(?='*[=+\-@\t\r])")

csv.field_size_limit(1_000_000)


def decode(data: bytes) -> str:
    """The text in these bytes; raises Refused when they are no text."""
    for encoding in _candidates(data):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if not _BINARY.search(text):
            return text
    raise Refused("not_workbook", _l("这不是表格文件。可以导入 .xlsx、.xls、.ods 和 .csv 文件"))


def is_binary(data: bytes) -> bool:
    """Whether the bytes are no text in any encoding of single bytes."""
    return bool(_BINARY.search(data[:100_000].decode("latin-1")))


def _candidates(data: bytes) -> list[str]:
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return [encoding]
    zeros = data[:4000].count(0)
    if zeros > len(data[:4000]) // 50:
        return ["utf-16-le", "utf-16-be"] if data[1:4000:2].count(0) >= data[0:4000:2].count(0) else ["utf-16-be", "utf-16-le"]
    return ["utf-8", "gb18030"]


def rows(text: str) -> Iterator[list[str]]:
    """The rows of the text, guards before formula-looking text taken off."""
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text)):
            yield [GUARDED.sub("", cell, count=1) if cell[:1] == "'" else cell for cell in row]
    except csv.Error:
        raise Refused("damaged", _l("文件内容不完整或引号不成对，无法按行读出，请另存为 .xlsx 再上传")) from None


def _delimiter(text: str) -> str:
    """The mark that parts the first lines most often, and in most of them."""
    lines = [re.sub(r'"[^"]*"', "", line) for line in text[:20_000].splitlines()[:30] if line.strip()]
    scores = {mark: (sum(mark in line for line in lines), sum(line.count(mark) for line in lines)) for mark in ",\t;|"}
    return max(scores, key=lambda mark: scores[mark])
