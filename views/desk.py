"""The desk: what waits for the person, what falls due, the person's imports, what changed, the registers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import url_for
from sqlalchemy.orm import Session

from app import changes, disclosure, due, gaps, masking, registry
from app.charge import lists
from app.clock import local
from app.fields import Gate
from app.figures import readable_rows, waiting
from app.language import Text, _, _l, listed
from app.lookup import DatabaseLookup
from app.register import Child, PublishState, Record, field_map
from app.registry import Entry
from app.roles import ROLE_LABELS, Verb
from app.scopes import Scope, scope_of
from app.signin import duties, guessing
from imports import history
from imports.batch import BatchState
from views.account_security import looks_after_accounts
from views.charts import Charts, due_link
from views.import_batches import batch_states
from views.keeper import may_keep
from views.pages import link_to, need, people

ACTS: dict[changes.Act, Text] = {changes.Act.ADDED: _l("新增"), changes.Act.CHANGED: _l("已修改"), changes.Act.VOIDED: _l("已作废")}


@dataclass(frozen=True)
class Task:
    """Something that waits for the person."""

    icon: str
    text: str
    link: str
    quiet: str = ""


@dataclass(frozen=True)
class Line:
    """A line of a list: what it is about, with its link, and what is said of it."""

    text: str
    link: str
    quiet: str
    mark: str = ""
    kind: str = ""


@dataclass(frozen=True)
class Card:
    """A register that one may open, with what one may do there."""

    title: str
    icon: str
    count: int
    link: str
    add: str = ""
    bring: str = ""


def cards(session: Session, scope: Scope) -> list[tuple[str, list[Card]]]:
    """The registers that one may read, by area of work."""
    entries = [entry for entry in registry.entries() if scope.may(entry.register, Verb.READ)]
    counts = readable_rows(session, [entry.register for entry in entries])
    grouped: dict[str, list[Card]] = {}
    for entry in entries:
        grouped.setdefault(str(entry.area), []).append(_card(scope, entry, counts[entry.register]))
    return list(grouped.items())


def _card(scope: Scope, entry: Entry, count: int) -> Card:
    cls = entry.register
    add = link_to(cls, "add") if scope.may(cls, Verb.ADD) else ""
    bring = link_to(cls, "upload") if scope.may(cls, Verb.IMPORT) else ""
    return Card(str(cls.__title__), entry.icon, count, link_to(cls, "list"), add, bring)


class Desk:
    """The first page of whoever is signed in; each part stands only where there is something behind it."""

    NEXT, CHANGES = 10, 8
    LATEST = 5

    def __init__(self, session: Session) -> None:
        self.session = session
        self.scope = scope_of(session)
        self.charts = Charts(session)
        self.registers = self.charts.registers
        self.lookup = DatabaseLookup(session)
        self.batches = history.of_person(session, self.scope.actor.username)
        self.areas = cards(session, self.scope)
        self.outlook = due.outlook(session, self.charts.kinds, self.charts.today)

    @property
    def roles(self) -> str:
        """The person's roles and office."""
        roles = [str(label) for role, label in ROLE_LABELS.items() if role in self.scope.actor.roles]
        return listed(roles) + (f" · {self.charts.office}" if roles and self.charts.office else "")

    def shortcuts(self, what: str) -> list[Card]:
        """The registers to which one may add (or import)."""
        return [card for _area, group in self.areas for card in group if getattr(card, what)]

    # what waits -----------------------------------------------------------------------------

    def tasks(self) -> list[Task]:
        """What waits for the person, in the order of urgency."""
        return [*self._accounts(), *self._imports(), *self._disclosures(), *self._pending(), *self._words(), *self._gaps()]

    def _accounts(self) -> list[Task]:
        """What the security administrator looks after: who is locked out, accounts that nobody uses, duties in one hand."""
        if not looks_after_accounts(self.scope):
            return []
        locked = Counter(row.kind for row in guessing.locks(self.session))
        idle, overlaps, days = len(duties.idle(self.session)), len(duties.overlaps(self.session)), duties.IDLE.days
        found = [
            (locked["account"], "ti-lock", _("%(count)s 个账号被锁定", count=locked["account"]), "locked"),
            (locked["address"], "ti-lock", _("%(count)s 个登录地址被锁定", count=locked["address"]), "locked"),
            (overlaps, "ti-alert-triangle", _("%(count)s 个账号兼任了不能由一个人担任的角色", count=overlaps), "overlaps"),
            (idle, "ti-users", _("%(count)s 个账号 %(days)s 天未使用", count=idle, days=days), "idle"),
        ]
        return [Task(icon, text, url_for("AccountSecurityView.index", _anchor=part)) for count, icon, text, part in found if count]

    def _imports(self) -> list[Task]:
        found = []
        for batch in history.unfinished(self.batches):
            cls = registry.find(batch.register)
            if cls is None or not self.scope.may(cls, Verb.IMPORT):
                continue
            link, name = link_to(cls, "preview", batch_id=batch.id), batch.file_name
            quiet = f"{cls.__title__} · {local(batch.created_at):%m-%d %H:%M}"
            if batch.state is BatchState.PLANNED:
                found.append(Task("ti-file-import", _("“%(name)s”已检查，等您确认后才写入", name=name), link, f"{quiet} · {counted(batch)}"))
            elif batch.state is BatchState.PARTLY:
                found.append(Task("ti-alert-triangle", _("“%(name)s”有 %(count)s 行有问题，没有导入", name=name, count=batch.wrong), link, quiet))
            else:
                found.append(Task("ti-alert-triangle", _("“%(name)s”没有写入，请看原因", name=name), link, quiet))
        return found

    def _disclosures(self) -> list[Task]:
        found = []
        if disclosure.may_decide(self.scope) and (count := disclosure.waiting_count(self.session)):
            found.append(Task("ti-eye-check", _("脱敏授权：%(count)s 个申请等您处理", count=count), url_for("DisclosuresView.index")))
        for grant in disclosure.usable(self.session):
            cls = registry.find(grant.register)
            if cls is not None and grant.until is not None:
                text = _("可以导出“%(title)s”的完整信息了，只能导出一次", title=cls.__title__)
                found.append(Task("ti-download", text, link_to(cls, "list"), _("%(when)s 前有效", when=f"{local(grant.until):%m-%d %H:%M}")))
        return found

    def _pending(self) -> list[Task]:
        approved = [cls for cls in self.registers if Gate.APPROVAL in self.scope.gates(cls)]
        found = []
        for cls, count in waiting(self.session, approved, PublishState.PENDING).items():
            text = _("%(title)s：%(count)s 条待审公开", title=cls.__title__, count=count)
            found.append(Task("ti-eye-check", text, self.charts.list_of(cls, publish_state=PublishState.PENDING.value)))
        return found

    def _words(self) -> list[Task]:
        cls = registry.need("code")
        if not may_keep(self.scope):
            return []
        state = cls.__table__.c.word_state
        count = self.session.scalar(sa.select(sa.func.count(cls.id)).where(cls.voided_at.is_(None), state == "pending"))
        text = _("字典：%(count)s 个新词待确认", count=count)
        return [Task("ti-vocabulary", text, url_for("KeeperView.index"))] if count else []

    def _gaps(self) -> list[Task]:
        open_to = [cls for cls in self.registers if self.scope.gates(cls) & {Gate.ORDINARY, Gate.ASSIGN}]
        found = []
        for cls, missing in gaps.counts(self.session, open_to).items():
            text = _("%(title)s：%(count)s 条资料不全", title=cls.__title__, count=missing.records)
            quiet = listed(f"{need(step)} {count}" for step, count in missing.steps.items())
            found.append(Task("ti-forms", text, url_for("DeskView.incomplete", register=cls.__key__), quiet))
        return found

    # what falls due -------------------------------------------------------------------------

    def dues(self) -> list[tuple[str, int, str, str]]:
        """Overdue, and due in 7, 30 and 90 days: label, count, link, manner."""
        if not self.charts.kinds:
            return []
        outlook, day = self.outlook, self.charts.today
        found = [(_("已过期"), outlook.overdue, due_link(due.overdue(day)), "late")]
        return found + [(_("%(days)s 天内", days=days), outlook.within[days], due_link(due.within(day, days)), "soon") for days in due.WINDOWS]

    def next_due(self) -> list[Line]:
        """The next ends of periods."""
        span = due.within(self.charts.today, due.WINDOWS[-1])
        if not self.charts.kinds or not self.outlook.within[due.WINDOWS[-1]]:
            return []
        items = due.items(self.session, self.charts.kinds, span, self.NEXT)
        return [
            Line(called(item.label, item.record), record_link(item), part_of(self.scope, item, self.lookup), days_left(self.charts.today, item))
            for item in items
        ]

    # what happened --------------------------------------------------------------------------

    def my_imports(self) -> list[Line]:
        """The person's last batches."""
        states, found = batch_states(), []
        for batch in self.batches[: self.LATEST]:
            cls = registry.find(batch.register)
            if cls is not None:
                link = link_to(cls, "preview", batch_id=batch.id) if self.scope.may(cls, Verb.IMPORT) else ""
                quiet = f"{cls.__title__} · {local(batch.created_at):%m-%d %H:%M} · {counted(batch)}"
                found.append(Line(batch.file_name, link, quiet, states[batch.state], "wait" if batch.waits else "done"))
        return found

    def latest(self) -> list[Line]:
        """What changed last in the registers that the person looks after."""
        found = changes.recent(self.session, [*self.registers, *lists(self.scope)], self.CHANGES)
        names = people(self.session, (group.first.who for group in found))
        return [self._changed(group, names) for group in found]

    def _changed(self, group: changes.Group, names: dict[str, str]) -> Line:
        change = group.first
        label = called(change.label, change.record)
        if group.count > 1:
            label = _("%(label)s 等 %(count)s 条", label=label, count=f"{group.count}+" if group.more else group.count)
        who = names.get(change.who) or _("系统")
        quiet = f"{change.cls.__title__} · {who} · {local(change.when):%m-%d %H:%M}"
        act = _("导入") if change.batch and change.act is changes.Act.ADDED else str(ACTS[change.act])
        return Line(label, link_to(change.cls, "show", pk=change.record), quiet, act, change.act.value)


def counted(batch: history.Brief) -> str:
    """What a batch brings, in words."""
    words = {"new": _("新增"), "changed": _("更新"), "same": _("无变化"), "wrong": _("有问题")}
    return listed(f"{word} {batch.counts[name]}" for name, word in words.items() if batch.counts.get(name)) or _("没有内容")


def called(label: str | None, record: int) -> str:
    """What people call a record."""
    return label or f"#{record}"


def record_link(item: due.Item) -> str:
    """The record's page, at the part that ends."""
    page = link_to(item.kind.register, "show", pk=item.record)
    return f"{page}#{item.kind.cls.__key__}" if issubclass(item.kind.cls, Child) else page


def part_of(scope: Scope, item: due.Item, lookup: DatabaseLookup) -> str:
    """In words, what of the record ends."""
    cls: type[Record] = item.kind.cls
    label = str(item.kind.declared.label)
    if not issubclass(cls, Child):
        return label
    named: Any = field_map(cls)[cls.__label__]
    part = masking.shown(scope, named, item.part, lookup) if item.part else ""
    return " ".join(each for each in (str(cls.__title__), part, label) if each)


def days_left(day: Any, item: due.Item) -> str:
    """How many days are left, or have gone by."""
    left = (item.day - day).days
    if left == 0:
        return _("今天到期")
    return _("还有 %(days)s 天", days=left) if left > 0 else _("已过 %(days)s 天", days=-left)
