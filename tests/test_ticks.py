"""Columns to tick."""

from __future__ import annotations

import pytest

from app.formats import FormatError
from imports import ticks


@pytest.mark.parametrize("raw", ["√", "✓", "是", "1", 1, 1.0, "■", "●", "yes", "Y", True, " √ ", "☑", "有", "危险化学品"])
def test_ticked(raw: object) -> None:
    assert ticks.ticked(raw, "危险化学品") is True


@pytest.mark.parametrize("raw", ["", None, "  ", "×", "否", "0", 0, "无", "□", "/", "—", False, "\u3000"])
def test_not_ticked(raw: object) -> None:
    assert not ticks.ticked(raw, "危险化学品")


@pytest.mark.parametrize("raw", ["危险", "？", "2", 2, "部分", "金属非金属矿山"])
def test_anything_else_is_no_tick(raw: object) -> None:
    with pytest.raises(FormatError) as caught:
        ticks.ticked(raw, "危险化学品")
    assert caught.value.code == "bad_tick"
    assert "危险化学品" in str(caught.value)
