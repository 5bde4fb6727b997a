"""The controls that narrow a list: a few in sight, one for every other field in the panel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from app.fields import Field
from app.formats import Choice, Day, Link, Moment, Number, StateOf, YesNo
from app.language import _
from app.lookup import DatabaseLookup
from app.periods import PERIODS
from app.register import Register
from app.registry import find as find_register
from app.roles import Verb
from app.scopes import Scope
from views.cells import heading
from views.forms import MOST_OPTIONS
from views.pages import link_to

#: as many controls as stand in sight beside the search box
IN_SIGHT = 3


@dataclass
class Control:
    """One control: `kind` is select, remote, dates, numbers, text or none (whether written at all)."""

    name: str
    label: str
    kind: str
    options: list[tuple[str, str]] = field(default_factory=list)
    chosen: Sequence[str] = ()
    source: str = ""
    start: str = ""
    end: str = ""
    #: "1": nothing written, "0": something written; None where that is no question
    empty: str | None = None

    @property
    def names(self) -> set[str]:
        """The arguments that the control sends."""
        own = {
            "select": {self.name},
            "remote": {self.name},
            "text": {self.name},
            "dates": {f"{self.name}.from", f"{self.name}.to", f"{self.name}.within"},
            "numbers": {f"{self.name}.from", f"{self.name}.to"},
        }
        return own.get(self.kind, set()) | (set() if self.empty is None else {f"{self.name.removesuffix('.like')}.empty"})

    @property
    def empty_name(self) -> str:
        """The argument that asks whether anything is written."""
        return f"{self.name.removesuffix('.like')}.empty"


class Filters:
    """The controls of one reader's list with the arguments in force."""

    def __init__(self, cls: type[Register], scope: Scope, lookup: DatabaseLookup, asked: Iterable[Field], arguments: Mapping[str, Sequence[str]]) -> None:
        self.cls = cls
        self.scope = scope
        self.lookup = lookup
        self.arguments = arguments
        declared = sorted(asked, key=lambda each: not each.filtered)  # stable: within, as declared
        usual = [each for each in declared if each.filtered]
        self.sight = (usual or declared)[:IN_SIGHT]
        seen = {each.key for each in self.sight}
        self.others = [each for each in declared if each.key not in seen]

    def in_sight(self) -> list[Control]:
        """The controls beside the search box."""
        return [self._control(declared) for declared in self.sight]

    def in_panel(self) -> list[Control]:
        """The controls of all other fields; of those in sight only whether they are written at all."""
        self.lookup.prepare(self.others)
        return [self._whole(declared) for declared in self.others] + [
            self._presence(declared, Control(f"f.{declared.key}", str(declared.label), "none")) for declared in self.sight if not declared.required
        ]

    def whole(self) -> list[Control]:
        """One control for every field, for a page of their own."""
        self.lookup.prepare(self.others)
        return [self._whole(declared) for declared in (*self.sight, *self.others)]

    def carried(self, controls: Iterable[Control]) -> list[tuple[str, str]]:
        """The filters in force that none of the controls shows: the form must carry them along."""
        shown = {name for control in controls for name in control.names}
        return [(name, value) for name, values in self.arguments.items() if name.startswith("f.") and name not in shown for value in values if value]

    def _whole(self, declared: Field) -> Control:
        control = self._control(declared)
        return control if declared.required else self._presence(declared, control)

    def _presence(self, declared: Field, control: Control) -> Control:
        control.empty = self._one(f"f.{declared.key}.empty")
        return control

    def _control(self, declared: Field) -> Control:
        name, label, fmt = f"f.{declared.key}", str(declared.label), declared.format
        chosen = self.arguments.get(name, [])
        if isinstance(fmt, Link):
            return self._of_link(name, label, fmt, chosen)
        if isinstance(fmt, (StateOf, YesNo, Choice)):
            return self._of_words(declared, name, label, chosen)
        if isinstance(fmt, (Day, Moment)):
            options = [(key, str(period.label)) for key, period in PERIODS.items()]
            within = self.arguments.get(f"{name}.within", [])
            return Control(name, label, "dates", options, within, "", self._one(f"{name}.from"), self._one(f"{name}.to"))
        if isinstance(fmt, Number):
            return Control(name, heading(declared), "numbers", start=self._one(f"{name}.from"), end=self._one(f"{name}.to"))
        if fmt.name == "file":
            return Control(name, label, "none")
        return Control(f"{name}.like", label, "text", chosen=self.arguments.get(f"{name}.like", []))

    def _of_link(self, name: str, label: str, fmt: Link, chosen: Sequence[str]) -> Control:
        target = find_register(fmt.register)
        source = link_to(target, "lookup") if target and self.scope.may(target, Verb.READ) and self.scope.actor.username else ""
        options = [(text, text) for text in chosen]
        return Control(name, label, "remote", options, chosen, source) if source else Control(name, label, "text", options, chosen)

    def _of_words(self, declared: Field, name: str, label: str, chosen: Sequence[str]) -> Control:
        options = self._options(declared)
        if len(options) > MOST_OPTIONS and self.scope.actor.username:
            source = link_to(self.cls, "words", field=declared.key)
            return Control(name, label, "remote", [(text, text) for text in chosen], chosen, source)
        known = {value for value, _label in options}
        return Control(name, label, "select", options[:MOST_OPTIONS] + [(text, text) for text in chosen if text not in known], chosen)

    def _options(self, declared: Field) -> list[tuple[str, str]]:
        fmt = declared.format
        if isinstance(fmt, StateOf):
            return fmt.options()
        if isinstance(fmt, YesNo):
            return [("是", _("是")), ("否", _("否"))]
        return fmt.options(self.lookup) if isinstance(fmt, Choice) else []

    def _one(self, name: str) -> str:
        return (self.arguments.get(name) or [""])[0]
