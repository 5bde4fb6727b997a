"""Workbooks as we write them: text stays text, and the scratch files go away with the workbook, whatever happens."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import xlsxwriter


@contextmanager
def workbook(out: BinaryIO, **options: Any) -> Iterator[xlsxwriter.Workbook]:
    """A workbook to write into; xlsxwriter would leave rows in the common folder when the disk is full."""
    with tempfile.TemporaryDirectory() as folder:
        plain = {"strings_to_formulas": False, "strings_to_urls": False, "tmpdir": folder}
        with xlsxwriter.Workbook(out, plain | options) as book:
            yield book
