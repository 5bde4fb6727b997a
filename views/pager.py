"""The way from page to page: numbers as far as rows are counted, further on step by step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app.paging import Slice, Tally
from app.queries import Listing

Address = Callable[..., str]


@dataclass(frozen=True)
class Step:
    """A page's number and its address; no number stands for a gap."""

    number: int
    link: str
    here: bool = False


class Pager:
    """The links under a list."""

    def __init__(self, listing: Listing, found: Slice, tally: Tally, address: Address) -> None:
        self.listing = listing
        self.found = found
        self.tally = tally
        self._address = address
        self.numbered = not (listing.after or listing.before or listing.last)

    @property
    def pages(self) -> int:
        """How many pages have numbers, one at least."""
        return max(1, -(-min(self.tally.count, self.tally.most) // self.listing.size))

    @property
    def needed(self) -> bool:
        """Whether there is another page at all."""
        return self.pages > 1 or self.tally.capped or not self.numbered

    def page(self, number: int) -> str:
        """The address of a page by its number."""
        return self._address(page=number) if number > 1 else self._address()

    @property
    def first(self) -> str:
        """The first page's address, where its number is not on offer."""
        return "" if self.numbered else self.page(1)

    @property
    def previous(self) -> str:
        """The page before; empty at the start."""
        if self.numbered:
            return self.page(min(self.listing.page, self.pages + 1) - 1) if self.listing.page > 1 else ""
        return self._address(before=self.found.rows[0].id) if self.found.earlier and self.found.rows else ""

    @property
    def next(self) -> str:
        """The page behind; empty at the end."""
        if self.numbered and self.listing.page < self.pages:
            return self.page(self.listing.page + 1)
        return self._address(after=self.found.rows[-1].id) if self.found.later and self.found.rows else ""

    @property
    def last(self) -> str:
        """The last page's address, where its number is not on offer."""
        return self._address(last=1) if self.tally.capped and not self.listing.last else ""

    def steps(self) -> list[Step]:
        """The first page, the last with a number, those near."""
        if not self.numbered:
            return []
        here = min(self.listing.page, self.pages)
        near = sorted({1, self.pages, *range(max(1, here - 2), min(self.pages, here + 2) + 1)})
        found: list[Step] = []
        for before, number in zip([0, *near], near, strict=False):
            if number - before > 1:
                found.append(Step(0, ""))
            found.append(Step(number, self.page(number), number == here))
        return found
