"""Why a file as a whole cannot be taken."""

from __future__ import annotations

from app.language import Text, _l


class Refused(Exception):
    """A file that cannot be read or must not be: `code` for machines, `message` with the cure."""

    def __init__(self, code: str, message: Text) -> None:
        super().__init__(code)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return str(self.message)


def damaged() -> Refused:
    """What is inside cannot be read."""
    return Refused("damaged", _l("文件已损坏或不完整，无法打开。请用 Excel 或 WPS 打开后另存为 .xlsx 再上传"))


def encrypted() -> Refused:
    """A password keeps it shut."""
    return Refused("encrypted", _l("文件设有打开密码，请取消密码（另存为时不加密）后重新上传"))


def hostile() -> Refused:
    """It is made to do harm, or looks so."""
    return Refused("hostile", _l("文件内部结构异常，可能带有恶意内容，已拒绝"))


_KINDS = {
    "document": _l("这是文字文档（Word 或 WPS 文字），不是表格。请把其中的表格复制到 Excel 或 WPS 表格里，存为 .xlsx 再上传"),
    "slides": _l("这是演示文稿或图形文件，不是表格。请上传 .xlsx、.xls、.ods 或 .csv 文件"),
    "pdf": _l("这是 PDF 文件，不是表格。请向来件单位索要 Excel 或 WPS 表格原件"),
    "picture": _l("这是图片，不是表格。请向来件单位索要 Excel 或 WPS 表格原件"),
    "archive": _l("这是压缩包，不是表格。请先解压，再上传里面的表格文件"),
    "encoding": _l("这个文本文件的编码认不出来，读出来会是乱码。请用 Excel 或 WPS 打开，另存为 .xlsx 再上传"),
    "not_workbook": _l("这不是表格文件。可以导入 .xlsx、.xls、.ods 和 .csv 文件"),
}


def other_kind(kind: str) -> Refused:
    """It is no workbook; `kind`, the code, says what it is: document, slides, pdf, picture, archive, encoding or not_workbook."""
    return Refused(kind, _KINDS[kind])
