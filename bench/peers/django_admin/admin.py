"""The admin of each model: the sixteen columns, the two filters and the search that ours has."""

from django.contrib import admin

from bench.peers.django_admin.models import LEDGERS


class LedgerAdmin(admin.ModelAdmin):
    """Twenty-five rows a page, as the others."""

    list_display = ("name", "code", "kind", "level", "legal_rep", "contact", "phone", "address", "scope", "staff", "area", "founded", "checked", "valid_to", "active", "note")  # fmt: skip
    list_filter = ("kind", "level", "valid_to")
    search_fields = ("name", "code", "address")
    list_per_page = 25


for model in LEDGERS:
    admin.site.register(model, LedgerAdmin)
