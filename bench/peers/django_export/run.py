"""One export, measured: through the admin, or by the library alone."""

import os
import time
from pathlib import Path

os.environ["DJANGO_SETTINGS_MODULE"] = "bench.peers.django_export.settings"

import django

from bench.measured import peak, say

TABLE = "bench_middle"


def admin(path: str) -> None:
    """As a browser has it: nothing comes before the whole file is there."""
    django.setup()
    from django.contrib.auth.models import User
    from django.test import Client

    from bench.peers.django_admin.site import USERNAME

    client = Client()
    client.force_login(User.objects.get(username=USERNAME))
    before, started = peak(), time.perf_counter()
    answer = client.get(f"/admin/django_admin/{TABLE}/export/")
    first = time.perf_counter() - started
    if answer.status_code != 200 or "sheet" not in answer["Content-Type"]:
        raise SystemExit(f"{answer.status_code} {answer['Content-Type']}")
    with Path(path).open("wb") as out:
        out.write(answer.content)
    say(started, first, before)


def alone(path: str) -> None:
    """The library without the admin."""
    django.setup()
    from import_export.resources import modelresource_factory

    from bench.peers.django_admin.models import LEDGERS

    model = next(each for each in LEDGERS if each._meta.db_table == TABLE)  # noqa: SLF001
    before, started = peak(), time.perf_counter()
    data = modelresource_factory(model)().export(model.objects.all()).export("xlsx")
    first = time.perf_counter() - started
    with Path(path).open("wb") as out:
        out.write(data)
    say(started, first, before)
