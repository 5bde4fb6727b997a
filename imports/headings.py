"""Which field a heading means: by label, by alias, by the group that it stands under."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from app.formats import Until
from app.language import chinese
from app.register import Register
from imports.cells import letters
from imports.targets import Target, targets

_UNIT = re.compile(r"[(（\[【][^()（）\[\]【】]{1,12}[)）\]】]$")
#: a column of both ends is called 有效期起止 where the end's own column is called 有效期
_BOTH_ENDS = ("起止", "起止日期", "起止时间")
_NUMBERS = frozenset({"序号", "序", "编号序", "no", "no.", "行号", "#"})


def plain(text: object) -> str:
    """A heading without breaks, blanks, stars, width and case."""
    return re.sub(r"[\s*＊:：]+", "", unicodedata.normalize("NFKC", str(text))).lower()


def bare(text: object) -> str:
    """A plain heading without the unit in brackets behind it: 固定资产（万元） is 固定资产."""
    return _UNIT.sub("", plain(text)) or plain(text)


def is_row_number(text: str) -> bool:
    """Whether the heading is 序号."""
    return bare(text) in _NUMBERS


@dataclass(frozen=True)
class Names:
    """Every name under which a register's fields stand in headings, with its rank (0 is best)."""

    exact: dict[str, list[tuple[int, Target]]]
    groups: dict[str, set[str]]

    def meanings(self, path: Sequence[str]) -> list[tuple[int, Target]]:
        """What the levels of one heading may mean, best first."""
        found: dict[str, tuple[int, Target]] = {}
        joined = [plain("/".join(path)), plain("".join(path))] if len(path) > 1 else []
        for step, name in enumerate([*joined[:1], plain(path[-1]), bare(path[-1]), *joined[1:], *(bare(level) for level in reversed(path[:-1]))]):
            for rank, target in self.exact.get(name, ()):
                grouped = target.child is not None and any(self._in_group(level, target) for level in path[:-1])
                score = step * 10 + rank - (5 if grouped else 0)
                if target.name not in found or found[target.name][0] > score:
                    found[target.name] = (score, target)
        return sorted(found.values(), key=lambda pair: pair[0])

    def _in_group(self, level: str, target: Target) -> bool:
        names = self.groups.get(target.child.__key__, set()) if target.child else set()
        return any(name and (name in bare(level) or bare(level) in name) for name in names)


@cache
def names_of(cls: type[Register]) -> Names:
    """The names of a register's fields and of those of its fed children."""
    exact: dict[str, list[tuple[int, Target]]] = defaultdict(list)
    groups: dict[str, set[str]] = defaultdict(set)
    for target in targets(cls):
        label = chinese(target.field.label)
        owner = 1 if target.child else 0
        spellings = [(owner, label), *((2 + owner, alias) for alias in target.field.aliases)]
        if target.child is not None:
            title = chinese(target.child.__title__)
            groups[target.child.__key__].add(plain(title))
            spellings.append((0, f"{title}/{label}"))
        for rank, spelling in spellings:
            for name in dict.fromkeys((plain(spelling), bare(spelling), *_with_both_ends(target, plain(spelling)))):
                exact[name].append((rank, target))
    return Names(exact, groups)


def _with_both_ends(target: Target, name: str) -> list[str]:
    """How a column is called that holds both ends of the period whose last day the field is."""
    takes_both = isinstance(target.field.format, Until) and target.field.spill_key
    return [name + ends for ends in _BOTH_ENDS] if takes_both and name.endswith(("期", "期限")) else []


def assign(names: Names, paths: Sequence[Sequence[str]], settled: Container[int] = (), taken: Iterable[str] = ()) -> list[Target | None]:
    """One target for each heading at most, each target once; the better match takes it. `settled` places and `taken` targets are out."""
    wishes = []
    for place, path in enumerate(paths):
        if path and place not in settled and not is_row_number(path[-1]):
            wishes += [(score, place, target) for score, target in names.meanings(path)]
    result: list[Target | None] = [None] * len(paths)
    taken = set(taken)
    for _, place, target in sorted(wishes, key=lambda wish: wish[:2]):
        if result[place] is None and target.name not in taken:
            result[place] = target
            taken.add(target.name)
    return result


def titles(paths: Sequence[Sequence[str]]) -> list[str]:
    """The headings as the file has them, levels joined with "/"; two alike get their column's letters."""
    joined = ["/".join(re.sub(r"\s+", "", level) for level in path) for path in paths]
    return [f"{title}（{letters(place)}列）" if title and joined.count(title) > 1 else title for place, title in enumerate(joined, 1)]
