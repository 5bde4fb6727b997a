"""Addresses, the application that gunicorn loads, and the preparation of the database."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bench.peers.django_admin.settings")

import django
from django.contrib import admin
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.urls import path

USERNAME, PASSWORD = "bench", "Weichang-2026"


def count_statements(get_response):
    """Say in each answer how many statements it took."""

    def middleware(request):
        seen = []

        def note(execute, *arguments):
            seen.append(1)
            return execute(*arguments)

        with connection.execute_wrapper(note):
            answer = get_response(request)
        answer["X-Statements"] = str(len(seen))
        return answer

    return middleware


def prepare() -> None:
    """The database with everything in it but the rows: a member of staff whose group may do everything with the ledgers."""
    django.setup()
    from django.contrib.auth.models import Group, Permission, User
    from django.core.management import call_command

    call_command("migrate", run_syncdb=True, verbosity=0)
    group = Group.objects.create(name="clerks")
    group.permissions.set(Permission.objects.filter(content_type__app_label="django_admin"))
    user = User.objects.create_user(USERNAME, password=PASSWORD, is_staff=True)
    user.groups.add(group)


application = get_wsgi_application()
urlpatterns = [path("admin/", admin.site.urls)]
