"""The other registers: experts, policies, reviews."""

from __future__ import annotations

from datetime import date

from tests.corpus.binary import xls, xlsb
from tests.corpus.case import Case
from tests.corpus.ods import ods
from tests.corpus.pages import Failed, Page
from tests.corpus.text import html, separated
from tests.corpus.xlsx import xlsx

_ID = ("130828198001010010", "130828197506129962", "130828197401099971")
CASES: list[Case] = []
