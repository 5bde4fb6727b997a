"""Which registers there are. `models` announces them; the engine only looks them up."""

from __future__ import annotations

from dataclasses import dataclass

from app.language import Text
from app.register import Child, Register, children
from app.roles import Rights


@dataclass(frozen=True)
class Entry:
    """A register's place in the product: its class, who may do what, the menu group, an icon."""

    register: type[Register]
    rights: Rights
    area: Text
    icon: str = "ti-table"


_entries: dict[str, Entry] = {}


def announce(*entries: Entry) -> None:
    """Make registers known; a key belongs to one class."""
    for entry in entries:
        key = entry.register.__key__
        if key in _entries and _entries[key].register is not entry.register:
            raise ValueError(f"two registers are called {key}")
        _entries[key] = entry


def entries() -> list[Entry]:
    """All registers, in the order announced."""
    return list(_entries.values())


def entry_of(cls: type[Register | Child]) -> Entry:
    """The entry of a register, or of the register that a child belongs to."""
    return _entries[owner(cls).__key__]


def owner(cls: type[Register | Child]) -> type[Register]:
    """The register itself, or the one that a child belongs to."""
    return cls.__parent__ if issubclass(cls, Child) else cls


def find(key: str) -> type[Register] | None:
    """The register of that key."""
    entry = _entries.get(key)
    return entry.register if entry else None


def need(key: str) -> type[Register]:
    """The register of that key; LookupError when nobody has announced it."""
    found = find(key)
    if found is None:
        raise LookupError(f"no register is called {key}")
    return found


def tables() -> list[type[Register | Child]]:
    """Every register and child."""
    found: list[type[Register | Child]] = []
    for entry in entries():
        found += [entry.register, *children(entry.register)]
    return found
