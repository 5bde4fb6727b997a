"""What each column of a header means, and how sure that is.

A person's decision wins; then what the office decided about just these headings; then columns to tick;
then labels and aliases; then what the office decided about similar files; last what is only near.
What is near never takes a field from any of those before it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from app.formats import Choices
from app.register import Register
from imports import headings, near
from imports.decisions import NOTHING, Decisions
from imports.headings import Names, bare, names_of, plain
from imports.past import Past
from imports.targets import Target, targets


class State(StrEnum):
    """How sure a column's meaning is."""

    MATCHED = "matched"
    DOUBTFUL = "doubtful"
    IGNORED = "ignored"


@dataclass(frozen=True)
class Meaning:
    """What a column feeds; what it may be meant for when it is only near; the word that its cells tick."""

    target: Target | None = None
    state: State = State.IGNORED
    proposal: Target | None = None
    word: str = ""


IGNORED = Meaning()


@dataclass(frozen=True)
class Matcher:
    """Matches headings with the fields of a register."""

    cls: type[Register]
    decisions: Decisions = NOTHING
    past: Past = field(default_factory=Past)

    @cached_property
    def names(self) -> Names:
        """The names of the register's fields."""
        return names_of(self.cls)

    @cached_property
    def _targets(self) -> dict[str, Target]:
        return {target.name: target for target in targets(self.cls)}

    def match(self, paths: Sequence[Sequence[str]], *, near_too: bool = True) -> list[Meaning]:
        """One meaning for each heading; a field is fed by one column only, or by the columns that tick its words."""
        found: dict[int, Meaning] = {}
        asked = bool(self.decisions.columns or self.past.mappings)
        titles = headings.titles(paths) if asked else []
        plains = [plain(title) for title in titles]
        self._told(found, self.decisions.columns, titles)
        self._told(found, self.past.same(titles), plains)
        self._ticks(found, paths)
        for place, target in enumerate(headings.assign(self.names, paths, found, _taken(found))):
            if target is not None:
                found[place] = Meaning(target, State.MATCHED)
        self._told(found, self.past.similar(titles), plains)
        if near_too:
            self._near(found, paths)
        return [found.get(place, IGNORED) for place in range(len(paths))]

    def _told(self, found: dict[int, Meaning], told: Mapping[str, str | None], titles: Sequence[str]) -> None:
        """Columns of which somebody has said what they mean; a field that is taken stays taken."""
        for place, title in enumerate(titles):
            if not title or place in found or title not in told:
                continue
            name = told[title]
            target = self._targets.get(name) if name else None
            if name is None:
                found[place] = IGNORED
            elif target is not None and name not in _taken(found):
                found[place] = Meaning(target, State.MATCHED)

    def _ticks(self, found: dict[int, Meaning], paths: Sequence[Sequence[str]]) -> None:
        """Columns under one heading that means a list of words, called by no name of a field: each ticks a word."""
        groups: dict[tuple[str, ...], list[int]] = {}
        for place, path in enumerate(paths):
            if len(path) > 1 and place not in found:
                groups.setdefault(tuple(path[:-1]), []).append(place)
        for above, places in groups.items():
            target = self._list_called(above[-1])
            own = any(self.names.exact.get(name) for place in places for name in (plain(paths[place][-1]), bare(paths[place][-1])))
            if target is not None and len(places) > 1 and not own and target.name not in _taken(found):
                found |= {place: Meaning(target, State.MATCHED, word=paths[place][-1]) for place in places}

    def _list_called(self, heading: str) -> Target | None:
        for name in (plain(heading), bare(heading)):
            for _rank, target in sorted(self.names.exact.get(name, ()), key=lambda pair: pair[0]):
                if isinstance(target.field.format, Choices):
                    return target
        return None

    def _near(self, found: dict[int, Meaning], paths: Sequence[Sequence[str]]) -> None:
        """What is near a field that no other column feeds: one that nothing else comes as near to is tried, the rest asks."""
        taken = _taken(found)
        wishes: list[tuple[int, int, Target]] = []
        for place, path in enumerate(paths):
            if path and place not in found and not headings.is_row_number(path[-1]):
                wishes += [(far, place, target) for far, target in self._nearest(path) if target.name not in taken]
        for far, place, target in sorted(wishes, key=lambda wish: wish[:2]):
            rivals = [wish for wish in wishes if wish[0] <= far and (wish[1] == place) != (wish[2].name == target.name)]
            if place in found or target.name in _taken(found):
                continue
            sure = far <= near.TAKEN and not rivals
            proposed = {meaning.proposal.name for meaning in found.values() if meaning.proposal}
            if sure or target.name not in proposed:
                found[place] = Meaning(target if sure else None, State.DOUBTFUL, target)

    def _nearest(self, path: Sequence[str]) -> list[tuple[int, Target]]:
        best: dict[str, tuple[int, int, Target]] = {}
        for written in dict.fromkeys((plain(path[-1]), bare(path[-1]))):
            for name, known in self.names.exact.items():
                far = near.distance(written, name)
                if far is None:
                    continue
                for rank, target in known:
                    if target.name not in best or best[target.name][:2] > (far, rank):
                        best[target.name] = (far, rank, target)
        if not best:
            return []
        lowest = min((far, rank) for far, rank, _target in best.values())
        # a label that is near beats an alias that is as near
        return [(far, target) for far, rank, target in best.values() if far > lowest[0] or rank == lowest[1]]


def _taken(found: Mapping[int, Meaning]) -> set[str]:
    return {meaning.target.name for meaning in found.values() if meaning.target}


__all__ = ["IGNORED", "Matcher", "Meaning", "State"]
