"""Who owns what on PostgreSQL, so that nobody who serves pages can bend the trace.

Three roles: the owner (migrations, `flask install`), the application (reads and writes rows), and
one that nobody signs in as, which owns the trace and its functions. The application is not the
owner of any table: it cannot alter, drop or truncate one, nor disable its triggers.
"""

from __future__ import annotations

import sqlalchemy as sa

from app.measured import FUNCTION

#: owns the trace; nobody signs in as this role
TRACE_ROLE = "yingshang_trace"
#: by which functions the application adds to the trace
_OPEN = ("open_act(text, text, text, text, text, bigint, text)", "note(text, text, bigint, text)", "seal()")


def separate(connection: sa.Connection, application: sa.URL) -> None:
    """Give the trace to its own role and the application's role its rights; running it again changes nothing."""
    quote = connection.dialect.identifier_preparer.quote
    app, trace = quote(application.username or ""), quote(TRACE_ROLE)
    _ensure(connection, TRACE_ROLE, "NOLOGIN")
    _ensure(connection, application.username or "", "LOGIN", str(application.password or ""))
    connection.exec_driver_sql(f"GRANT {trace} TO CURRENT_USER")
    connection.exec_driver_sql(f"GRANT CONNECT ON DATABASE {quote(application.database or '')} TO {app}")
    for statement in (
        f"GRANT USAGE ON SCHEMA public TO {app}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {app}",
        f"REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM {app}",
        f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {app}",
        f"GRANT EXECUTE ON FUNCTION public.{FUNCTION} TO {app}",
        f"ALTER SCHEMA trace OWNER TO {trace}",
    ):
        connection.exec_driver_sql(statement)
    _hand_over(connection, trace)
    for statement in (
        "REVOKE ALL ON ALL FUNCTIONS IN SCHEMA trace FROM PUBLIC",
        f"GRANT USAGE ON SCHEMA trace TO {app}",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA trace TO {app}",
        f"GRANT SELECT ON ALL SEQUENCES IN SCHEMA trace TO {app}",  # a backup reads them
        *(f"GRANT EXECUTE ON FUNCTION trace.{function} TO {app}" for function in _OPEN),
    ):
        connection.exec_driver_sql(statement)


def _ensure(connection: sa.Connection, role: str, login: str, password: str = "") -> None:
    """Make a role that does not exist; one that does keeps its password."""
    if connection.scalar(sa.text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role}):
        return
    statement = f"CREATE ROLE {connection.dialect.identifier_preparer.quote(role)} {login} NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS"
    if password:
        literal = connection.scalar(sa.text("SELECT quote_literal(:password)"), {"password": password})
        statement += f" PASSWORD {str(literal).replace('%', '%%')}"
    # roles are the whole server's: an installation beside this one may make the same at this very moment
    nothing = "EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL"
    connection.exec_driver_sql(f"DO $do$ BEGIN {statement}; {nothing}; END $do$")


_OBJECTS = """
SELECT CASE c.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, c.oid::regclass::text FROM pg_class c
WHERE c.relnamespace = 'trace'::regnamespace AND c.relkind IN ('r', 'v') AND c.relowner <> :role
UNION ALL
SELECT 'FUNCTION', p.oid::regprocedure::text FROM pg_proc p WHERE p.pronamespace = 'trace'::regnamespace AND p.proowner <> :role
"""


def _hand_over(connection: sa.Connection, trace: str) -> None:
    """What an installation has made in the trace's schema belongs to the trace."""
    role = connection.scalar(sa.text("SELECT oid FROM pg_roles WHERE rolname = :role"), {"role": TRACE_ROLE})
    for kind, name in connection.execute(sa.text(_OBJECTS), {"role": role}).all():
        connection.exec_driver_sql(f"ALTER {kind} {name} OWNER TO {trace}")


def bendable(connection: sa.Connection) -> bool:
    """Whether the role that is connected could bend the trace: it owns it, or is a superuser."""
    statement = """SELECT r.rolsuper OR pg_has_role(r.oid, s.nspowner, 'MEMBER') OR EXISTS (
        SELECT FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND pg_has_role(r.oid, c.relowner, 'MEMBER'))
        FROM pg_roles r, pg_namespace s WHERE r.rolname = current_user AND s.nspname = 'trace'"""
    return connection.dialect.name != "postgresql" or bool(connection.exec_driver_sql(statement).scalar())
