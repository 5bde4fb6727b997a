"""One cell of a list, changed where it stands. Mixed into a register's view."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flask import abort, make_response, request
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import Conflict
from werkzeug.wrappers import Response

from app import masking
from app.bulk import identifying
from app.clock import local
from app.fields import Field
from app.formats import Choice, Choices, Lookup, is_blank
from app.language import Text, _, _l
from app.lookup import DatabaseLookup
from app.records import Draft, draft, save
from app.register import Register, field_map, fields, values_of
from app.roles import Verb
from app.scopes import NotPermitted, Scope, scope_of
from views.cells import Painter
from views.forms import MOST_OPTIONS, FormBuilder, sent
from views.pages import current_session, find, people, render

#: inputs that fit into a cell: neither prose nor several words, no picker that asks the server
_SIMPLE = frozenset({"text", "select", "date", "number", "url", "email", "tel"})


def simple(scope: Scope, declared: Field, lookup: Lookup) -> bool:
    """Whether a field can be changed in its cell: one short value that the reader sees in clear."""
    fmt = declared.format
    short = not isinstance(fmt, Choice) or len(fmt.options(lookup)) <= MOST_OPTIONS
    return declared.form and not declared.derived and scope.clear(declared) and fmt.widget in _SIMPLE and not isinstance(fmt, Choices) and short


class CellRights:
    """Which cells of a list its reader may change: told from what a row has loaded, without a statement."""

    def __init__(self, scope: Scope, cls: type[Register], shown: Iterable[Field], lookup: Lookup) -> None:
        apart = identifying(cls)
        found = shown if scope.may(cls, Verb.EDIT) else ()
        self.scope, self.cls = scope, cls
        self.fields = [declared for declared in found if declared.key not in apart and simple(scope, declared, lookup)]
        #: what a row must have loaded beside the cells: whose it is, and whether it is public
        self.beside = [field_map(cls)[key] for key in ("org_unit", "publish_state")] if self.fields else []
        self._known: dict[tuple[Any, ...], frozenset[str]] = {}

    def keys(self, row: Mapping[str, Any]) -> frozenset[str]:
        """The fields of this row (values by attribute) that the reader may change."""
        if not self.fields or row["voided_at"] is not None:
            return frozenset()
        before = {declared.key: row[declared.attr] for declared in (*self.beside, *self.fields)}
        alike = (*(before[each.key] for each in self.beside), *(is_blank(before[each.key]) for each in self.fields if each.drafted))
        if alike not in self._known:
            self._known[alike] = self._found(before)
        return self._known[alike]

    def _found(self, before: Mapping[str, Any]) -> frozenset[str]:
        if self.scope.refuses(self.cls, before, before, ()) is not None:
            return frozenset()
        return frozenset(each.key for each in self.fields if self.scope.refuses(self.cls, before, {**before, each.key: object()}, {each.key}) is None)


class CellEdit:
    """The address of a cell."""

    cls: type[Register]

    @expose("/<int:pk>/cell/<key>", methods=("GET", "POST"))
    @has_access
    @permission_name("edit")
    def cell(self, pk: int, key: str) -> Response | tuple[str, int] | str:
        """The input of one cell; once sent, the cell as the list shows it."""
        session = current_session()
        declared = field_map(self.cls).get(key) or abort(404)
        return Cell(session, self.cls, find(session, self.cls, pk), declared).answer()


class Cell:
    """One field of one record."""

    def __init__(self, session: Session, cls: type[Register], row: Any, declared: Field) -> None:
        self.session, self.cls, self.row, self.declared = session, cls, row, declared
        self.scope, self.lookup = scope_of(session), DatabaseLookup(session)
        self._permitted()

    def _permitted(self) -> None:
        if self.row.voided_at is not None:
            raise Conflict(_("这条记录已作废，不能再修改"))
        row = {attr: getattr(self.row, attr) for attr in ("voided_at", *(each.attr for each in fields(self.cls)))}
        if self.declared.key not in CellRights(self.scope, self.cls, [self.declared], self.lookup).keys(row):
            values = values_of(self.row)
            raise NotPermitted(
                self.scope.refuses(self.cls, values, values, {self.declared.key}) or _l("“%(label)s”不能在列表里修改", label=self.declared.label)
            )

    def answer(self) -> Response | tuple[str, int] | str:
        """What the browser puts into the cell."""
        return self._receive() if request.method == "POST" else self._form(self._kept())

    def _kept(self) -> Draft:
        return Draft(self.cls, values=values_of(self.row))

    def _receive(self) -> Response | tuple[str, int] | str:
        result = draft(self.session, self.cls, sent(request.form, [self.declared]), self.lookup, row=self.row)
        if request.form.get("row_version") != str(self.row.row_version):
            return self._outdated(result)
        if result.errors:
            return self._form(result, self._sentences(result)), 422
        try:
            save(self.session, result, row=self.row)
            self.session.commit()
        except StaleDataError:
            self.session.rollback()
            self.session.refresh(self.row)
            return self._outdated(result)
        doubts = [doubt for found in result.doubts.values() for doubt in found]
        painted = Painter(self.scope, self.declared, self.lookup)(getattr(self.row, self.declared.attr))
        answer = make_response(render("register/cell.html", painted=painted, doubts=doubts))
        answer.headers["X-Row-Version"] = str(self.row.row_version)
        return answer

    def _sentences(self, result: Draft) -> list[Text]:
        """What is wrong: with this cell, or with another that it does not agree with."""
        known, mine = field_map(self.cls), result.errors.get(self.declared.key, [])
        other = [(key, text) for key, found in result.errors.items() if key != self.declared.key for text in found]
        return [*mine, *(_("“%(label)s”：%(why)s", label=known[key].label, why=text) if key in known else text for key, text in other)]

    def _outdated(self, result: Draft) -> tuple[str, int]:
        """Somebody was faster: say who and what stands there now, keep what was typed."""
        name = people(self.session, [self.row.changed_by]).get(self.row.changed_by or "", "") or _("其他人")
        when = f"{local(self.row.changed_at):%Y-%m-%d %H:%M}"
        note = _(
            "%(name)s于 %(when)s 改过这条记录，现值：%(value)s。您的还没有保存，再按一次回车才会覆盖。",
            name=name, when=when, value=self._shown() or _("空"),
        )  # fmt: skip
        return self._form(result, [note]), 409

    def _form(self, result: Draft, errors: Iterable[Text] = ()) -> str:
        [each] = FormBuilder(self.session, self.cls, [self.declared], self.lookup).again(result)
        each.errors = list(errors)
        return render("register/cell_form.html", each=each, version=self.row.row_version)

    def _shown(self) -> str:
        return masking.shown(self.scope, self.declared, getattr(self.row, self.declared.attr), self.lookup)
