"""By what an answer workbook is known when it comes back: a property of the document, signed, so that a foreign number proves nothing."""

from __future__ import annotations

import hashlib
import hmac
import io
import zipfile

from lxml import etree

from app.archives import UNREADABLE
from imports.answer.xml import parsed, serialised

PROPERTY = "营商台账批次"
PART = "docProps/custom.xml"
_NS = "http://schemas.openxmlformats.org/officeDocument/2006/custom-properties"
_VT = "http://schemas.openxmlformats.org/officeDocument/2006/docPropsVTypes"
_FORMAT = "{D5CDD505-2E9C-101B-9397-08002B2CF9AE}"
_LARGEST = 1_000_000
_PURPOSE = b"yingshang answer workbook"


def signed(batch: int, secret: bytes) -> str:
    """The mark of a batch, by the installation's secret."""
    return f"{batch}.{_signature(batch, secret)}"


def batch_of(mark: str | None, secret: bytes) -> int | None:
    """The batch that a mark names; None when it is none of this installation."""
    number, _, signature = (mark or "").partition(".")
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        return None
    return int(number) if hmac.compare_digest(signature.encode(), _signature(int(number), secret).encode()) else None


def _signature(batch: int, secret: bytes) -> str:
    key = hmac.digest(secret, _PURPOSE, hashlib.sha256)
    return hmac.digest(key, str(batch).encode(), hashlib.sha256).hex()[:32]


def mark_of(data: bytes) -> str | None:
    """The mark in an uploaded package, whoever wrote it there; None without one."""
    if data[:2] != b"PK":
        return None
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            if package.getinfo(PART).file_size > _LARGEST:
                return None
            found = _property(parsed(package.read(PART)))
    except (*UNREADABLE, KeyError, etree.XMLSyntaxError):
        return None
    return None if found is None else "".join(found.itertext()).strip() or None


def _property(root: etree._Element) -> etree._Element | None:
    return next((each for each in root if isinstance(each.tag, str) and each.get("name") == PROPERTY), None)


def with_mark(part: bytes | None, mark: str) -> bytes:
    """The document's properties with the mark among them."""
    root = parsed(part) if part else etree.Element(f"{{{_NS}}}Properties", nsmap={None: _NS, "vt": _VT})
    old = _property(root)
    if old is not None:
        root.remove(old)
    number = max((int(each.get("pid", "1")) for each in root if isinstance(each.tag, str)), default=1) + 1
    element = etree.SubElement(root, f"{{{_NS}}}property", fmtid=_FORMAT, pid=str(number), name=PROPERTY)
    etree.SubElement(element, f"{{{_VT}}}lpwstr").text = mark
    return serialised(root)
