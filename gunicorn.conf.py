"""How gunicorn serves the product; `--bind` and PORT say where."""

import os
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
# before anything imports prometheus_client, which looks for it then
os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", tempfile.mkdtemp(prefix="yingshang-metrics-"))

workers = int(os.environ.get("WEB_CONCURRENCY") or 2)
# more than two cores can use: on SQLite those who save wait while an import is written, and others must read meanwhile
threads = 8
control_socket_disable = True
# the line of a request is ours (app/access.py): gunicorn's names the query
accesslog = None
logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"ours": {"()": "app.logs.Json" if os.environ.get("LOG_FORMAT") == "json" else "app.logs.Plain"}},
    "handlers": {"ours": {"class": "app.logs.Stderr", "formatter": "ours"}},
    "root": {"handlers": ["ours"], "level": "WARNING"},
    "loggers": {"gunicorn.error": {"level": "INFO", "propagate": True, "handlers": []}, "gunicorn.access": {"level": "CRITICAL", "handlers": []}},
}


def child_exit(_server, worker):
    """Forget the running numbers of a process that ended."""
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)


def on_exit(_server):
    """Leave no folder behind."""
    shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)
