"""Files made on the spot, sent under Chinese names."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable
from contextlib import suppress
from typing import Any, BinaryIO, cast
from urllib.parse import quote

from flask import request, send_file
from werkzeug.wrappers import Response

from app import audit
from app.attachments import TYPES

MIMETYPES = {"xlsx": TYPES["xlsx"], "csv": "text/csv; charset=utf-8", "docx": TYPES["docx"], "zip": "application/zip"}


def made(write: Callable[[BinaryIO], object], name: str, kind: str, *, number: str = "", register: str = "") -> Response:
    """Let a file be written and send it as `name_number.kind`; it is gone once sent, but the trace knows who took it.

    By which arguments it was narrowed, the trace knows by name alone: people search for names and numbers.
    `write` may say how many rows it wrote.
    """
    out, count = written(write)
    return _noted(out, count, name, kind, number, register)


def held(content: bytes, name: str, kind: str) -> Response:
    """Send a file that never lies on the disk: somebody's own, with what he typed in clear."""
    out = io.BytesIO(content)
    out.seek(0, io.SEEK_END)
    return _noted(out, None, name, kind)


def _noted(out: BinaryIO, count: object, name: str, kind: str, number: str = "", register: str = "") -> Response:
    number = number or audit.export_number()
    facts = facts_of(name, kind, out, count, register)
    audit.note("export", subject=facts.pop("subject"), details={"number": number, **facts})
    return sent(out, name, kind, number)


def facts_of(name: str, kind: str, out: BinaryIO, count: object, register: str = "") -> dict[str, Any]:
    """What the trace keeps of a file."""
    known: dict[str, Any] = {"register": register} if register else {}
    known |= {"count": count} if isinstance(count, int) and register else {}
    return {"subject": f"{name}.{kind}", "path": request.path, "filters": sorted(request.args), "bytes": out.tell(), **known}


def written(write: Callable[[BinaryIO], object]) -> tuple[BinaryIO, object]:
    """A file without a name, and what its writer says of it."""
    out = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115 - the answer closes it
    try:
        said = write(out)
    except BaseException:
        with suppress(OSError):  # a full disk refuses what was still to be written
            out.close()
        raise
    return out, said


def sent(out: BinaryIO, name: str, kind: str, number: str) -> Response:
    """The answer that carries the file."""
    out.seek(0)
    answer = send_file(out, mimetype=MIMETYPES[kind], as_attachment=True, download_name=f"file.{kind}", max_age=0)
    answer.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(f'{name}_{number}.{kind}')}"
    return answer
