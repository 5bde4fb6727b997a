"""Word templates from people: what may come in, and filling one where it can do no harm."""

from __future__ import annotations

import base64
import io
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

from app.archives import UNREADABLE
from app.language import Text, _l

MOST_UPLOAD = 2 * 1024 * 1024
MOST_PARTS, MOST_UNPACKED = 300, 20 * 1024 * 1024
SECONDS, MEGABYTES = 10, 1024
_PROCESS = Path(__file__).with_name("word_process.py")
#: parts that carry programs or other files
_CARRIED = re.compile(r"vbaProject|/(embeddings|activeX|controls)/", re.IGNORECASE)
#: what makes a reader's Word fetch or start something; a plain link may stay
_REACHES_OUT = re.compile(rb"""<!DOCTYPE|<!ENTITY|\b(DDE|DDEAUTO|INCLUDETEXT|INCLUDEPICTURE)\b""")
_OUTSIDE = re.compile(rb"<Relationship\b[^>]*TargetMode\s*=\s*[\"']External[\"'][^>]*>")


class BadTemplate(ValueError):
    """A template that cannot be used; the message says why and what to do."""

    def __init__(self, message: Text) -> None:
        super().__init__()
        self.message = message

    def __str__(self) -> str:
        return str(self.message)


def inspect(data: bytes) -> None:
    """Refuse what is no Word document, unpacks to too much, or brings programs along."""
    if len(data) > MOST_UPLOAD:
        raise BadTemplate(_l("模板不能超过 2 MB，请去掉里面的大图片"))
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _parts(archive)
    except BadTemplate:
        raise  # it is a ValueError itself
    except UNREADABLE:
        raise BadTemplate(_l("这不是 Word 文档（.docx）。旧的 .doc 请先用 WPS 或 Word 另存为 .docx")) from None


def _parts(archive: zipfile.ZipFile) -> None:
    parts = archive.infolist()
    names = {part.filename for part in parts}
    if "word/document.xml" not in names or "[Content_Types].xml" not in names:
        raise BadTemplate(_l("这不是 Word 文档（.docx）。旧的 .doc 请先用 WPS 或 Word 另存为 .docx"))
    if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_UNPACKED:
        raise BadTemplate(_l("模板解压后太大，不能使用"))
    if any(_CARRIED.search(name) for name in names):
        raise BadTemplate(_l("模板里有宏、控件或嵌入的文件，不能使用；请删除后重新上传"))
    for part in parts:
        if part.filename.endswith((".xml", ".rels")):
            _part(archive.read(part))


def _part(content: bytes) -> None:
    outside = [found for found in _OUTSIDE.findall(content) if b"/hyperlink" not in found]
    if outside or _REACHES_OUT.search(content):
        raise BadTemplate(_l("模板引用了文件以外的内容（链接的图片、模板或域），不能使用；请改为插入到文档里"))


def fill(template: bytes, values: dict[str, Any]) -> bytes:
    """The document; BadTemplate names the placeholder that is wrong."""
    asked = {"template": base64.b64encode(template).decode(), "values": values, "seconds": SECONDS, "megabytes": MEGABYTES}
    try:
        done = subprocess.run(  # noqa: S603 - our own program; the template goes in as data
            [sys.executable, "-I", "-B", str(_PROCESS)],
            input=json.dumps(asked).encode(),
            capture_output=True,
            timeout=SECONDS * 3,
            check=False,
            cwd="/",
            env={"LANG": "C.UTF-8"},
        )
    except subprocess.TimeoutExpired:
        raise BadTemplate(_SENTENCES["limit"]) from None
    if done.returncode == 0:
        return done.stdout
    raise BadTemplate(_why(done.returncode, done.stderr))


_SENTENCES: dict[str, Text] = {
    "limit": _l("填充模板用的时间或内存太多，已停止。模板里只用“占位符一览”中的写法，不要自己写多层循环"),
    "broken": _l("模板填充后不是完整的 Word 文档。请检查 %(start)s 和 %(end)s 是否各占表格的一整行、成对出现", start="{%tr for … %}", end="{%tr endfor %}"),
}


def _why(status: int, said: bytes) -> Text:
    """The sentence for what the process reported; killed by its limits, it says nothing."""
    try:
        report = json.loads(said.decode() or "{}") if status == 3 else {"kind": "limit" if status < 0 else "broken"}
    except ValueError:
        report = {"kind": "broken"}
    name = report.get("name", "")
    if report["kind"] == "unknown":
        return _l("模板里的“%(name)s”不是这份表的占位符。请对照“占位符一览”改正后重新上传", name=name)
    if report["kind"] == "forbidden":
        return _l("模板里的“%(name)s”不允许使用。占位符只能写“占位符一览”里的名称", name=name)
    if report["kind"] == "syntax":
        return _l("模板里这一处写得不完整：“%(name)s”。请检查花括号是否成对", name=name)
    return _SENTENCES[report["kind"]]
