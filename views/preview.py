"""The preview of an import: four counts that filter, a window of rows, what was left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from app.language import _
from app.lookup import DatabaseLookup
from app.register import children, field_map
from app.scopes import scope_of
from imports.display import Display
from imports.outcome import Outcome
from imports.plan import Plan
from imports.rows import Issue

WINDOW = 50
#: beside the outcomes of records: the cells that somebody should look at
DOUBTFUL = "doubtful"


def reason_of(reason: str) -> str:
    """Why a row was left out, in words."""
    words = {
        "title": _("标题"),
        "note": _("说明"),
        "section": _("分段标题"),
        "header": _("重复的表头"),
        "total": _("合计"),
        "blank": _("空行"),
        "hidden": _("隐藏行"),
        "example": _("示例"),
        "skipped": _("您选择跳过"),
        "other_sheet": _("其他工作表"),
        "other_table": _("另一张表格"),
    }
    return words.get(reason, reason)


class Preview:
    """What the preview page shows of a plan."""

    def __init__(self, session: Session, plan: Plan, arguments: Mapping[str, str]) -> None:
        self.plan = plan
        self.counts = plan.counts()
        self.session = session
        wanted = arguments.get("outcome", "")
        self.outcome = wanted if wanted in {*Outcome, DOUBTFUL} else self._first()
        text = arguments.get("page", "1")
        self.number = int(text) if text.isascii() and text.isdecimal() and len(text) < 6 and int(text) else 1

    def _first(self) -> str:
        return next((name for name in ("wrong", "new", "changed", "same") if self.counts[name]), "new")

    def tabs(self) -> list[tuple[str, str, int]]:
        """The four counts."""
        words = {"new": _("新增"), "changed": _("更新"), "same": _("无变化"), "wrong": _("有问题")}
        return [(name, label, self.counts[name]) for name, label in words.items()]

    @property
    def start(self) -> int:
        """The first row of the window."""
        return (self.number - 1) * WINDOW

    @property
    def pages(self) -> int:
        """How many windows there are."""
        total = {"wrong": self.plan.tally["issues"], DOUBTFUL: self.plan.tally["doubts"]}.get(self.outcome, self.counts[self.outcome])
        return max(1, -(-total // WINDOW))

    def issues(self) -> list[Issue]:
        """The window of what is wrong, or doubtful, cell by cell."""
        return self.plan.issues(self.start, WINDOW, doubts=self.outcome == DOUBTFUL)

    def records(self) -> list[dict[str, Any]]:
        """The window of records, values as this person may read them."""
        show = Display(scope_of(self.session), DatabaseLookup(self.session))
        return [show.record(record) for record in self.plan.window(Outcome(self.outcome), self.start, WINDOW)]

    def name(self, record: dict[str, Any]) -> str:
        """What people call a planned record."""
        return str(record["values"].get(self.plan.cls.__label__, ""))

    def label(self, key: str, child: str = "") -> str:
        """A field's label."""
        owner: Any = next((each for each in children(self.plan.cls) if each.__key__ == child), self.plan.cls)
        known = field_map(owner)
        return str(known[key].label) if key in known else key

    def title(self, child: str) -> str:
        """The name of a kind of children."""
        return next((str(each.__title__) for each in children(self.plan.cls) if each.__key__ == child), child)

    def reason(self, reason: str) -> str:
        """Why a row was left out."""
        return reason_of(reason)
