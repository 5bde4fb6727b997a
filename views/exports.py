"""我的导出: what is too large to be made while somebody waits is made behind the page, and fetched here by whoever asked for it."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from flask import abort, current_app, redirect, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from sqlalchemy.orm import Session
from werkzeug.exceptions import Conflict
from werkzeug.wrappers import Response

from app import jobs, registry
from app.accounts import actor_named
from app.audit import export_number
from app.clock import local, now
from app.database import db
from app.history import acts, events
from app.language import Text, _, _l
from app.queries import QueryError
from app.register import Register
from app.scopes import NotPermitted, act_as, scope_of
from imports import export, export_job
from imports.export_job import ExportJob, ExportState, Superseded
from imports.refusal import Refused
from views.disclosing import chosen_rows, file_name
from views.downloads import sent
from views.editing import Answer
from views.pages import current_session, render

log = logging.getLogger(__name__)
#: records beyond which nobody is made to wait
LARGE = 20_000
#: how often a run says how far it has come, in seconds
_TELL = 1.0
STATES: dict[str, Text] = {
    ExportState.QUEUED: _l("排队中"),
    ExportState.RUNNING: _l("正在生成"),
    ExportState.DONE: _l("可以下载"),
    ExportState.FAILED: _l("没有生成"),
    ExportState.GONE: _l("已过期删除"),
}


class ExportsView(BaseView):  # type: ignore[misc]
    """A person's exports: how far they have come, and the files."""

    route_base = "/exports"
    class_permission_name = "exports"
    default_view = "index"

    @expose("/", methods=("GET",))
    @has_access
    @permission_name("read")
    def index(self) -> Answer:
        """The reader's exports, the newest first."""
        session = current_session()
        found = export_job.mine(session, scope_of(session).actor.username)
        return render("exports/index.html", jobs=found, **_words())

    @expose("/<number>", methods=("GET",))
    @has_access
    @permission_name("read")
    def show(self, number: str) -> Answer:
        """How far one of them has come."""
        return render("exports/show.html", job=_mine(number), **_words())

    @expose("/<number>/file", methods=("GET",))
    @has_access
    @permission_name("read")
    def file(self, number: str) -> Response:
        """The file. Who took it, the trace knows since it was made: nobody else can."""
        job = _mine(number)
        path = _folder() / job.stored_name
        if job.state != ExportState.DONE or not path.is_file():
            abort(404)
        return sent(path.open("rb"), job.name, job.kind, job.number)


def _words() -> dict[str, object]:
    return {"states": STATES, "local": local, "days": export_job.KEPT.days, "title_of": _title_of}


def _title_of(key: str) -> Text:
    cls = registry.find(key)
    return cls.__title__ if cls is not None else key


def _mine(number: str) -> ExportJob:
    session = current_session()
    job = export_job.find(session, scope_of(session).actor.username, number)
    if job is None:
        abort(404)
    return job


def _folder() -> Path:
    return Path(current_app.config["EXPORTS_PATH"])


def begin(session: Session, cls: type[Register], kind: str, args: Mapping[str, Sequence[str]], total: int) -> Response:
    """Have an export made behind the page, and lead there; to the one that is being made already, when it is the same."""
    username, query = scope_of(session).actor.username, export_job.sealed(args)
    waiting = export_job.waiting_of(session, username)
    job = next((each for each in waiting if (each.register, each.kind, each.query) == (cls.__key__, kind, query)), None)
    if job is None:
        if len(waiting) >= export_job.MOST_WAITING:
            raise Conflict(_("您已有 %(most)s 个导出正在生成，请等它们完成后再导出", most=export_job.MOST_WAITING))
        job = ExportJob(number=export_number(), register=cls.__key__, kind=kind, name=file_name(cls), query=query, operator=username, total=total)
        session.add(job)
        session.commit()
        jobs.put("export", job.id)
    return redirect(url_for("ExportsView.show", number=job.number))


# background ---------------------------------------------------------------------------------------


def unfinished() -> list[tuple[int]]:
    """The exports that a dead worker left."""
    return [(job_id,) for job_id in export_job.unfinished(db.session())]


def make(job_id: int) -> None:
    """Make the file in the name of the person who asked for it; what that person may no longer see is not in it."""
    session = db.session()
    job = session.get(ExportJob, job_id)
    if job is None or not job.waiting:
        return
    attempt = export_job.claim(session, job)
    if not attempt:
        return
    path = _folder() / export_job.new_name()
    try:
        _write(session, job, attempt, path)
    except Superseded:
        path.unlink(missing_ok=True)
    except (Refused, NotPermitted, QueryError) as error:
        _fail(session, job_id, attempt, path, str(error.message))
    except Exception:
        log.exception("export %s failed", job.number)
        _fail(session, job_id, attempt, path, _("生成时出错。请重新导出；仍不成功时请联系系统管理员，并告知导出编号 %(number)s", number=job.number))


def _write(session: Session, job: ExportJob, attempt: int, path: Path) -> None:
    try:
        act_as(session, actor_named(job.operator))
    except LookupError as error:
        raise NotPermitted(str(error.args[0])) from None
    acts.describe(session, road="job")
    cls, query = registry.need(job.register), export_job.query_of(job)
    path.parent.mkdir(parents=True, exist_ok=True)
    stamp = export.Stamp(job.number)
    with path.open("xb") as out:
        rows = export.write(session, cls, out, job.kind, chosen_rows(session, cls, query), stamp, tell=_Progress(job.id, attempt))
    size = path.stat().st_size
    facts = {"number": job.number, "subject": f"{job.name}.{job.kind}", "register": cls.__key__, "count": rows, "filters": sorted(query), "bytes": size}
    connection = session.connection()
    events.note(connection, "export", facts)
    values = {"state": ExportState.DONE.value, "rows": rows, "size": size, "stored_name": path.name, "query": None, "done": job.total, "finished_at": now()}
    export_job.change(connection, job.id, attempt, **values)
    session.commit()


class _Progress:
    """Notes now and then how many records are written, beside the transaction that reads them."""

    def __init__(self, job_id: int, attempt: int) -> None:
        self._job, self._attempt, self._done, self._told = job_id, attempt, 0, time.monotonic()

    def __call__(self, records: int) -> None:
        self._done += records
        if time.monotonic() - self._told >= _TELL:
            with db.engine.begin() as connection:
                export_job.change(connection, self._job, self._attempt, done=self._done)
            self._told = time.monotonic()


def _fail(session: Session, job_id: int, attempt: int, path: Path, message: str) -> None:
    """Note why there is no file."""
    session.rollback()
    path.unlink(missing_ok=True)
    try:
        export_job.change(session.connection(), job_id, attempt, state=ExportState.FAILED.value, message=message, query=None, finished_at=now())
    except Superseded:
        session.rollback()
    else:
        session.commit()


def clear() -> None:
    """Throw away the files that have waited long enough, and those of runs that died."""
    session = db.session()
    for job in export_job.outdated(session, now()):
        (_folder() / job.stored_name).unlink(missing_ok=True)
        job.state, job.stored_name = ExportState.GONE.value, ""
    session.commit()
    oldest = time.time() - export_job.KEPT.total_seconds()
    for path in _folder().glob("*"):
        if path.stat().st_mtime < oldest:
            path.unlink(missing_ok=True)


__all__ = ["LARGE", "ExportsView", "begin", "clear", "make", "unfinished"]
