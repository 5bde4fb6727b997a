"""The formats: how each kind of value is read, shown, masked and written."""

from app.formats.base import Doubt, Format, FormatError, Lookup, Match, Reading, is_blank, line, symbols
from app.formats.choices import Choice, Choices, State, StateOf, YesNo
from app.formats.dates import LONG_TERM, Day, Moment, Until
from app.formats.identity import BankCard, CreditCode, ResidentId, birth_date, credit_code_check, resident_id_check
from app.formats.links import File, Link
from app.formats.numbers import Count, Number
from app.formats.phone import Mobile, Phone
from app.formats.text import CertificateNumber, Code, DocumentNumber, Email, LongText, PersonName, Text, Url, Words

__all__ = [
    "LONG_TERM", "BankCard", "CertificateNumber", "Choice", "Choices", "Code", "Count", "CreditCode", "Day",
    "DocumentNumber", "Doubt", "Email", "File", "Format", "FormatError", "Link", "LongText", "Lookup", "Match",
    "Mobile", "Moment", "Number", "PersonName", "Phone", "Reading", "ResidentId", "State", "StateOf", "Text",
    "Until", "Url", "Words", "YesNo", "birth_date", "credit_code_check", "is_blank", "line",
    "resident_id_check", "symbols",
]  # fmt: skip
