"""The table that every contender shows: sixteen columns of a county's ledger, filled by one SQL statement."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

#: rows of each table; the other registers stand empty in the menu
SIZES = {"bench_small": 1_000, "bench_middle": 50_000, "bench_large": 1_000_000}
#: searched words: in a tenth of the rows, in one row of forty thousand, in none
COMMON, RARE, ABSENT = "承德", "雒鹏", "龘靐"

_HAN = "安全生产应急管理矿山危险化学品工贸冶金建材机械轻纺烟草商贸消防救援评价检测培训咨询围场满族蒙古自治县隆化丰宁兴隆平泉"
_FAMILY = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"


def _han(*steps: int) -> str:
    """Characters that change from row to row, each at its own pace."""
    return " || ".join(f"substr('{_HAN}', 1 + (i * {step} + i / 7) % {len(_HAN)}, 1)" for step in steps)


def _columns(postgresql: bool) -> dict[str, str]:
    """Column by column, what row number i holds."""

    def day(start: str, days: int) -> str:
        return f"date '{start}' + (i % {days})::int" if postgresql else f"date('{start}', (i % {days}) || ' days')"

    def text(expression: str) -> str:
        return f"({expression})::text" if postgresql else f"({expression})"

    name = f"CASE WHEN i % 10 = 0 THEN '{COMMON}' WHEN i % 40000 = 7 THEN '{RARE}' ELSE '围场' END || {_han(3, 5, 11, 17)} || '有限公司' || i"
    person = f"substr('{_FAMILY}', 1 + i % {len(_FAMILY)}, 1) || {_han(13, 19)}"
    return {
        "name": text(name),
        "code": text("'冀安' || (100000 + i)"),
        "kind": "CASE WHEN i % 3 = 0 THEN 'evaluation' WHEN i % 3 = 1 THEN 'testing' ELSE 'training' END",
        "level": "CASE WHEN i % 2 = 0 THEN 'first' ELSE 'second' END",
        "legal_rep": text(person),
        "contact": text(person),
        "phone": text("'0314-' || (7500000 + i % 90000)"),
        "address": text(f"'河北省承德市' || {_han(7, 23, 29)} || '镇' || {_han(31, 37)} || '村' || (1 + i % 300) || '号'"),
        "scope": text(f"{_han(2, 3, 5, 7, 11)} || '、' || {_han(13, 17, 19, 23)}"),
        "staff": "i % 500",
        "area": "(i % 9000) / 4.0",
        "founded": day("1998-01-01", 9000),
        "checked": day("2024-01-01", 900),
        "valid_to": day("2026-01-01", 1500),
        "active": "(i % 5 > 0)",
        "note": text(f"'经核验，' || {_han(2, 9, 4, 3, 8, 6, 5)} || '，材料齐全。'"),
    }


COLUMNS = tuple(_columns(postgresql=False))


def fill(url: str, table: str, count: int, more: dict[str, str] | None = None) -> None:
    """Put that many rows into a table; `more` are further columns as SQL."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    postgresql = engine.dialect.name == "postgresql"
    columns = _columns(postgresql) | (more or {})
    series = f"generate_series(1, {count}) AS n(i)" if postgresql else "n"
    counted = "" if postgresql else f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) "
    select = f"{counted}SELECT {', '.join(columns.values())} FROM {series}"
    insert = f"INSERT INTO {table} ({', '.join(columns)}) {select}"
    with engine.begin() as connection:
        connection.execute(sa.text(insert.replace(":", "\\:")))
    engine.dispose()
    analyze(url, [table])


def analyze(url: str, tables: Iterable[str]) -> None:
    """Let the database know what it holds."""
    engine = sa.create_engine(url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for table in tables:
            connection.exec_driver_sql(f"VACUUM ANALYZE {table}" if engine.dialect.name == "postgresql" else f"ANALYZE {table}")
    engine.dispose()
