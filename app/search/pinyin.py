"""Pinyin of Chinese text, whole and by initials, every reading of a character with every one of its neighbour.

The index holds, for each character, its syllable with the next one (chongqing, zhongqing) and the
initials from there on (cq, zq): a word that somebody types begins one of them, or is a chain of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import pairwise, product

from app.search.text import Token, table

#: before each token of pinyin, so that it is never taken for a gram: no normal text holds it
SOUND = "\ue001"
INITIALS = 4  # in one token
LONGEST = 60  # letters that are taken for pinyin at all
HAN = re.compile(r"[\u3400-\u9fff]+")
MOST = 12  # ways to cut a word into syllables


@cache
def _readings() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for row in table("readings.txt"):
        sound, _blank, characters = row.partition(" ")
        for character in characters:
            found.setdefault(character, []).append(sound)
            if "v" in sound:  # people type lv, lü and lu for 绿
                found[character].append(sound.replace("v", "u"))
    return {character: tuple(dict.fromkeys(sounds)) for character, sounds in found.items()}


def readings(character: str) -> tuple[str, ...]:
    """The ways to say a character, without tones; none for what is not Chinese."""
    return _readings().get(character, ())


@cache
def _syllables() -> frozenset[str]:
    return frozenset(sound for sounds in _readings().values() for sound in sounds)


@cache
def _beginnings() -> frozenset[str]:
    return frozenset(sound[:end] for sound in _syllables() for end in range(1, len(sound) + 1))


@lru_cache(maxsize=100_000)
def _pairs(two: str) -> tuple[str, ...]:
    """The syllables of two neighbours, or of the last character alone, as tokens."""
    return tuple(SOUND + "".join(parts) for parts in product(*map(readings, two))) or tuple(SOUND + sound for sound in readings(two[0]))


@lru_cache(maxsize=30_000)
def _initials(character: str) -> str:
    return "".join(dict.fromkeys(sound[0] for sound in readings(character)))


def sounds(text: str) -> set[str]:
    """The tokens of a plain text."""
    found: set[str] = set()
    for run in HAN.findall(text):
        letters = [_initials(character) for character in run]
        for at in range(len(run)):
            found.update(_pairs(run[at : at + 2]))
            found.update(_abbreviated(tuple(letters[at : at + INITIALS])))
    return found


@lru_cache(maxsize=100_000)
def _abbreviated(letters: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(SOUND + "".join(parts) for parts in product(*letters))


def spelled(word: str) -> list[list[Token]]:
    """The ways to take a word for pinyin: each as the tokens that a text must have."""
    if not re.fullmatch(r"[a-z]+", word) or len(word) > LONGEST:
        return []
    ways = [_chain(cut) for cut in _cuts(word)]
    if len(word) <= INITIALS:
        ways.append([(SOUND + word, True)])
    elif not re.search(r"[iuv]", word):  # no syllable begins with these
        ways.append([(SOUND + word[at : at + INITIALS], False) for at in range(len(word) - INITIALS + 1)])
    return [list(way) for way in dict.fromkeys(tuple(dict.fromkeys(way)) for way in ways)]


def _chain(cut: Sequence[str]) -> list[Token]:
    """Neighbouring syllables two by two; the last may be typed in part."""
    if len(cut) == 1:
        return [(SOUND + cut[0], True)]
    pairs = [SOUND + first + second for first, second in pairwise(cut)]
    return [(pair, False) for pair in pairs[:-1]] + [(pairs[-1], True)]


def _cuts(word: str) -> list[tuple[str, ...]]:
    """The word cut into syllables, the last of them perhaps begun only."""
    found: list[tuple[str, ...]] = []
    open_ends: list[tuple[tuple[str, ...], str]] = [((), word)]
    while open_ends and len(found) < MOST:
        done, rest = open_ends.pop()
        if rest in _beginnings():
            found.append((*done, rest))
        open_ends += [((*done, rest[:end]), rest[end:]) for end in range(1, min(len(rest), 7)) if rest[:end] in _syllables()]
    return found
