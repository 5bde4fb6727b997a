"""Planned records as the person may read them: old and new, masked."""

from __future__ import annotations

from typing import Any

from app import masking
from app.fields import Field
from app.lookup import DatabaseLookup
from app.register import field_map
from app.scopes import Scope
from imports.outcome import Outcome, Planned, PlannedRecord


class Display:
    """Planned records as the actor may read them."""

    def __init__(self, scope: Scope, lookup: DatabaseLookup) -> None:
        self.scope = scope
        self.lookup = lookup

    def record(self, record: PlannedRecord) -> dict[str, Any]:
        """One record with its children and problems."""
        children = [{"key": child.cls.__key__, "title": str(child.cls.__title__), **self._planned(child)} for child in record.children]
        return {**self._planned(record), "children": children, "issues": [issue.to_json() for issue in record.issues]}

    def _planned(self, planned: Planned) -> dict[str, Any]:
        known = field_map(planned.cls)
        shown = {key: self._show(known[key], value) for key, value in planned.after.items() if key in known and value not in (None, "", [])}
        changes = [
            {"field": key, "label": str(known[key].label), "old": self._show(known[key], old), "new": self._show(known[key], new)}
            for key, (old, new) in planned.changes.items()
            if planned.outcome is Outcome.CHANGED and key in known
        ]
        return {"outcome": str(planned.outcome), "rows": planned.numbers, "id": planned.id, "values": shown, "changes": changes}

    def _show(self, declared: Field, value: Any) -> str:
        return masking.shown(self.scope, declared, value, self.lookup)
