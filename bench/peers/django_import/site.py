"""Addresses, the application that gunicorn loads, the preparation, the import by command."""

import json
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bench.peers.django_import.settings")

import django
from django.contrib import admin
from django.core.wsgi import get_wsgi_application
from django.urls import path

USERNAME, PASSWORD = "bench", "Weichang-2026"

application = get_wsgi_application()
urlpatterns = [path("admin/", admin.site.urls)]


def prepare() -> None:
    """The database with everything in it but the rows."""
    django.setup()
    from django.contrib.auth.models import User
    from django.core.management import call_command

    call_command("migrate", run_syncdb=True, verbosity=0)
    User.objects.create_superuser(USERNAME, password=PASSWORD)


def main() -> None:
    """prepare | bulk FILE | tuned FILE."""
    if sys.argv[1] == "prepare":
        prepare()
        return
    from import_export.formats.base_formats import XLSX

    from bench.peers.django_import.resources import Bulk, Tuned

    rows = XLSX().create_dataset(Path(sys.argv[2]).read_bytes())
    result = (Tuned if sys.argv[1] == "tuned" else Bulk)().import_data(rows, dry_run=False, raise_errors=True, use_transactions=True)
    print(json.dumps({"finished": time.monotonic(), "counts": {"rows": result.total_rows}}))
