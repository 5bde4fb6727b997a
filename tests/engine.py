"""A throw-away ledger with two kinds of children, for the tests of the engine alone.

Its tables leave the common metadata at once and its entry stands in the registry only while a
test runs, so that no other test and no migration sees them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Annotated, Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, sessionmaker

import config
from app import formats, guard, registry
from app.clock import now
from app.code_lists import CodeList, Word
from app.database import engine_options
from app.encryption import data_keys, envelope
from app.fields import CodeText, Day, Gate, Line, Mobile, Name, Phone, Prose, ResidentId, Until, WordList, YesNo, field, link, one_of, some_of
from app.lookup import DatabaseLookup
from app.register import Base, Child, Problem, PublishState, Register
from app.registry import Entry
from app.roles import LEDGER, REFERENCE, Role
from app.scopes import SYSTEM, Actor, act_as
from app.search.kept import reconcile
from models.reference import CodeEntry, OrgUnit, Region
from tests.databases import Databases

TODAY = date(2026, 3, 15)
KIND = CodeList("t_kind", "类别", (Word("a", "甲类", ("甲",)), Word("b", "乙类")))
TOPICS = CodeList("t_topic", "主题", (Word("mine", "矿山"), Word("fire", "消防")), open=True)


class Ledger(Register):
    """测试台账."""

    __tablename__ = "t_ledger"
    __key__ = "t_ledger"
    __title__ = "测试台账"
    __keys__ = (("code",), ("title", "born"))
    __number__ = ("code", "T")
    __label__ = "title"
    __names__ = ("short_name", "former_names")

    code: Mapped[CodeText | None] = field("编号")
    title: Mapped[Name] = field("名称", public=True, listed=True)
    short_name: Mapped[Name | None] = field("简称", public=True)
    former_names: Mapped[WordList | None] = field("曾用名")
    kind: Mapped[Annotated[str, one_of(KIND)] | None] = field("类别")
    topics: Mapped[Annotated[list[str], some_of(TOPICS)] | None] = field("主题")
    id_no: Mapped[ResidentId | None] = field("身份证号", sensitive=True)
    born: Mapped[Day | None] = field("出生日期", derived=True)
    mobile: Mapped[Mobile | None] = field("手机", sensitive=True)
    office_phone: Mapped[Phone | None] = field("电话", public=True, spill=mobile)
    valid_from: Mapped[Day | None] = field("有效期起")
    valid_to: Mapped[Until | None] = field("有效期止", spill=valid_from)
    active: Mapped[YesNo | None] = field("在用", default=True)
    opinion: Mapped[Prose | None] = field("法制意见", gate=Gate.LEGAL)
    conclusion: Mapped[Line | None] = field("结论", gate=Gate.LEGAL, drafted=True)
    age_group: Mapped[Line | None] = field("年龄段", gate=Gate.SYSTEM)
    region_id: Mapped[Annotated[int, link("region")] | None] = field("属地")
    peer_id: Mapped[Annotated[int, link("t_ledger")] | None] = field("关联记录")

    @classmethod
    def derive(cls, values: Mapping[str, Any], parent: Mapping[str, Any] | None = None) -> dict[str, Any]:
        born = formats.birth_date(values["id_no"]) if values.get("id_no") else values.get("born")
        group = None if born is None else "成年" if born.year <= TODAY.year - 18 else "未成年"
        return {"born": born, "age_group": group}

    @classmethod
    def check(cls, values: Mapping[str, Any], parent: Mapping[str, Any] | None = None) -> Iterable[Problem]:
        start, end = values.get("valid_from"), values.get("valid_to")
        if start and end and start > end:
            yield Problem("valid_to", "backwards", "有效期止早于有效期起")


class Remark(Child):
    """What the keepers note under a record."""

    __tablename__ = "t_remark"
    __key__ = "remarks_"
    __title__ = "测试记事"
    __parent__ = Ledger
    __keys__ = (("topic",),)
    __label__ = "topic"

    topic: Mapped[Name] = field("记事主题")
    body: Mapped[Prose | None] = field("记事内容")
    verdict: Mapped[Line | None] = field("记事结论", gate=Gate.LEGAL)


class Oversight(Child):
    """What supervisors note under a record."""

    __tablename__ = "t_oversight"
    __key__ = "oversights"
    __title__ = "测试监督"
    __parent__ = Ledger
    __gate__ = Gate.SUPERVISION
    __label__ = "finding"
    __sheet__ = False

    finding: Mapped[Name] = field("监督发现")


TABLES = [cls.__table__ for cls in (Ledger, Remark, Oversight)]
for _table in TABLES:
    assert all(key.column is not None for key in _table.foreign_keys)  # found while they stand on one metadata
for _table in TABLES:
    Base.metadata.remove(_table)  # type: ignore[arg-type]
_BENCHES: dict[str, sa.Engine] = {}
REFERENCES = [cls.__table__ for cls in (OrgUnit, Region, CodeEntry)]
ENTRIES = {
    "t_ledger": Entry(Ledger, LEDGER, "测试"),
    **{cls.__key__: Entry(cls, REFERENCE, "测试") for cls in (OrgUnit, Region, CodeEntry)},
}

OWN, OTHER = 1, 2
CLERK = Actor("wang", frozenset({Role.CLERK}), OWN, full_name="王经办")
OTHER_CLERK = Actor("li", frozenset({Role.CLERK}), OTHER)
SECTION_HEAD = Actor("qian", frozenset({Role.SECTION_HEAD}), OWN)
LEGAL = Actor("sun", frozenset({Role.LEGAL}), OTHER)
LEADER = Actor("zhou", frozenset({Role.LEADER}))
SUPERVISOR = Actor("wu", frozenset({Role.SUPERVISOR}))
TOWN_SUPERVISOR = Actor("zheng", frozenset({Role.SUPERVISOR}), regions=("130828100",))
PRIVACY_ONLY = Actor("chu", frozenset({Role.PRIVACY_VIEW}), OWN)
VISITOR = Actor("", frozenset({Role.PUBLIC}))


class Desk:
    """An engine with the ledger's tables, and sessions of whoever acts."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self.factory = sessionmaker(engine)
        guard.install(self.factory)
        self.opened: list[Session] = []

    def of(self, actor: Actor | None) -> Session:
        """A session of that actor; None: nobody has said who acts."""
        session = self.factory()
        if actor is not None:
            act_as(session, actor)
        self.opened.append(session)
        return session

    def add(self, *rows: Any) -> list[int]:
        """Put rows in as the system and say their ids."""
        with self.factory() as session:
            act_as(session, SYSTEM)
            session.add_all(rows)
            session.commit()
            return [row.id for row in rows]

    def lookup(self, actor: Actor = SYSTEM) -> DatabaseLookup:
        return DatabaseLookup(self.of(actor), TODAY)

    def close(self) -> None:
        for session in self.opened:
            session.close()


@pytest.fixture(scope="session")
def bench(databases: Databases) -> Iterator[sa.Engine]:
    """An empty database with the ledger's tables: SQLite, or PostgreSQL when DATABASE_URL says so."""
    url = databases._address("bench")
    if url not in _BENCHES:  # each test module that imports the fixture has it once more
        databases.create("bench")
        envelope.use(envelope.from_settings(config.read()))
        _BENCHES[url] = sa.create_engine(url, **engine_options(url))
        for table in [data_keys.TABLE, *REFERENCES, *TABLES]:
            table.create(_BENCHES[url])  # type: ignore[attr-defined]
    yield _BENCHES[url]
    _BENCHES[url].dispose()


@pytest.fixture
def desk(bench: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """Two offices, two townships, two code lists; the ledger is empty."""
    monkeypatch.setattr(registry, "_entries", dict(ENTRIES))
    monkeypatch.setattr("app.code_lists._lists", {each.key: each for each in (KIND, TOPICS)})
    with bench.begin() as connection:
        for table in reversed([*REFERENCES, *TABLES]):
            connection.execute(sa.delete(table))  # type: ignore[arg-type]
        reconcile(connection)
    made = Desk(bench)
    made.add(OrgUnit(id=OWN, name="基础股"), OrgUnit(id=OTHER, name="危化股"))
    made.add(
        Region(id=1, code="130828", name="围场县", full_name="河北省承德市围场县", aliases="围场、围场自治县"),
        Region(id=2, code="130828100", name="围场镇", full_name="河北省承德市围场县围场镇", aliases="围场"),
        Region(id=3, code="130828101", name="四合永镇", full_name="河北省承德市围场县四合永镇", aliases="四合永"),
    )
    made.add(
        *(
            CodeEntry(code_list=each.key, code=word.code, label=word.label, aliases="、".join(word.aliases), sort=place, word_state="accepted")
            for each in (KIND, TOPICS)
            for place, word in enumerate(each.words)
        )
    )
    yield made
    made.close()


@pytest.fixture
def rows(desk: Desk) -> dict[str, int]:
    """One record of each standing, by name, each with a remark and an oversight."""
    published = PublishState.PUBLISHED.value
    records = {
        "own": Ledger(title="own", org_unit_id=OWN, region_id=2),
        "own published": Ledger(title="own published", org_unit_id=OWN, publish_state=published, region_id=2),
        "foreign": Ledger(title="foreign", org_unit_id=OTHER, region_id=3),
        "foreign published": Ledger(title="foreign published", org_unit_id=OTHER, publish_state=published, region_id=3),
        "foreign voided": Ledger(title="foreign voided", org_unit_id=OTHER, publish_state=published, voided_at=now()),
        "nobody's": Ledger(title="nobody's"),
    }
    ids = dict(zip(records, desk.add(*records.values()), strict=True))
    desk.add(*(Remark(parent_id=each, topic=name) for name, each in ids.items()))
    desk.add(*(Oversight(parent_id=each, finding=name) for name, each in ids.items()))
    return ids
