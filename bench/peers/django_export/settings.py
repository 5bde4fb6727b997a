"""The settings of the plain admin, and the library."""

from bench.peers.django_admin.settings import *  # noqa: F403
from bench.peers.django_admin.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "import_export", "bench.peers.django_export"]
ALLOWED_HOSTS = ["127.0.0.1", "testserver"]
