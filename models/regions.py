"""行政区划: the country down to county, and the county's own 乡镇 (codes as of 2023-06-30).

The national list is the one that python-stdnum brings along; the local units are those of the
statistical division codes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from stdnum import numdb

YEAR = 2023
COUNTY = "130828"
COUNTY_ALIASES = ("围场县", "围场", "围场自治县", "满族蒙古族自治县", "承德市围场县", "围场满族蒙古族自治县")

#: places that are no division of their own but only hold others
_HOLDERS = re.compile(r"市辖区|县|林区|省直辖县级行政(单位|区划)|自治区直辖县级行政(单位|区划)|直辖县")
_CHARACTERS = {
    "11": "京", "12": "津", "13": "冀", "14": "晋", "15": "蒙", "21": "辽", "22": "吉", "23": "黑", "31": "沪", "32": "苏", "33": "浙",
    "34": "皖", "35": "闽", "36": "赣", "37": "鲁", "41": "豫", "42": "鄂", "43": "湘", "44": "粤", "45": "桂", "46": "琼", "50": "渝",
    "51": "川", "52": "贵", "53": "云", "54": "藏", "61": "陕", "62": "甘", "63": "青", "64": "宁", "65": "新", "71": "台", "81": "港", "82": "澳",
}  # fmt: skip
_PROVINCE_NAMES = {"81": "香港特别行政区", "82": "澳门特别行政区"}
_PROVINCE_SHORT = re.compile(r"(壮族|回族|维吾尔)?自治区$|特别行政区$|省$|市$")
#: codes that the list keeps though they have ended: 随州市 became 421300, 神农架林区 became 429021
_ENDED = frozenset({"429001", "422921"})
#: functional districts that the statistical codes have and the national list has not
_ADDED = {"130871": "承德高新技术产业开发区"}
_ADDED_ALIASES = {"130871": ("承德高新区", "高新区")}

_TOWNS = (
    "100围场镇 101四合永镇 102克勒沟镇 103棋盘山镇 104半截塔镇 105朝阳地镇 106朝阳湾镇 107腰站镇 108龙头山镇 109新拨镇 110御道口镇 111城子镇 "
    "112新地镇 113哈里哈镇 200道坝子乡 203黄土坎乡 204四道沟乡 205兰旗卡伦乡 206银窝沟乡 208广发永乡 209育太和乡 210郭家湾乡 211杨家湾乡 "
    "212大唤起乡 215张家湾乡 216宝元栈乡 217山湾子乡 218三义永乡 219姜家店乡 220下伙房乡 221燕格柏乡 222牌楼乡 224老窝铺乡 226石桌子乡 "
    "227大头山乡 228南山嘴乡 229西龙头乡 450塞罕坝机械林场 500国营御道口牧场"
)
_TOWN_ALIASES = {
    "205": ("蓝旗卡伦乡", "蓝旗卡伦"),
    "450": ("塞罕坝", "塞罕坝林场", "机械林场"),
    "500": ("御道口牧场", "御道口牧场管理区"),
}


def _valid(names: str) -> str | None:
    """The name in force in YEAR: the list keeps former ones as [1983-1988]围场县."""
    for name in names.split(","):
        match = re.fullmatch(r"\[(\d*)-(\d*)\](.+)", name)
        if match is None:
            return name
        start, end, found = match.groups()
        if int(start or 0) <= YEAR <= int(end or 9999):
            return found
    return None


def _national() -> Iterator[tuple[str, str]]:
    """Code and name of every province, city and county in force."""
    for _, province, _, properties, children in numdb.get("cn/loc").prefixes:
        yield province + "0000", _PROVINCE_NAMES.get(province, properties["province"])
        for _, place, _, facts, _ in children:
            name = _valid(facts["county"])
            if place != "0000" and name and province + place not in _ENDED:
                yield province + place, name


def _full_name(code: str, names: dict[str, str]) -> str:
    """河北省承德市双桥区: the path, without the holders."""
    steps = dict.fromkeys((code[:2] + "0000", code[:4] + "00", code))
    return "".join(names[step] for step in steps if step in names and not _HOLDERS.fullmatch(names[step]))


def _national_rows() -> list[dict[str, str]]:
    names = dict(sorted((*_national(), *_ADDED.items())))
    rows = []
    for code, name in names.items():
        if _HOLDERS.fullmatch(name):
            continue
        level = "province" if code.endswith("0000") else "city" if code.endswith("00") else "county"
        rows.append({"code": code, "name": name, "full_name": _full_name(code, names), "level": level})
        city = names.get(code[:4] + "00", "")
        rows[-1]["aliases"] = "、".join(_aliases(code, name, level, city))
    return rows


def _aliases(code: str, name: str, level: str, city: str) -> list[str]:
    if code == COUNTY:
        return [alias for alias in COUNTY_ALIASES if alias != name]
    if level == "province":
        return [_PROVINCE_SHORT.sub("", name), _CHARACTERS[code[:2]]]
    if level == "city":
        return [name.removesuffix("市")] if name.endswith("市") and len(name) > 2 else []
    return [*_ADDED_ALIASES.get(code, ()), *([city + name] if city and not _HOLDERS.fullmatch(city) else [])]


def _local_rows() -> list[dict[str, str]]:
    rows = []
    for entry in _TOWNS.split():
        number, name = entry[:3], entry[3:]
        short = name[:-1] if name[-1] in "镇乡" else ""
        # 围场 alone is the county; towns that were 乡 until lately still stand so in old files
        aliases = [short] if short and short != "围场" else []
        aliases += [short + "乡"] if name.endswith("镇") else []
        aliases += [*_TOWN_ALIASES.get(number, ()), f"围场县{name}", f"围场满族蒙古族自治县{name}"]
        full_name = f"河北省承德市围场满族蒙古族自治县{name}"
        rows.append({"code": COUNTY + number, "name": name, "full_name": full_name, "level": "township", "aliases": "、".join(aliases)})
    return rows


def regions() -> list[dict[str, str]]:
    """Every region, by code: code, name, full_name, level, aliases."""
    rows = sorted(_national_rows() + _local_rows(), key=lambda row: row["code"])
    taken = Counter(row["name"] for row in rows)
    taken.update(alias for row in rows for alias in row["aliases"].split("、") if alias != row["name"])
    for row in rows:
        # an alias must lead to one place: 吉林 is a province and a city
        row["aliases"] = "、".join(alias for alias in row["aliases"].split("、") if alias and taken[alias] == 1)
    return rows
