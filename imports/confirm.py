"""New records of organisations that may be there already: not written before somebody said which is meant."""

from __future__ import annotations

from collections.abc import Mapping

from app.language import Text, _l, chinese
from app.register import Register, field_map
from imports.decisions import refused
from imports.drafts import Draft
from imports.existing import Existing, Stored
from imports.namesakes import Named, Namesakes, has_code, is_organisation
from imports.rows import Issue
from imports.table import Table


def settle(cls: type[Register], table: Table, namesakes: Namesakes, existing: Existing, matches: Mapping[Draft, list[Stored]]) -> dict[Draft, list[Stored]]:
    """The records that drafts mean, with what was decided about names; a draft to be confirmed has the error `confirm_match` at its row.

    An equal natural key always wins. Raises Refused when a decision names a record that is not there.
    """
    decided = table.answers.decisions.matches
    meant = {draft: found or _decided(draft, existing, decided) for draft, found in matches.items()} if decided else dict(matches)
    if not is_organisation(cls):
        return meant
    for draft, found in meant.items():
        name = draft.values.get(cls.__label__)
        if name and not found:
            _ask(cls, table, namesakes, draft, name)
    return meant


def _decided(draft: Draft, existing: Existing, decided: Mapping[int, int | None]) -> list[Stored]:
    chosen = next((record for row in draft.rows if (record := decided.get(row.number)) is not None), None)
    if chosen is None:
        return []
    found = existing.numbered(chosen)
    if found is None or not found.visible:
        raise refused(_l("第 %(row)s 行指定的记录不存在，或您无权使用它，请重新选择", row=draft.first.number))
    return [found]


def _ask(cls: type[Register], table: Table, namesakes: Namesakes, draft: Draft, name: str) -> None:
    """Mark a new record whose name another has; the first row of a name in the file is not marked for the file's own sake.

    Where both have a code of their own, and another one, they are two: then somebody only should look.
    """
    normal, first, coded = namesakes.normal(name), draft.first, has_code(cls) and draft.key is not None and draft.key[0] == 0
    stored, (earlier, earlier_coded) = namesakes.alike(cls.__key__, normal), namesakes.seen.setdefault(normal, (first.number, coded))
    really_new = any(table.answers.decisions.matches.get(row.number, 0) is None for row in draft.rows)
    if first.errors or really_new or (not stored and earlier == first.number):
        return
    label = field_map(cls)[cls.__label__].label
    heading = table.heading(cls.__label__) or str(label)
    two = coded and (all(each.coded for each in stored) if stored else earlier_coded)
    message = _stored(cls, namesakes, stored, two=two) if stored else _earlier(cls, earlier, two=two)
    issue = Issue(table.sheet, first.number, heading, cls.__label__, "same_name" if two else "confirm_match", message)
    (first.doubts if two else first.errors).append(issue)
    if not two:
        table.questions.ask(heading, first.number, name, namesakes.proposals(cls.__key__, name) if stored else [])


def _stored(cls: type[Register], namesakes: Namesakes, stored: list[Named], *, two: bool) -> Text:
    visible = [each.id for each in stored if each.visible][:3]
    if not visible:
        return _l("已有一条名称相同或相近的记录，但不在您的权限范围内，请联系其承办股室核对是不是同一家")
    namesakes.lookup.prepare_ids(cls.__key__, visible)
    names = "、".join(namesakes.lookup.handle(cls.__key__, each) for each in visible)
    if two:
        return _l("已有名称相同或相近、编号不同的“%(names)s”，请核对是不是同一家", names=names)
    return _l("已有名称相同或相近的“%(names)s”。是同一家的，请照登记的名称填写；不是的，请补填“%(key)s”以便分清", names=names, key=_key(cls))


def _earlier(cls: type[Register], row: int, *, two: bool) -> Text:
    if two:
        return _l("第 %(row)s 行的名称与本行相同或相近，编号却不同，请核对是不是同一家", row=row)
    return _l("第 %(row)s 行的名称与本行相同或相近。是同一家的，请写成一样的名称；不是的，请补填“%(key)s”以便分清", row=row, key=_key(cls))


def _key(cls: type[Register]) -> str:
    return "、".join(chinese(field_map(cls)[part].label) for part in cls.__keys__[0])


__all__ = ["settle"]
