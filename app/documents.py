"""Printed forms: which register prints which Word document, and the templates that staff put in place of ours.

A declaration names a register and a document; the template that came with the product is always
there to go back to. What staff upload is kept for good, one of them at most is in use.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.clock import now
from app.language import Text
from app.register import Base, Register
from app.roles import Role
from app.scopes import scope_of

#: who may change the layout of a form: the office that answers for it, the lawyers, the administrator
KEEPERS = frozenset({Role.SECTION_HEAD, Role.LEGAL, Role.SYSADMIN})


@dataclass(frozen=True)
class PrintedForm:
    """A Word document of one record: `/review/7/form.docx`."""

    register: type[Register]
    name: str
    title: Text
    #: the template that comes with the product
    shipped: Callable[[], bytes]
    #: fields of children whose code list is printed whole, answered or not
    whole: tuple[Any, ...] = ()
    keepers: frozenset[Role] = KEEPERS

    @property
    def key(self) -> str:
        """Its name among all forms."""
        return f"{self.register.__key__}.{self.name}"


_forms: dict[str, PrintedForm] = {}


def announce(*forms: PrintedForm) -> None:
    """Make forms known."""
    _forms.update({form.key: form for form in forms})


def forms() -> Mapping[str, PrintedForm]:
    """All printed forms by key."""
    return MappingProxyType(_forms)


def forms_of(cls: type[Register]) -> list[PrintedForm]:
    """The printed forms of a register."""
    return [form for form in _forms.values() if form.register is cls]


def find(cls: type[Register], name: str) -> PrintedForm | None:
    """The form of that name."""
    return _forms.get(f"{cls.__key__}.{name}")


class FormTemplate(Base):
    """A template that somebody uploaded for a printed form."""

    __tablename__ = "form_template"
    __table_args__ = (sa.Index("uq_form_template_in_use", "form", unique=True, sqlite_where=sa.text("in_use"), postgresql_where=sa.text("in_use")),)

    id: Mapped[int] = mapped_column(primary_key=True)
    form: Mapped[str] = mapped_column(sa.String(128), index=True)
    original_name: Mapped[str] = mapped_column(sa.String(255))
    content: Mapped[bytes] = mapped_column(sa.LargeBinary, deferred=True)
    size: Mapped[int] = mapped_column()
    sha256: Mapped[str] = mapped_column(sa.String(64))
    uploaded_by: Mapped[str] = mapped_column(sa.String(64))
    uploaded_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True), default=now)
    in_use: Mapped[bool] = mapped_column(default=False)
    used_by: Mapped[str | None] = mapped_column(sa.String(64))
    used_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))


def keep(session: Session, form: PrintedForm, name: str, content: bytes) -> FormTemplate:
    """Keep an uploaded template, not in use yet; the caller commits."""
    template = FormTemplate(
        form=form.key,
        original_name=name,
        content=content,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        uploaded_by=scope_of(session).actor.username,
        uploaded_at=now(),
        in_use=False,
    )
    session.add(template)
    session.flush()
    return template


def use(session: Session, form: PrintedForm, template: FormTemplate | None) -> None:
    """Print with this template from now on; None: with the one that came with the product. The caller commits."""
    session.execute(sa.update(FormTemplate).where(FormTemplate.form == form.key, FormTemplate.in_use).values(in_use=False))
    if template is not None:
        template.in_use, template.used_by, template.used_at = True, scope_of(session).actor.username, now()
    session.flush()


def history(session: Session, form: PrintedForm) -> list[FormTemplate]:
    """Every template uploaded for a form, newest first."""
    return list(session.scalars(sa.select(FormTemplate).where(FormTemplate.form == form.key).order_by(FormTemplate.id.desc())))


def template_of(session: Session, form: PrintedForm) -> bytes:
    """The template in use."""
    kept = session.scalar(sa.select(FormTemplate.content).where(FormTemplate.form == form.key, FormTemplate.in_use))
    return kept if kept is not None else form.shipped()
