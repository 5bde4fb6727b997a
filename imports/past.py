"""What an office decided about files before, as matching asks it: values only."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from app.formats import Choice, Link
from imports.decisions import Answer
from imports.headings import plain
from imports.targets import Target


@dataclass(frozen=True)
class Past:
    """What is remembered: mappings (plain heading to field name or None), newest first; answers by list and word."""

    mappings: Sequence[Mapping[str, str | None]] = ()
    prints: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)
    words: Mapping[str, Mapping[str, Answer]] = field(default_factory=dict)

    def same(self, headings: Iterable[str]) -> Mapping[str, str | None]:
        """What was decided about just these headings."""
        return self.prints.get(fingerprint(headings), {})

    def similar(self, headings: Iterable[str]) -> dict[str, str | None]:
        """What was decided about single headings, in files that share at least half of these."""
        wanted = {plain(heading) for heading in headings if heading}
        found: dict[str, str | None] = {}
        for mapping in self.mappings:
            shared = wanted & mapping.keys()
            if 2 * len(shared) >= len(wanted):
                for heading in shared:
                    found.setdefault(heading, mapping[heading])
        return found


def fingerprint(headings: Iterable[str]) -> str:
    """The headings as a set: columns may change places."""
    return hashlib.sha256("\n".join(sorted({plain(heading) for heading in headings if heading})).encode()).hexdigest()


def words_of(target: Target) -> str:
    """Under which name answers about a field's words are kept: its code list, or the register it links to."""
    fmt = target.field.format
    return fmt.code_list if isinstance(fmt, Choice) else f"@{fmt.register}" if isinstance(fmt, Link) else ""


__all__ = ["Past", "fingerprint", "words_of"]
