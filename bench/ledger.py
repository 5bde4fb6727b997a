"""The register of the benchmarks: the sixteen columns of bench/rows.py, declared as a register is."""

from __future__ import annotations

import warnings
from typing import Annotated

from sqlalchemy.orm import Mapped

from app.code_lists import CodeList, Word
from app.fields import CodeText, Count, Day, Line, Name, Person, Phone, Prose, SquareMetres, YesNo, field, one_of
from app.register import Register

warnings.filterwarnings("ignore", "This declarative base already contains a class")  # all ledgers are written once
KIND = CodeList("bench_kind", "机构类别", (Word("evaluation", "安全评价"), Word("testing", "检测检验"), Word("training", "安全培训")))
LEVEL = CodeList("bench_level", "等级", (Word("first", "一级"), Word("second", "二级")))


def ledger(number: int, key: str) -> type[Register]:
    """A register of sixteen columns."""

    class Ledger(Register):
        __tablename__ = key
        __key__ = key
        __title__ = f"试验台账{number}"
        __keys__ = (("code",),)

        name: Mapped[Name] = field("机构名称", listed=True, search=True)
        code: Mapped[CodeText] = field("编号", listed=True, search=True)
        kind: Mapped[Annotated[str, one_of(KIND)] | None] = field("机构类别", listed=True, filtered=True)
        level: Mapped[Annotated[str, one_of(LEVEL)] | None] = field("等级", listed=True, filtered=True)
        legal_rep: Mapped[Person | None] = field("法定代表人", listed=True)
        contact: Mapped[Person | None] = field("联系人", listed=True)
        phone: Mapped[Phone | None] = field("办公电话", listed=True)
        address: Mapped[Line | None] = field("地址", listed=True, search=True)
        scope: Mapped[Line | None] = field("业务范围", listed=True)
        staff: Mapped[Count | None] = field("人数", listed=True)
        area: Mapped[SquareMetres | None] = field("面积", listed=True)
        founded: Mapped[Day | None] = field("成立日期", listed=True)
        checked: Mapped[Day | None] = field("核验日期", listed=True)
        valid_to: Mapped[Day | None] = field("有效期至", listed=True, filtered=True)
        active: Mapped[YesNo | None] = field("在用", listed=True)
        note: Mapped[Prose | None] = field("核验情况", listed=True)

    Ledger.__name__ = Ledger.__qualname__ = f"Ledger{number}"
    return Ledger
