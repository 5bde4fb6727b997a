"""The admin with the pages that import."""

from django.contrib import admin
from import_export.admin import ImportMixin

from bench.peers.django_import.models import Ledger
from bench.peers.django_import.resources import Bulk


@admin.register(Ledger)
class LedgerAdmin(ImportMixin, admin.ModelAdmin):
    """Upload, preview, confirm."""

    resource_classes = (Bulk,)
    list_display = ("name", "code")
    list_per_page = 25
