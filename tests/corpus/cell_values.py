"""What stands in single cells."""
from tests.corpus.case import Case
CASES: list[Case] = []
