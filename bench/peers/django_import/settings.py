"""The settings of bench/peers/django_admin, with django-import-export."""

from import_export.formats.base_formats import XLSX

from bench.peers.django_admin.settings import *  # noqa: F403
from bench.peers.django_admin.settings import INSTALLED_APPS, MIDDLEWARE

INSTALLED_APPS = [each for each in INSTALLED_APPS if not each.startswith("bench.")] + ["import_export", "bench.peers.django_import"]
MIDDLEWARE = [each for each in MIDDLEWARE if not each.startswith("bench.")]
ROOT_URLCONF = "bench.peers.django_import.site"
IMPORT_FORMATS = [XLSX]
DATA_UPLOAD_MAX_MEMORY_SIZE = 100_000_000
