"""How large tables have become, told to PostgreSQL after many rows came in: until it knows, it reads them whole.

Only a table's owner may have it measured, and the application owns none (app/database_roles.py). So the owner leaves a function
that measures the tables of registers and of the search, and no other.
"""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from app import registry
from app.search.kept import name_of

#: as grants name it
FUNCTION = "measure(text)"


def tables() -> list[str]:
    """The tables that are measured: every register and child, and what the search keeps beside them."""
    return sorted(name for cls in registry.tables() for name in (cls.__tablename__, name_of(cls)))


def reconcile(connection: sa.Connection) -> None:
    """Make the function, for the registers that there are now."""
    if connection.dialect.name != "postgresql":
        return
    known = ", ".join(f"'{name}'" for name in tables())
    connection.exec_driver_sql(
        f"""CREATE OR REPLACE FUNCTION measure(relation text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    IF relation IS NULL OR relation NOT IN ({known}) THEN RAISE EXCEPTION 'only the tables of registers are measured'; END IF;
    EXECUTE format('ANALYZE public.%%I', relation);
END $f$"""
    )
    connection.exec_driver_sql(f"REVOKE ALL ON FUNCTION {FUNCTION} FROM PUBLIC")


def measure(connection: sa.Connection, names: Iterable[str]) -> None:
    """Have these tables measured; nothing on SQLite, which does not ask, nor before `flask install` has made the function."""
    if connection.dialect.name == "postgresql" and connection.scalar(sa.select(sa.func.to_regprocedure(FUNCTION))) is not None:
        for name in names:
            connection.execute(sa.select(sa.func.measure(name)))
