"""Records as JSON, and the description of a register that `_info` gives."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app import masking
from app.fields import Field
from app.formats import Choice, Choices, Link, Moment, StateOf
from app.language import _l
from app.lookup import DatabaseLookup
from app.queries import Listing, QueryError, filterable
from app.register import Child, Record, Register, children
from app.revealing import Seen
from app.roles import Verb
from app.scopes import Scope, scope_of
from views.api_query import OPERATORS

#: who wrote the row when; for those who see more than what is published
ENVELOPE = ("row_version", "source", "created_by", "created_at", "changed_by", "changed_at", "voided_at", "void_reason")
LABEL = "_label"
MOMENT = Moment()
#: a key of the answer, the attribute it comes from, what turns the one into the other (None: nothing)
Writer = tuple[str, str, Callable[[Any], Any] | None]


class Reader:
    """What one person's JSON of a register looks like."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.scope: Scope = scope_of(session)
        self.lookup = DatabaseLookup(session)

    def page(self, listing: Listing, columns: Collection[str] | None = None) -> dict[str, Any]:
        """What a list answers: how many records match, and of one page the ids and the columns asked for.

        Read as plain rows, for an answer needs no object of a record, so within the scope by their own test.
        """
        made = self._writers(listing.cls, columns)
        visible = self.scope.rows(listing.cls)
        tests = listing.conditions() + ([] if visible is None else [visible])
        attrs = tuple(dict.fromkeys(("id", *(attr for _key, attr, _write in made))))
        counted = _reading(listing.cls, ()).where(*tests)
        # the number comes with the rows: another question to the server would take longer
        page = _reading(listing.cls, attrs).add_columns(counted.correlate(None).scalar_subquery()).where(*tests).order_by(*listing.ordering())
        connection = self.session.connection()
        found = connection.execute(page.limit(listing.size).offset((listing.page - 1) * listing.size)).all()
        count = found[0][-1] if found else connection.scalar(counted)
        return {"count": count, "ids": [row.id for row in found], "result": self._written(listing.cls, attrs, found, made)}

    def rows(self, cls: type[Record], rows: Sequence[Record]) -> list[dict[str, Any]]:
        """Records without their children."""
        made = self._writers(cls)
        attrs = tuple(dict.fromkeys(attr for _key, attr, _write in made))
        return self._written(cls, attrs, [tuple(getattr(row, attr) for attr in attrs) for row in rows], made)

    def _written(self, cls: type[Record], attrs: Sequence[str], found: Sequence[Sequence[Any]], made: Sequence[Writer]) -> list[dict[str, Any]]:
        """Records, given as the values of these attributes, as JSON carries them; the names behind links are read in bulk."""
        places = {attr: place for place, attr in enumerate(attrs)}
        for declared in self.scope.readable(cls):
            if isinstance(declared.format, Link) and declared.attr in places:
                place = places[declared.attr]
                self.lookup.prepare_ids(declared.format.register, {row[place] for row in found} - {None})
        wanted = [(key, places[attr], write) for key, attr, write in made]
        return [{key: write(row[place]) if write else row[place] for key, place, write in wanted} for row in found]

    def whole(self, row: Record) -> dict[str, Any]:
        """A record with its children under their names."""
        result = self.rows(type(row), [row])[0]
        for child in children(type(row)) if isinstance(row, Register) else ():
            if self.scope.readable(child):
                result[child.__key__] = self.rows(child, self._children(child, row))
        return result

    def _children(self, child: type[Child], row: Record) -> Sequence[Child]:
        own = sa.select(child).where(child.parent_id == row.id, child.voided_at.is_(None))
        return self.session.scalars(own.order_by(child.id)).all()

    def _writers(self, cls: type[Record], columns: Collection[str] | None = None) -> list[Writer]:
        """How each key is made, of all or of those that are asked for; QueryError names the one that there is not."""
        made: list[Writer] = [("id", "id", None)]
        for declared in self.scope.readable(cls):
            made.append((declared.key, declared.attr, masking.dumper(self.scope, declared)))
            if isinstance(declared.format, Link):
                made.append((f"{declared.key}{LABEL}", declared.attr, self._label(declared)))
        made += [(key, key, MOMENT.dump if key.endswith("_at") else None) for key in self._envelope(cls)]
        known = {key for key, _attr, _write in made}
        for key in columns or ():
            if key not in known:
                raise QueryError(_l("没有“%(name)s”这一列", name=key[:40]))
        return [each for each in made if columns is None or each[0] in columns]

    def _label(self, declared: Field) -> Callable[[Any], str | None]:
        show = masking.shower(self.scope, declared, self.lookup)
        return lambda value: show(value) or None

    def _envelope(self, cls: type[Record]) -> tuple[str, ...]:
        return ENVELOPE if self.scope.actor.system or self.scope.may(cls, Verb.EXPORT) else ()

    # description ----------------------------------------------------------------------------

    def described(self, cls: type[Record]) -> dict[str, Any]:
        """The fields of a kind of record, as this person may read, write, filter and order them."""
        self.lookup.prepare(self.scope.readable(cls))
        writable = {each.key for each in self.scope.writable(cls)}
        asked = set(filterable(self.scope, cls))
        known = [self._described(each, each.key in writable, each.key in asked) for each in self.scope.readable(cls)]
        return {"key": cls.__key__, "title": str(cls.__title__), "fields": known}

    def _described(self, declared: Field, writable: bool, asked: bool) -> dict[str, Any]:
        fmt = declared.format
        facts: dict[str, Any] = {
            "key": declared.key, "label": str(declared.label), "format": fmt.name, "required": declared.required,
            "unique": declared.unique, "sensitive": declared.sensitive, "aliases": list(declared.aliases), "places": declared.places,
            "help": str(declared.help), "section": str(declared.section), "needed": declared.needed, "writable": writable,
            "operators": _operators(declared) if asked else [], "orderable": asked and not isinstance(fmt, Choices),
        }  # fmt: skip
        if isinstance(fmt, Link):
            facts["register"] = fmt.register
        if isinstance(fmt, (Choice, StateOf)):
            options = fmt.options() if isinstance(fmt, StateOf) else fmt.options(self.lookup)
            facts["options"] = [{"value": value, "label": label} for value, label in options]
        return facts


def revealed(scope: Scope, seen: Seen) -> dict[str, Any]:
    """What somebody looks at in clear: the record's own values, and those of its children under their names."""
    clear, result = scope.in_clear(), dict[str, Any]()
    for part in seen.parts:
        values = {declared.key: masking.dumped(clear, declared, value) for declared, value in part.values}
        if isinstance(part.record, Child):
            result.setdefault(part.record.__key__, []).append({"id": part.record.id, **values})
        else:
            result |= values
    return result


@cache
def _reading(cls: type[Record], attrs: tuple[str, ...]) -> sa.Select[Any]:
    """These columns of a table; without any, how many rows."""
    table = cls.__table__
    return sa.select(*(table.c[attr] for attr in attrs)) if attrs else sa.select(sa.func.count()).select_from(table)


def _operators(declared: Field) -> list[str]:
    kinds = {"any", "empty"} | ({"from", "to", "over", "under"} if declared.format.ordered else set())
    if not isinstance(declared.format, (Link, Choices)) and declared.format.as_text:
        kinds.add("like")
    return [name for name, kind in OPERATORS.items() if kind in kinds and (name != "rel_o_m" or isinstance(declared.format, Link))]
