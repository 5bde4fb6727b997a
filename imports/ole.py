"""Compound files (OLE), in which old Office programs keep their documents: the streams inside."""

from __future__ import annotations

import struct

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_END = 0xFFFFFFFA  # this and above are marks, no sectors
_SMALL = 4096


class Broken(Exception):
    """The file leads nowhere, or round in a circle."""


class Compound:
    """The streams of a compound file by name; raises Broken."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        try:
            shift, mini_shift = struct.unpack_from("<HH", data, 30)
            tables, self.start = struct.unpack_from("<II", data, 44)
            small, more = struct.unpack_from("<I4xI", data, 60)
            self.size, self.mini = 1 << max(7, min(shift, 16)), 1 << max(4, min(mini_shift, 12))
            self.table = self._table(tables, more)
            self.entries = self._directory()
            self.small = self._numbers(self._chain(small)) if small < _END else ()
        except (struct.error, IndexError, ValueError) as error:
            raise Broken from error

    def _sector(self, number: int) -> bytes:
        found = self.data[(number + 1) * self.size : (number + 2) * self.size]
        if not found:
            raise Broken
        return found

    def _numbers(self, sector: bytes) -> tuple[int, ...]:
        return struct.unpack(f"<{len(sector) // 4}I", sector[: len(sector) // 4 * 4])

    def _table(self, count: int, more: int) -> list[int]:
        """Which sector follows each."""
        places = [place for place in struct.unpack_from("<109I", self.data, 76) if place < _END]
        seen = 0
        while more < _END and seen <= len(self.data) // self.size:
            *listed, more = self._numbers(self._sector(more))
            places += [place for place in listed if place < _END]
            seen += 1
        if count * self.size > len(self.data) + self.size:
            raise Broken
        return [number for place in places[:count] for number in self._numbers(self._sector(place))]

    def _chain(self, number: int) -> bytes:
        pieces: list[bytes] = []
        while number < _END:
            if len(pieces) > len(self.data) // self.size:
                raise Broken
            pieces.append(self._sector(number))
            number = self.table[number]
        return b"".join(pieces)

    def _directory(self) -> dict[str, tuple[int, int]]:
        found: dict[str, tuple[int, int]] = {}
        directory = self._chain(self.start)
        for place in range(0, len(directory) - 127, 128):
            length, kind = struct.unpack_from("<HB", directory, place + 64)
            if kind in {1, 2, 5} and 2 <= length <= 64:
                name = directory[place : place + length - 2].decode("utf-16-le", "replace")
                start, size = struct.unpack_from("<II", directory, place + 116)
                found.setdefault(name, (start, size))
        return found

    def stream(self, name: str) -> bytes:
        """The bytes of a stream."""
        try:
            start, size = self.entries[name]
            if size >= _SMALL:
                return self._chain(start)[:size]
            home = self._chain(self.entries["Root Entry"][0])
            pieces: list[bytes] = []
            while start < _END and len(pieces) * self.mini < size:
                pieces.append(home[start * self.mini : (start + 1) * self.mini])
                start = self.small[start]
            return b"".join(pieces)[:size]
        except (KeyError, IndexError, struct.error) as error:
            raise Broken from error
