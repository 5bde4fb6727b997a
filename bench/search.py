"""Search of two Chinese characters at a million rows: ours beside LIKE, as plain Flask-AppBuilder asks it, in one run.

.venv/bin/python -m bench.search [rows]              SQLite, in a temporary folder
DATABASE_URL=postgresql+psycopg://… .venv/bin/python -m bench.search [rows]     a database of its own, dropped afterwards

A list asks twice: how many, and the first page. Flask-AppBuilder counts all and looks into every
text column that its search box offers; ours counts to 1,000 and asks the index of grams.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, sessionmaker

from app import guard, registry
from app.database import engine_options
from app.fields import CodeText, Count, CreditCode, Day, Line, Name, Person, Phone, Prose, Url, YesNo, field
from app.lookup import DatabaseLookup
from app.paging import MOST_FOUND, read_slice, tally
from app.queries import read_listing
from app.register import Register, fields
from app.registry import Entry
from app.roles import LEDGER
from app.scopes import SYSTEM, act_as
from app.search.keep import refill
from app.search.kept import reconcile
from imports import bulk
from models.reference import OrgUnit

ROWS = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
ROUNDS = 7
CHUNK = 10_000
NAME = "yingshang_bench_search"


class Company(Register):
    """Sixteen fields, four of them searched."""

    __tablename__ = "bench_company"
    __key__ = "bench_company"
    __title__ = "企业"
    __keys__ = (("uscc",),)

    name: Mapped[Name] = field("名称", search=True, public=True)
    uscc: Mapped[CreditCode | None] = field("代码", search=True)
    short_name: Mapped[Name | None] = field("简称", search=True, public=True)
    address: Mapped[Line | None] = field("地址", search=True)
    legal_rep: Mapped[Person | None] = field("法人")
    phone: Mapped[Phone | None] = field("电话")
    website: Mapped[Url | None] = field("网址")
    industry: Mapped[Name | None] = field("行业")
    licence: Mapped[CodeText | None] = field("许可证")
    staff: Mapped[Count | None] = field("人数")
    founded_on: Mapped[Day | None] = field("成立")
    checked_on: Mapped[Day | None] = field("检查")
    open_now: Mapped[YesNo | None] = field("在营")
    scope: Mapped[Prose | None] = field("经营范围")
    note: Mapped[Line | None] = field("说明")
    source_note: Mapped[Line | None] = field("来源说明")


PLACES = [
    "围场县",
    "隆化县",
    "丰宁县",
    "滦平县",
    "平泉市",
    "宽城县",
    "兴隆县",
    "双桥区",
    "双滦区",
    "石家庄市",
    "唐山市",
    "张家口市",
    "保定市",
    "天津市",
    "北京市",
]
FIRST = "鑫盛恒泰瑞宏远华金源祥福兴利民康隆达顺昌茂丰永嘉信诚和"
TRADES = ["矿业", "化工", "建筑工程", "机械设备", "商贸", "物流", "农牧", "食品", "能源", "环保科技", "消防工程", "技术服务", "材料"]
KINDS = ["有限公司", "有限责任公司", "股份有限公司", "合作社", "厂"]
COMMON, RARE, ABSENT = "承德", "垚淼", "鼋鼍"
#: pinyin, initials, part of a code, several characters
MORE = ("chengdexin", "cdxs", "9113000", "承德市鑫盛", "德")
WORDS = {"rare (20 rows)": RARE, "common (a tenth)": COMMON, "absent": ABSENT}


def rows(dice: random.Random) -> Iterator[dict[str, Any]]:
    """Companies; every tenth of 承德, twenty called 垚淼."""
    marked = set(dice.sample(range(ROWS), 20))
    for number in range(ROWS):
        brand = RARE if number in marked else "".join(dice.choices(FIRST, k=2))
        place = "承德市" if number % 10 == 0 else dice.choice(PLACES)
        trade = dice.choice(TRADES)
        day = date(2000, 1, 1) + timedelta(days=number % 9000)
        yield {
            "name": f"{place}{brand}{trade}{dice.choice(KINDS)}", "uscc": f"9113{number:014d}", "short_name": brand + trade[:2],
            "address": f"{dice.choice(PLACES)}{dice.choice(FIRST)}{dice.choice(FIRST)}镇{number % 900 + 1}号", "legal_rep": "王" + dice.choice(FIRST),
            "phone": f"0314-{7000000 + number % 999999}", "website": f"https://example.com/{number}", "industry": trade, "licence": f"C{number:08d}",
            "staff": number % 500, "founded_on": day, "checked_on": day, "open_now": number % 3 == 0, "scope": f"{trade}的生产、销售、安装、维修与技术咨询",
            "note": "按年度计划检查", "source_note": "市场监管部门推送", "publish_state": "private", "row_version": 1,
        }  # fmt: skip


@contextmanager
def database() -> Iterator[str]:
    """The address of an empty database that is gone afterwards."""
    url = os.environ.get("DATABASE_URL", "")
    if not url.startswith("postgresql"):
        with tempfile.TemporaryDirectory() as folder:
            yield f"sqlite:///{Path(folder) / 'bench.db'}"
        return
    server = sa.create_engine(sa.make_url(url).set(database="postgres"), isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {NAME}")
        connection.exec_driver_sql(f"CREATE DATABASE {NAME}")
        try:
            yield sa.make_url(url).set(database=NAME).render_as_string(hide_password=False)
        finally:
            connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")


def fill(session: Session) -> None:
    """Write the rows the way imports do."""
    connection, dice, chunk = session.connection(), random.Random(1), []
    for row in rows(dice):
        chunk.append(row)
        if len(chunk) == CHUNK:
            _insert(connection, chunk)
            chunk = []
    if chunk:
        _insert(connection, chunk)
    session.commit()


def _insert(connection: sa.Connection, chunk: list[dict[str, Any]]) -> None:
    bulk.insert(connection, Company.__table__, list(chunk[0]), [list(row.values()) for row in chunk])


def plain(session: Session, word: str) -> tuple[int, int]:
    """Flask-AppBuilder: count(*) over the whole statement, then the first page; its box looks into one column at a time, here the name."""
    table: Any = Company.__table__
    wanted = sa.select(table).where(table.c.name.ilike(f"%{word}%"))
    count = session.connection().scalar(sa.select(sa.func.count()).select_from(wanted.subquery())) or 0
    return count, len(session.connection().execute(wanted.order_by(table.c.id.desc()).limit(25)).all())


def ours(session: Session, word: str) -> tuple[int, int]:
    """The list: its arguments understood, a count that stops, the first page of the listed fields; four fields searched."""
    listing = read_listing(session, Company, {"q": [word]}, DatabaseLookup(session))
    return tally(session, listing).count, len(read_slice(session, listing, fields(Company)).rows)


def medians(session: Session, word: str) -> tuple[float, float]:
    """Milliseconds of both, in turns; the first turn is left out."""
    times: dict[Callable[..., object], list[float]] = {plain: [], ours: []}
    for _round in range(ROUNDS + 1):
        for work, taken in times.items():
            started = time.perf_counter()
            work(session, word)
            taken.append((time.perf_counter() - started) * 1000)
    return statistics.median(times[plain][1:]), statistics.median(times[ours][1:])


def main() -> None:
    """Fill, measure, print the ratios."""
    registry.announce(Entry(Company, LEDGER, "企业"))
    with database() as url:
        engine = sa.create_engine(url, **engine_options(url))
        OrgUnit.__table__.create(engine)  # type: ignore[attr-defined]
        Company.__table__.create(engine)  # type: ignore[attr-defined]
        with engine.begin() as connection:
            reconcile(connection)
        factory = sessionmaker(engine)
        guard.install(factory)
        with factory() as session:
            act_as(session, SYSTEM)
            started = time.perf_counter()
            fill(session)
            print(f"{engine.dialect.name}: {ROWS:,} rows in {time.perf_counter() - started:.0f} s, ", end="", flush=True)
            started = time.perf_counter()
            refill(session, [Company.__key__])
            session.connection().exec_driver_sql("ANALYZE")
            session.commit()
            print(f"read by the search in {time.perf_counter() - started:.0f} s")
            for name, word in WORDS.items():
                counted, mine = plain(session, word), ours(session, word)
                assert (min(counted[0], MOST_FOUND + 1), counted[1]) == mine, (counted, mine)
                theirs, quick = medians(session, word)
                print(f"{name:<18} LIKE {theirs:8.1f} ms   ours {quick:7.2f} ms   {theirs / quick:6.0f}x   ({counted[0]} rows)")
            for word in MORE:
                print(f"{word:<18} ours {medians(session, word)[1]:7.2f} ms")
        engine.dispose()


if __name__ == "__main__":
    main()
