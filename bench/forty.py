"""Our side: a menu of forty registers, three of them with the bench's rows. gunicorn loads bench.forty:app."""

from __future__ import annotations

import os
import warnings
from string import ascii_lowercase
from typing import Annotated, Any

import sqlalchemy as sa
from flask import Flask, g
from sqlalchemy.orm import Mapped

import models  # noqa: F401 - the product's own registers come first
from app import code_lists, registry
from app.code_lists import CodeList, Word
from app.factory import create_app
from app.fields import CodeText, Count, Day, Line, Name, Person, Phone, Prose, SquareMetres, YesNo, field, one_of
from app.register import Register
from app.registry import Entry
from app.roles import LEDGER
from bench.rows import SIZES

MENU = 40
USERNAME, PASSWORD = "bench", "Weichang-2026"
KIND = CodeList("bench_kind", "机构类别", (Word("evaluation", "安全评价"), Word("testing", "检测检验"), Word("training", "安全培训")))
LEVEL = CodeList("bench_level", "等级", (Word("first", "一级"), Word("second", "二级")))


def ledger(number: int, key: str) -> type[Register]:
    """A register of sixteen columns."""

    class Ledger(Register):
        __tablename__ = key
        __key__ = key
        __title__ = f"试验台账{number}"
        __keys__ = (("code",),)

        name: Mapped[Name] = field("机构名称", listed=True, search=True)
        code: Mapped[CodeText] = field("编号", listed=True, search=True)
        kind: Mapped[Annotated[str, one_of(KIND)] | None] = field("机构类别", listed=True, filtered=True)
        level: Mapped[Annotated[str, one_of(LEVEL)] | None] = field("等级", listed=True, filtered=True)
        legal_rep: Mapped[Person | None] = field("法定代表人", listed=True)
        contact: Mapped[Person | None] = field("联系人", listed=True)
        phone: Mapped[Phone | None] = field("办公电话", listed=True)
        address: Mapped[Line | None] = field("地址", listed=True, search=True)
        scope: Mapped[Line | None] = field("业务范围", listed=True)
        staff: Mapped[Count | None] = field("人数", listed=True)
        area: Mapped[SquareMetres | None] = field("面积", listed=True)
        founded: Mapped[Day | None] = field("成立日期", listed=True)
        checked: Mapped[Day | None] = field("核验日期", listed=True)
        valid_to: Mapped[Day | None] = field("有效期至", listed=True, filtered=True)
        active: Mapped[YesNo | None] = field("在用", listed=True)
        note: Mapped[Prose | None] = field("核验情况", listed=True)

    Ledger.__name__ = Ledger.__qualname__ = f"Ledger{number}"
    return Ledger


def announce() -> None:
    """Fill the menu up to forty entries."""
    code_lists.announce((KIND, LEVEL))
    keys = [*SIZES, *(f"bench_{one}{two}" for one in "abcd" for two in ascii_lowercase)][: MENU - len(registry.entries())]
    registry.announce(*(Entry(ledger(number, key), LEDGER, f"试验{number % 4}") for number, key in enumerate(keys)))


def prepare() -> None:
    """The database with everything in it but the rows."""
    from flask_migrate import upgrade

    from app.database import db
    from app.install import add_account, sync_permissions
    from app.roles import Role
    from app.scopes import SYSTEM, act_as
    from models.seed import seed

    with app.app_context():
        upgrade()
        for entry in registry.entries():
            entry.register.__table__.create(db.engine, checkfirst=True)  # type: ignore[attr-defined]
        act_as(db.session(), SYSTEM)
        seed(db.session())
        db.session.commit()
        sync_permissions()
        add_account(USERNAME, [Role(os.environ.get("BENCH_ROLE", Role.CLERK))], "基础股", name="王经办", password=PASSWORD, chosen=True)


def finish() -> None:
    """What the search looks into: our forms and imports keep it, rows from outside are filled in afterwards."""
    from app.database import db
    from app.scopes import SYSTEM, act_as
    from app.search.keep import refill
    from app.search.kept import reconcile

    with app.app_context():
        session = db.session()
        act_as(session, SYSTEM)
        reconcile(session.connection())
        session.commit()
        refill(session, SIZES)


def count_statements(application: Flask) -> Flask:
    """Say in each answer how many statements it took."""
    from app.database import db

    def note(*_arguments: Any) -> None:
        g.statements = g.get("statements", 0) + 1

    def tell(answer: Any) -> Any:
        answer.headers["X-Statements"] = str(g.get("statements", 0))
        return answer

    with application.app_context():
        sa.event.listen(db.engine, "before_cursor_execute", note)
    application.after_request(tell)
    return application


warnings.filterwarnings("ignore", "This declarative base already contains a class")  # all ledgers are written once
announce()
app = count_statements(create_app())
