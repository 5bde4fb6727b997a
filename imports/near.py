"""How near one word comes to another: what people mistype, write by ear, or type as pinyin.

Pure. A near word is a proposal: `TAKEN` says how near it must come to be tried without asking, and
even then somebody is told.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from app.search.pinyin import readings

#: the slips of a hand or an ear; what is further away only asks
TAKEN = 2
_ASKED = 3
#: shorter words differ by one character too often
SHORTEST = 4
_INITIALS = 3  # two letters begin too many words

#: characters that make another thing of the word they stand in: 副组长 is not 组长
_TELLING = frozenset("是否非不未无正副主次新旧原前后上下内外男女初复专兼总分收发进出")
_COUNTING = re.compile(r"[0-9一二三四五六七八九十甲乙丙丁戊]")
_ALIKE = (
    "人入八",
    "电申由甲",
    "话活",
    "日曰目",
    "己已巳",
    "末未",
    "土士",
    "干千",
    "侯候",
    "治冶",
    "刀力",
    "住往佳",
    "贷货",
    "析折",
    "机枧",
    "间问",
    "证征",
    "帐账",
)
_GROUPS = {character: frozenset(group) for group in _ALIKE for character in group}


@lru_cache(maxsize=50_000)
def distance(written: str, name: str) -> int | None:
    """How far a plain text stands from a plain name: 1 and 2 are slips, 3 is worth asking, None is something else."""
    if written == name:
        return 0
    if re.fullmatch(r"[a-z]+", written):
        return _sounded(written, name)
    if min(len(written), len(name)) < SHORTEST or abs(len(written) - len(name)) > 1:
        return None
    return _changed(written, name) if len(written) == len(name) else _odd(written, name)


def _changed(written: str, name: str) -> int | None:
    pairs = [pair for pair in zip(written, name, strict=True) if pair[0] != pair[1]]
    characters = "".join(map("".join, pairs))
    if len(pairs) > 2 or _COUNTING.search(characters):
        return None
    if len(pairs) == 2 and pairs[0] == pairs[1][::-1] and "".join(pairs[0]) in name + written:
        return 1
    telling = not _TELLING.isdisjoint(characters)
    if all(_alike(*pair) for pair in pairs):
        return _ASKED if telling else 1
    return _ASKED if len(pairs) == 1 and not telling else None


def _alike(one: str, other: str) -> bool:
    """Whether two characters sound the same or look the same."""
    return other in _GROUPS.get(one, ()) or not set(readings(one)).isdisjoint(readings(other))


def _odd(written: str, name: str) -> int | None:
    """One character too many or too few; at an end of the word it mostly makes another word."""
    long, short = sorted((written, name), key=len, reverse=True)
    at = next((place for place, character in enumerate(short) if character != long[place]), len(short))
    if long[:at] + long[at + 1 :] != short:
        return None
    if _COUNTING.match(long[at]):
        return None
    if at and long[at] == long[at - 1]:
        return 1
    if long[at] in _TELLING:
        return None
    return 2 if 0 < at < len(short) else _ASKED


def _sounded(written: str, name: str) -> int | None:
    """Pinyin, whole or by initials."""
    sounds = [readings(character) or ((character,) if character.isascii() and character.isalnum() else ()) for character in name]
    if not name or not any(readings(character) for character in name) or not all(sounds):
        return None
    if len(written) == len(name) and all(any(sound[0] == letter for sound in each) for letter, each in zip(written, sounds, strict=True)):
        return 1 if len(name) >= _INITIALS else _ASKED
    return 1 if len(name) > 1 and _spells(written, sounds) else None


def _spells(written: str, sounds: Sequence[Sequence[str]]) -> bool:
    ends = {0}
    for each in sounds:
        ends = {at + len(sound) for at in ends for sound in each if written.startswith(sound, at)}
    return len(written) in ends


def proposals(written: str, words: Iterable[str], most: int = 3) -> list[str]:
    """The words that somebody who wrote this may have meant, nearest first; nothing where none comes near."""
    known = list(dict.fromkeys(words))
    scored = [(found, word) for word in known if (found := distance(written, word)) is not None]
    scored += [(_ASKED + 1, word) for word in known if len(written) > 1 and len(word) > 1 and (written in word or word in written)]
    scored += [(_ASKED + 2, word) for word in difflib.get_close_matches(written, known, n=most, cutoff=0.5)]
    return list(dict.fromkeys(word for _, word in sorted(scored, key=lambda pair: pair[0])))[:most]
