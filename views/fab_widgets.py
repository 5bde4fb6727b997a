"""The HTML that Flask-AppBuilder makes in Python, made anew: Bootstrap 5, Tom Select, flatpickr, no inline style.

The behaviour is in static/js/pickers.js and static/js/fab.js; without script they are plain inputs.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from flask_appbuilder import fieldwidgets, forms, upload
from flask_appbuilder.fields import EnumField
from markupsafe import Markup
from wtforms import DateField, DateTimeField, widgets
from wtforms.validators import InputRequired, ValidationError

from app.language import _

Render = Callable[..., Markup]


def marked(field: Any, given: dict[str, Any], *classes: str | None) -> dict[str, Any]:
    """The attributes of an input: its classes, and whether what was typed is wrong."""
    named = [*classes, str(given.pop("class", "") or ""), "is-invalid" if field.errors else ""]
    given["class"] = " ".join(dict.fromkeys(word for name in named for word in (name or "").split()))
    given.pop("name_", None)
    given.setdefault("id", field.id)
    if field.errors:
        given["aria-invalid"] = "true"
    return given


def _input(base: type, **fixed: str) -> Render:
    def render(self: Any, field: Any, **given: Any) -> Markup:
        return base.__call__(self, field, **fixed | marked(field, given, "form-control"))  # type: ignore[operator, no-any-return]

    return render


def _day(_widget: Any, field: Any, **given: Any) -> Markup:
    """A day; what was typed and is no date stays in the input."""
    return widgets.TextInput()(field, **marked(field, given, "form-control", "js-date"), autocomplete="off", placeholder="2026-03-15")


def _moment(_widget: Any, field: Any, **given: Any) -> Markup:
    return widgets.TextInput()(field, **marked(field, given, "form-control", "js-moment"), autocomplete="off", placeholder="2026-03-15 09:30")


def choices_of(field: Any) -> list[tuple[str, Any, bool]]:
    """What a select offers: value, label, chosen; without FAB's “__None”."""
    return [(str(value), label, bool(chosen)) for value, label, chosen, *_attributes in field.iter_choices() if str(value) not in {"__None", ""}]


def _select(self: Any, field: Any, **given: Any) -> Markup:
    """A select that begins with nothing chosen, unless something is: FAB offers the first choice as if somebody had taken it."""
    many = isinstance(self, fieldwidgets.Select2ManyWidget) or getattr(self, "multiple", False)
    given = marked(field, given, "form-select", "js-pick", self.extra_classes)
    options = [] if many else [Markup('<option value=""></option>')]
    options += [widgets.Select.render_option(value, label, chosen) for value, label, chosen in choices_of(field)]
    attributes = widgets.html_params(name=field.name, multiple=many, **{"data-placeholder": _("请选择"), **given})
    return Markup("<select {}>{}</select>").format(Markup(attributes), Markup("").join(options))  # noqa: S704 - html_params escapes


def _remote(self: Any, field: Any, **given: Any) -> Markup:
    """A select that fetches its options from FAB's endpoint; a slave waits for its master."""
    given = marked(field, given, "form-select", "js-fetched", self.extra_classes)
    given["data-endpoint"] = self.endpoint
    if getattr(self, "master_id", None):
        given["data-master"] = self.master_id
    number, label = _chosen_of(field)
    option = widgets.Select.render_option(number, label, True) if number else ""
    attributes = widgets.html_params(name=field.name, **{"data-placeholder": _("请选择"), **given})
    return Markup('<select {}><option value=""></option>{}</select>').format(Markup(attributes), option)  # noqa: S704 - html_params escapes


def _chosen_of(field: Any) -> tuple[str, str]:
    """The number and the name of the chosen record: FAB keeps a number before sending and the record after."""
    data = field.data
    if data in (None, ""):
        return "", ""
    related = field.datamodel.get_related_interface(field.col_name) if field.is_related else field.datamodel
    row = related.get(data) if isinstance(data, (int, str)) else data
    return (str(related.get_pk_value(row)), str(row)) if row is not None else ("", "")


def _file(self: Any, field: Any, **given: Any) -> Markup:
    """A file to choose; the one that is kept is named and may be taken away."""
    chooser = Markup("<input {}>").format(Markup(widgets.html_params(type="file", name=field.name, **marked(field, given, "form-control"))))  # noqa: S704
    kept = field.data if isinstance(field.data, str) else ""
    if not kept:
        return chooser
    shown = Markup('<img class="ys-thumb" alt="" src="{}">').format(self.get_url(field)) if hasattr(self, "get_url") else ""
    return Markup(
        '<div class="ys-kept-file">{} <span>{}</span> <label class="form-check"><input class="form-check-input" type="checkbox" name="{}"> {}</label></div>{}'
    ).format(shown, _original(kept), f"_{field.name}-delete", _("删除现有文件"), chooser)


def _original(name: str) -> str:
    """The name that the file had, without the mark that FAB puts before it."""
    return re.sub(r"^[0-9a-f-]{36}_sep_", "", name)


# fields -------------------------------------------------------------------------------------------


class Day(DateField):  # type: ignore[misc]
    """A day in the spellings that people use."""

    def __init__(self, label: Any = None, validators: Any = None, **named: Any) -> None:
        super().__init__(label, validators, format=["%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日"], **named)


class Moment(DateTimeField):  # type: ignore[misc]
    """A day and a time, to the minute; FAB asks for seconds that its picker does not give."""

    def __init__(self, label: Any = None, validators: Any = None, **named: Any) -> None:
        super().__init__(label, validators, format=["%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d"], **named)


def _convert(self: Any) -> Any:
    """FAB's field for a column; a box that must be ticked cannot say no."""
    if self.datamodel.is_boolean(self.colname):
        self.validators = [each for each in self.validators if not isinstance(each, InputRequired)]
    return _FAB_CONVERT(self)


def _enum_value(self: Any, values: list[str]) -> None:
    """FAB ends in a KeyError for a word that the enumeration does not have."""
    try:
        self.data = self.coerce(values[0]) if values else None
    except KeyError as error:
        self.data = None
        raise ValueError(self.gettext("Not a valid choice")) from error


def _enum_check(self: Any, _form: Any) -> None:
    """FAB raises here what a form does not catch; nothing chosen is for the validators to judge."""
    if self.data is not None and all(self.data != self.coerce(value) for value, _label in self.choices):
        raise ValidationError(self.gettext("Not a valid choice"))


_FAB_CONVERT = forms.FieldConverter.convert
_OURS = {DateField: Day, DateTimeField: Moment}


def mend() -> None:
    """Put our HTML in the place of FAB's."""
    fieldwidgets.BS3TextFieldWidget.__call__ = _input(widgets.TextInput)
    fieldwidgets.BS3TextAreaFieldWidget.__call__ = _input(widgets.TextArea, rows="4")
    fieldwidgets.BS3PasswordFieldWidget.__call__ = _input(widgets.PasswordInput, autocomplete="new-password")
    fieldwidgets.DatePickerWidget.__call__ = _day
    fieldwidgets.DateTimePickerWidget.__call__ = _moment
    fieldwidgets.Select2Widget.__call__ = fieldwidgets.Select2ManyWidget.__call__ = _select
    fieldwidgets.Select2AJAXWidget.__call__ = fieldwidgets.Select2SlaveAJAXWidget.__call__ = _remote
    upload.BS3FileUploadFieldWidget.__call__ = upload.BS3ImageUploadFieldWidget.__call__ = _file
    forms.FieldConverter.convert = _convert
    forms.FieldConverter.conversion_table = tuple((test, _OURS.get(kind, kind), widget) for test, kind, widget in forms.FieldConverter.conversion_table)
    EnumField.process_formdata, EnumField.pre_validate = _enum_value, _enum_check
