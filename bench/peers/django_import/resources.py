"""How a workbook becomes rows: django-import-export's bulk mode as its manual shows it, and with all that the manual advises for speed."""

from import_export import fields, resources, widgets
from import_export.instance_loaders import CachedInstanceLoader

from bench.peers.django_import.models import Ledger


class YesNo(widgets.BooleanWidget):
    """是 and 否."""

    TRUE_VALUES = ("是",)
    FALSE_VALUES = ("否",)


class Bulk(resources.ModelResource):
    """use_bulk."""

    active = fields.Field("active", "在用", YesNo())

    @classmethod
    def field_from_django_field(cls, field_name, django_field, readonly):
        field = super().field_from_django_field(field_name, django_field, readonly)
        field.column_name = str(django_field.verbose_name)
        return field

    class Meta:
        model = Ledger
        import_id_fields = ("code",)
        exclude = ("id",)
        use_bulk = True
        batch_size = 1000
        skip_html_diff = False


class Tuned(Bulk):
    """use_bulk, no comparison kept, records fetched at once."""

    class Meta(Bulk.Meta):
        skip_diff = True
        instance_loader_class = CachedInstanceLoader
