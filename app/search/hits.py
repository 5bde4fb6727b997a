"""Where in a text a word was found: for the mark on the page, and for lists small enough to look through."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from app.search.pinyin import readings
from app.search.text import normal, plain

#: a piece of a text, and whether it is what was looked for
Part = tuple[str, bool]
BEFORE = 20  # characters of a long text that stand before its first mark


def matches(text: str, word: str) -> bool:
    """Whether a text holds a normal word, as written or in pinyin: the same as the index, for short lists."""
    return bool(_places(text, word))


def marked(text: str, words: Sequence[str]) -> list[Part]:
    """The text in pieces, those marked that some word found; nothing marked when none did."""
    marks = {place for word in words for found in _places(text, word) for place in found}
    parts: list[Part] = []
    for place, letter in enumerate(text):
        if parts and parts[-1][1] == (place in marks):
            parts[-1] = (parts[-1][0] + letter, parts[-1][1])
        else:
            parts.append((letter, place in marks))
    return parts


def shortened(parts: Sequence[Part]) -> list[Part]:
    """A long beginning cut down to what stands just before the first mark."""
    head, *rest = parts
    return list(parts) if head[1] or len(head[0]) <= 2 * BEFORE else [("…" + head[0][-BEFORE:], False), *rest]


def _places(text: str, word: str) -> list[range]:
    """Each stretch of the text that the word means: as written, else as spoken."""
    letters = [(place, letter) for place, character in enumerate(text) for letter in normal(character)]
    folded = "".join(letter for _place, letter in letters)
    found, start = [], folded.find(word)
    while start >= 0 and word:
        found.append(range(letters[start][0], letters[start + len(word) - 1][0] + 1))
        start = folded.find(word, start + 1)
    return found or list(_spoken(text, word))


def _spoken(text: str, word: str) -> Iterator[range]:
    if not word.isascii() or not word.isalpha():
        return
    characters = [(place, letter) for place, character in enumerate(text) for letter in plain(character)]
    for start, (place, _letter) in enumerate(characters):
        last = _full(characters, start, word) or _initials(characters, start, word)
        if last:
            yield range(place, characters[last - 1][0] + 1)


def _full(characters: Sequence[tuple[int, str]], at: int, rest: str) -> int:
    """Behind which character the word ends when each is spoken whole, the last perhaps in part; 0 when it is something else."""
    for sound in readings(characters[at][1]) if at < len(characters) else ():
        if sound.startswith(rest):
            return at + 1
        if rest.startswith(sound) and (end := _full(characters, at + 1, rest[len(sound) :])):
            return end
    return 0


def _initials(characters: Sequence[tuple[int, str]], at: int, word: str) -> int:
    spoken = characters[at : at + len(word)]
    fits = len(spoken) == len(word) and all(any(sound[0] == letter for sound in readings(each)) for (_place, each), letter in zip(spoken, word, strict=True))
    return at + len(word) if fits else 0
