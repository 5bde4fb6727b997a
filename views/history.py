"""What happened to a record: its history, two versions side by side, an earlier one put back; a register on a day."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Any

from flask import abort, flash, redirect, request
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import Conflict

from app import masking
from app.clock import SHANGHAI, local, today
from app.fields import Field
from app.formats import FormatError, Link, StateOf
from app.formats import Text as Line
from app.history import acts, read
from app.history.read import Step, Version
from app.history.words import ACTS, actor_in_words, road_label
from app.language import _, _l
from app.lookup import DatabaseLookup
from app.records import redraft, save
from app.register import Record, Register, children, fields, values_of
from app.scopes import Scope, scope_of
from views.editing import Answer
from views.lines import SIZE, Page, Row, day_of, here, page_number
from views.pages import current_session, find, link_to, people, render
from views.record import Action, RecordPage


@dataclass(frozen=True)
class Change:
    """A field with what it held and what it holds now, as the reader may see it."""

    key: str
    label: str
    old: str
    new: str
    differs: bool = True
    #: whether the reader may put the old value back
    open: bool = False


@dataclass
class Event:
    """One act on the record or on one of its children."""

    entry: int
    title: str
    who: str
    when: str
    road: str
    reason: str
    batch: int | None
    #: which child it is about; empty for the record itself
    of: str
    changes: list[Change] = field(default_factory=list)
    #: the page that holds this version beside the present one
    link: str = ""


def who(names: dict[str, str], version: Version) -> str:
    """Who made a version, in words; another program is named by the role it connects as."""
    return actor_in_words(names, version.actor)


def moment(version: Version) -> str:
    """When, in Shanghai."""
    return f"{local(version.at):%Y-%m-%d %H:%M:%S}" if version.at else "—"


class Reader:
    """Versions as one person may read them."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.scope: Scope = scope_of(session)
        self.lookup = DatabaseLookup(session)

    def prepare(self, declared: Iterable[Field], values: Iterable[Any]) -> None:
        """Ask for the names behind the links of many versions at once."""
        every = list(values)
        self.lookup.prepare(declared := list(declared))
        for each in declared:
            if isinstance(each.format, Link):
                ids = [kept.get(each.attr) for kept in every]
                self.lookup.prepare_ids(each.format.register, [value for value in ids if isinstance(value, int)])

    def text(self, declared: Field, values: Any) -> str:
        """What a version holds in a field."""
        return masking.shown(self.scope, declared, values.get(declared.attr) if values else None, self.lookup)

    def changes(self, step: Step) -> list[Change]:
        """The changed fields that the reader may see."""
        readable = {declared.key for declared in self.scope.readable(step.version.cls)}
        before = step.before.values if step.before else None
        found = [
            Change(each.key, str(each.label), self.text(each, before), self.text(each, step.version.values)) for each in step.changes if each.key in readable
        ]
        return [change for change in found if change.old or change.new]


class History:
    """The history pages of a register."""

    cls: type[Register]

    @expose("/history/<int:pk>", methods=("GET",))
    @has_access
    @permission_name("export")
    def history(self, pk: int) -> Answer:
        """Everything that happened to a record and its children, the newest first."""
        session = current_session()
        row = find(session, self.cls, pk)
        events = _events(session, self.cls, row)
        number = page_number(request.args)
        page = Page(_("历史"), "", [], len(events), number, "")
        shown = events[(number - 1) * SIZE : number * SIZE]
        return render("register/history.html", record=RecordPage(session, self.cls, row), page=page, events=shown, cls=self.cls)

    @expose("/history/<int:pk>/versions/<int:entry>", methods=("GET", "POST"))
    @has_access
    @permission_name("export")
    def version(self, pk: int, entry: int) -> Answer:
        """An earlier version beside another one or the present; from there it is put back."""
        session = current_session()
        row = find(session, self.cls, pk)
        target, version = _found(session, self.cls, row, entry)
        if request.method == "POST":
            return _restore(session, self.cls, row, target, version)
        return _compare(session, self.cls, row, target, version)

    @expose("/as-of", methods=("GET",))
    @has_access
    @permission_name("export")
    def as_of(self) -> Answer:
        """The register as it stood at the end of a day."""
        session = current_session()
        reader, number = Reader(session), page_number(request.args)
        day = day_of(request.args, "day") or today()
        end = datetime.combine(day, time.max, SHANGHAI)
        count, versions = read.as_of(session, self.cls, end, SIZE, (number - 1) * SIZE)
        readable = reader.scope.readable(self.cls)
        label = next((each for each in readable if each.key == self.cls.__label__), readable[0])
        listed = [label, *(each for each in readable if each.listed and each.key != label.key)]
        reader.prepare(listed, [version.values for version in versions])
        page = Page(_("%(title)s：%(day)s 的样子", title=self.cls.__title__, day=day), "", [str(each.label) for each in listed], count, number, "")
        page.empty = _("这一天还没有登记，或历史是在这之后才开始记录的。")
        for version in versions:
            first, *cells = (reader.text(each, version.values) for each in listed)
            page.rows.append(Row(first or f"#{version.row}", link_to(self.cls, "history", pk=version.row), cells))
        return render("register/as_of.html", page=page, cls=self.cls, day=day)


def _events(session: Session, cls: type[Register], row: Any) -> list[Event]:
    reader = Reader(session)
    steps: list[tuple[type[Record], list[Step]]] = [(cls, read.steps(read.of_rows(session, cls, [row.id])))]
    steps += [(kind, read.steps(read.of_children(session, kind, row.id))) for kind in children(cls) if reader.scope.readable(kind)]
    for kind, found in steps:
        reader.prepare(list(reader.scope.readable(kind)), [step.version.values for step in found])
    every = sorted((step for _kind, found in steps for step in found), key=lambda step: step.version.entry, reverse=True)
    names = people(session, {step.version.actor for step in every})
    return [_event(reader, cls, row, step, names) for step in every]


def _event(reader: Reader, cls: type[Register], row: Any, step: Step, names: dict[str, str]) -> Event:
    version = step.version
    changes = reader.changes(step)
    title = str(ACTS[step.act])
    own = version.cls is cls
    label = next((each for each in fields(version.cls) if each.key == version.cls.__label__), None)
    of = "" if own else f"{version.cls.__title__}“{reader.text(label, version.values) if label else version.row}”"
    road = road_label(version.road)
    voiding = str(version.values.get("void_reason") or "") if step.act == "void" else ""
    reason = version.reason or voiding
    event = Event(version.entry, title, who(names, version), moment(version), road, reason, version.batch, of, changes)
    event.link = link_to(cls, "version", pk=row.id, entry=version.entry) if version.kind != "delete" else ""
    return event


def _found(session: Session, cls: type[Register], row: Any, entry: int) -> tuple[Any, Version]:
    """A version of the record or of one of its children, with the row that it is of; 404 when it is of neither."""
    version = read.find(session, cls, row.id, entry)
    if version is not None:
        return row, version
    every = (each for kind in children(cls) for each in read.of_children(session, kind, row.id))
    of_child = next((each for each in every if each.entry == entry), None) or abort(404)
    kind: Any = of_child.cls
    return find(session, kind, of_child.row, kind.parent_id == row.id), of_child


def _compare(session: Session, cls: type[Register], row: Any, target: Any, version: Version, said: str = "", status: int = 200) -> Answer:
    reader = Reader(session)
    kind: type[Record] = type(target)
    other = _other(session, kind, target)
    present: Any = other.values if other is not None else {declared.attr: getattr(target, declared.attr) for declared in fields(kind)}
    readable = reader.scope.readable(kind)
    reader.prepare(list(readable), [version.values, present])
    writable = {each.key for each in reader.scope.writable(kind, values_of(target))} if other is None and target.voided_at is None else set()
    rows = []
    for declared in readable:
        differs = version.values.get(declared.attr) != present.get(declared.attr)
        old, new = reader.text(declared, version.values), reader.text(declared, present)
        if old or new:
            state = isinstance(declared.format, StateOf)
            rows.append(Change(declared.key, str(declared.label), old, new, differs, differs and declared.key in writable and not state))
    names = people(session, {version.actor, *([other.actor] if other else [])})
    facts = {
        "record": RecordPage(session, cls, row), "cls": cls, "rows": rows, "version": version, "other": other, "who": lambda each: who(names, each),
        "moment": moment, "said": said, "reason": request.form.get("reason", ""), "chosen": request.form.getlist("field"),
        "others": [each for each in reversed(read.of_rows(session, kind, [target.id])) if each.entry != version.entry], "here": here,
    }  # fmt: skip
    return render("register/version.html", **facts), status


def _other(session: Session, kind: type[Record], target: Any) -> Version | None:
    """The second version that the address names; None stands for the present."""
    text = request.args.get("with", "")
    if not text:
        return None
    return (read.find(session, kind, target.id, int(text)) if text.isdecimal() and len(text) < 16 else None) or abort(404)


def _restore(session: Session, cls: type[Register], row: Any, target: Any, version: Version) -> Answer:
    """Put the chosen fields back: a new entry, by the same rules as any change."""
    known = {each.key: each for each in scope_of(session).readable(type(target))}
    chosen = [key for key in request.form.getlist("field") if key in known]
    try:
        reason = Line(500).parse(request.form.get("reason", ""))
    except FormatError as error:
        return _compare(session, cls, row, target, version, str(error.message), 422)
    if not chosen or reason is None:
        said = _("请勾选要恢复的栏目") if not chosen else _("请写明为什么恢复")
        return _compare(session, cls, row, target, version, said, 422)
    parent = row if target is not row else None
    draft = redraft(session, target, {key: version.values.get(known[key].attr) for key in chosen}, parent)
    if draft.errors:
        said = "；".join(str(message) for messages in draft.errors.values() for message in messages)
        return _compare(session, cls, row, target, version, said, 422)
    acts.describe(session, road="restore", reason=reason)
    try:
        save(session, draft, target, parent)
        session.commit()
    except StaleDataError:
        session.rollback()
        raise Conflict(_("刚刚有人改过这条记录，没有恢复。请重新打开再看。")) from None
    flash(_("已恢复 %(count)s 个栏目，历史里记下了这一次恢复", count=len(chosen)), "success")
    return redirect(link_to(cls, "history", pk=row.id))


def remembering(page: RecordPage) -> Iterable[Action]:
    """The button that opens a record's history, for staff."""
    if page.inside:
        yield Action(_l("历史"), page.address("history"), "ti-history")
