"""The same admin with the library's export, .xlsx at once."""

from django.contrib import admin
from import_export.admin import ExportMixin
from import_export.formats.base_formats import XLSX

from bench.peers.django_admin.admin import LedgerAdmin
from bench.peers.django_admin.models import LEDGERS


class ExportAdmin(ExportMixin, LedgerAdmin):
    """One format, so that its form has nothing to ask."""

    export_formats = (XLSX,)
    skip_export_form = True


for model in LEDGERS:
    admin.site.unregister(model)
    admin.site.register(model, ExportAdmin)
