"""Help inside the product: one short page for each task, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from flask import abort
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name

from app.language import Text, _l
from views.pages import language_tag, render

#: the pages in the order of the contents; each stands in templates/help/<language>/<name>.html
TOPICS: Mapping[str, Text] = MappingProxyType(
    {
        "search": _l("查找"),
        "filter": _l("筛选和我的视图"),
        "form": _l("新增和修改"),
        "bulk": _l("成批修改和作废"),
        "import": _l("导入"),
        "export": _l("导出和打印"),
        "undo": _l("撤销"),
        "history": _l("历史和恢复"),
        "words": _l("字典和新词"),
        "rights": _l("权限"),
    }
)


class HelpView(BaseView):  # type: ignore[misc]
    """帮助."""

    route_base = "/help"
    class_permission_name = "help"
    default_view = "index"

    @expose("/", methods=("GET",))
    @has_access
    @permission_name("read")
    def index(self) -> str:
        """The contents."""
        return self._page(next(iter(TOPICS)))

    @expose("/<name>", methods=("GET",))
    @has_access
    @permission_name("read")
    def topic(self, name: str) -> str:
        """One task."""
        if name not in TOPICS:
            abort(404)
        return self._page(name)

    def _page(self, name: str) -> str:
        language = "en" if language_tag() == "en" else "zh"
        return render("help/page.html", topics=TOPICS, name=name, text=f"help/{language}/{name}.html")
