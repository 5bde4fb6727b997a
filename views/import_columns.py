"""Step 2 of an import: what each column, each unknown word and each name that others have means; read from the page as decisions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from app.formats import Choice, Link, Until
from app.language import Text, _, _l, listed
from app.lookup import DatabaseLookup
from app.register import Child, Register, field_map
from imports import stored
from imports.batch import BatchState, ImportBatch
from imports.decisions import LEAVE, NEW, Answer, Decisions, refused
from imports.matching import State
from imports.outcome import Mode
from imports.past import words_of
from imports.plan import Plan
from imports.table import Column
from imports.targets import Target, fed_children, targets
from views.pages import link_to

#: as many words, and names, as one page asks about
WINDOW = 50
#: words of a list that a picker offers by itself; of a longer list one types the word
OFFERED = 40
#: problems among which one looks for fields that every row misses
LOOKED_AT = 200
#: of a column whose cells tick a word: it stays so
TICKS = "="
#: filled in by whoever imports, where the file has no such column
_GIVEN = {"org_unit", "handler"}


@dataclass(frozen=True)
class Line:
    """A column of the file on the page."""

    heading: str
    letter: str
    samples: list[str]
    chosen: str
    state: str
    hint: Text
    tick: Text = ""


@dataclass(frozen=True)
class Asked:
    """A word that nobody knows, or a name that others have, and what may be meant."""

    field: str
    label: str
    column: str
    word: str
    count: int
    rows: list[int]
    choices: list[tuple[str, str]]
    more: list[tuple[str, str]]
    #: what one types goes to the list of this field's words
    typed: bool
    chosen: str = ""
    other: str = ""


class Columns:
    """What the page shows of a plan; `form`: what was typed, when it comes back."""

    def __init__(self, session: Session, cls: type[Register], plan: Plan, form: Mapping[str, str] | None = None) -> None:
        self.cls, self.plan, self.form = cls, plan, form or {}
        self.lookup = DatabaseLookup(session)
        self.decisions = plan.table.answers.decisions
        self.targets = {target.name: target for target in targets(cls)}

    # columns --------------------------------------------------------------------------------

    @property
    def columns(self) -> list[Column]:
        """The columns that have a heading."""
        return [column for column in self.plan.table.columns if column.heading]

    def lines(self) -> list[Line]:
        """The columns, those that ask first."""
        meanings = {str(each["heading"]): str(each["column"]) for each in self.plan.table.meanings()}
        made = [self._line(place, column, meanings.get(column.heading, "")) for place, column in enumerate(self.columns)]
        return sorted(made, key=lambda line: line.state != "ask")

    def _line(self, place: int, column: Column, letter: str) -> Line:
        target, state = column.target, "matched" if column.target else "ignored"
        if column.state is State.DOUBTFUL and column.heading not in self.decisions.columns:
            state = "ask"
        tick: Text = _l("打勾的列：勾上的记入“%(label)s”的“%(word)s”", label=target.field.label, word=column.word) if target and column.word else ""
        chosen = self.form.get(f"field.{place}", TICKS if tick else target.name if target else "")
        return Line(column.heading, letter, self.plan.excerpt.samples.get(column.heading, []), chosen, state, self._hint(column), tick)

    def _hint(self, column: Column) -> Text:
        if column.state is State.DOUBTFUL and column.proposal is not None:
            label = column.proposal.field.label
            return _l("与“%(label)s”相近，先按它读了", label=label) if column.target else _l("与“%(label)s”相近，还没有导入", label=label)
        spill = column.target.field.spill_key if column.target else None
        owner: Any = column.target.child or self.cls if column.target else self.cls
        if spill and spill in field_map(owner):
            label = field_map(owner)[spill].label
            period = column.target is not None and isinstance(column.target.field.format, Until)
            return _l("写成“起—止”的，起的一端记入“%(label)s”", label=label) if period else _l("同一格里另外写着的“%(label)s”，记入“%(label)s”", label=label)
        return ""

    def options(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """The fields that a column may feed, the record's own first, then those of each kind of children."""
        groups: list[tuple[str, list[tuple[str, str]]]] = [(str(self.cls.__title__), [])]
        groups += [(str(child.__title__), []) for child in fed_children(self.cls)]
        places: dict[type[Child] | None, int] = {None: 0}
        places |= {child: place for place, child in enumerate(fed_children(self.cls), 1)}
        for target in self.targets.values():
            groups[places[target.child]][1].append((target.name, str(target.field.label) + ("*" if target.field.required else "")))
        return [group for group in groups if group[1]]

    def missing(self) -> list[str]:
        """The required fields that no column feeds, as far as rows miss them: what follows from other fields, and what is stored already, is not missed."""
        fed = {column.target.name for column in self.columns if column.target}
        missed = {issue.field: None for issue in self.plan.issues(0, LOOKED_AT) if issue.code == "required"}
        return [self.label(name) for name in missed if name in self.targets and name not in fed]

    def keys(self) -> str:
        """By what records are found, in words."""
        known = field_map(self.cls)
        return str(_("；没有的按")).join(listed(f"“{known[part].label}”" for part in parts) for parts in self.cls.__keys__)

    def keyed(self) -> bool:
        """Whether the file has one of the keys."""
        fed = {column.target.name for column in self.columns if column.target} | _GIVEN
        return any(fed.issuperset(parts) for parts in self.cls.__keys__) or bool(self.cls.__number__[0])

    def label(self, name: str) -> str:
        """A field as people call it, with the kind of children that it belongs to."""
        target = self.targets.get(name)
        if target is None:
            return name
        return f"{target.child.__title__}/{target.field.label}" if target.child else str(target.field.label)

    def ignored(self) -> list[str]:
        """The headings that feed nothing."""
        return [column.heading for column in self.columns if not column.target]

    # words and names --------------------------------------------------------------------------

    def asked(self) -> list[Asked]:
        """The first of the words that nobody knows; those of closed lists first, which keep rows out."""
        urgent = sorted(self.plan.questions, key=lambda each: each["code"] == "new_word")
        return [self._asked(place, each) for place, each in enumerate(urgent[:WINDOW]) if each["field"] in self.targets]

    def _asked(self, place: int, each: Mapping[str, Any]) -> Asked:
        fmt = self.targets[each["field"]].field.format
        words = self.lookup.options(fmt.code_list) if isinstance(fmt, Choice) else []
        choices = [(_coded(proposal["answer"]), proposal["label"]) for proposal in each["proposals"]]
        proposed = {label for _value, label in choices}
        more = [(_coded(code), label) for code, label in words if label not in proposed] if len(words) <= OFFERED else []
        ends = ([(NEW, _("作为新词收下"))] if each["new"] else []) + [(LEAVE, _("这个词不导入"))]
        typed, facts = len(words) > OFFERED or isinstance(fmt, Link), (self.form.get(f"word.{place}", ""), self.form.get(f"other.{place}", ""))
        return Asked(each["field"], self.label(each["field"]), each["column"], each["word"], each["count"], each["rows"], choices + ends, more, typed, *facts)

    def lists(self) -> dict[str, list[str]]:
        """The words of the long lists that one types, by field."""
        fields = {each["field"] for each in self.plan.questions[:WINDOW] if each["field"] in self.targets}
        found = {}
        for name in sorted(fields):
            fmt = self.targets[name].field.format
            words = [label for _code, label in self.lookup.options(fmt.code_list)] if isinstance(fmt, Choice) else []
            if OFFERED < len(words) <= 10 * OFFERED:
                found[name] = words
        return found

    def answered(self) -> Iterator[tuple[str, str, str, str]]:
        """What was said of words: the field, its label, the word, the answer."""
        for name, answers in self.decisions.words.items():
            for word, answer in list(answers.items())[:WINDOW] if name in self.targets else ():
                yield name, self.label(name), word, self._said(self.targets[name], answer)

    def _said(self, target: Target, answer: Answer) -> str:
        fmt = target.field.format
        if answer in {NEW, LEAVE}:
            return _("作为新词收下") if answer == NEW else _("这个词不导入")
        if isinstance(fmt, Link):
            return self.lookup.handle(fmt.register, answer) if isinstance(answer, int) else str(answer)
        return self.lookup.label(words_of(target), self.lookup.word(words_of(target), str(answer)) or str(answer))

    def matches(self) -> Sequence[Mapping[str, Any]]:
        """The first of the new records whose name others have."""
        return self.plan.matches[:WINDOW]

    def matched(self) -> list[tuple[int, str]]:
        """What was said of such names: the row, and which record it means."""
        self.lookup.prepare_ids(self.cls.__key__, [each for each in self.decisions.matches.values() if each is not None])
        found = list(self.decisions.matches.items())[:WINDOW]
        return [(row, _("确实是新的") if record is None else self.lookup.handle(self.cls.__key__, record)) for row, record in found]

    @property
    def open(self) -> int:
        """How many matters wait for somebody to say what is meant: rows stay out until then."""
        asks = sum(line.state == "ask" for line in self.lines())
        return asks + len(self.missing()) + sum(each["code"] != "new_word" for each in self.plan.questions) + len(self.plan.matches)


def _coded(answer: Answer) -> str:
    return f"={answer}" if isinstance(answer, str) else f"#{answer}"


def next_step(session: Session, cls: type[Register], batch: ImportBatch) -> str:
    """The address of the step that needs the person of a batch."""
    page = "preview"
    if batch.state == BatchState.PLANNED and Columns(session, cls, stored.load(session, batch, cls)).open:
        page = "mapping"
    return link_to(cls, page, batch_id=batch.id)


# what the page sends ------------------------------------------------------------------------------


def decided(page: Columns, form: Mapping[str, str], forgotten: list[str], apart: list[str]) -> Decisions:
    """The decisions with what the page says; raises Refused for two columns of one field. `forgotten` and `apart`: answers taken back."""
    decisions = replace(page.decisions, columns=_columns(page, form), words=_words(page, form, forgotten), matches=_matches(page, form, apart))
    mode = form.get("mode")
    return replace(decisions, mode=mode if mode in set(Mode) else decisions.mode, clears=form.get("empty") == "clear")


def _columns(page: Columns, form: Mapping[str, str]) -> dict[str, str | None]:
    told: dict[str, str | None] = dict(page.decisions.columns)
    taken: dict[str, str] = {}
    for place, column in enumerate(page.columns):
        if form.get(f"heading.{place}") != column.heading or f"field.{place}" not in form:
            continue
        wanted = form[f"field.{place}"]
        if wanted == TICKS:
            continue
        if wanted in taken:
            raise refused(_l("列“%(one)s”和“%(other)s”都对应到“%(label)s”，请只留一列", one=taken[wanted], other=column.heading, label=page.label(wanted)))
        if wanted:
            taken[wanted] = column.heading
        if column.state is State.DOUBTFUL or column.word or wanted != (column.target.name if column.target else ""):
            told[column.heading] = wanted or None
    return told


def _words(page: Columns, form: Mapping[str, str], forgotten: list[str]) -> dict[str, dict[str, Answer]]:
    told = {name: {word: answer for word, answer in answers.items() if f"{name}|{word}" not in forgotten} for name, answers in page.decisions.words.items()}
    for place in range(WINDOW):
        name, word = form.get(f"of.{place}", ""), form.get(f"text.{place}", "")
        said = form.get(f"other.{place}", "").strip() or form.get(f"word.{place}", "")
        if name in page.targets and word and said:
            told.setdefault(name, {})[word] = _answer(said)
    return {name: answers for name, answers in told.items() if answers}


def _answer(said: str) -> Answer:
    if said.startswith("#") and said.isascii() and said[1:].isdecimal() and len(said) < 11:
        return int(said[1:])
    return said.removeprefix("=")


def _matches(page: Columns, form: Mapping[str, str], apart: list[str]) -> dict[int, int | None]:
    told = {row: record for row, record in page.decisions.matches.items() if str(row) not in apart}
    for each in page.matches():
        said = form.get(f"match.{each['row']}", "")
        if said == NEW:
            told[each["row"]] = None
        elif said.isascii() and said.isdecimal() and len(said) < 10:
            told[each["row"]] = int(said)
    return told


__all__ = ["WINDOW", "Columns", "decided", "next_step"]
