"""Is every sentence of the code in the English catalogue, with the same placeholders, and nothing else?

python translations/check.py
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

HERE = Path(__file__).resolve().parent
PLACEHOLDER = re.compile(r"%\((\w+)\)s")
KEYWORDS = {"_": None, "_l": None}


def sentences() -> set[str]:
    """Every message id in the code and the templates."""
    with (HERE / "babel.cfg").open(encoding="utf-8") as lines:
        methods, options = parse_mapping_cfg(lines)
    found = extract_from_dir(str(HERE.parent), methods, options, keywords=KEYWORDS)
    return {message for _file, _line, message, *_rest in found if isinstance(message, str) and message}


def english() -> dict[str, str]:
    """The English catalogue; doubtful entries count as missing."""
    with (HERE / "en" / "LC_MESSAGES" / "messages.po").open("rb") as lines:
        return {str(message.id): str(message.string) for message in read_po(lines) if message.id and not message.fuzzy}


def findings() -> list[str]:
    """What is wrong with the catalogue, one line each."""
    wanted, have = sentences(), english()
    said = [f"missing: {message}" for message in sorted(wanted) if not have.get(message)]
    said += [f"no longer in the code: {message}" for message in sorted(have.keys() - wanted)]
    for message in sorted(wanted & have.keys()):
        if have[message] and set(PLACEHOLDER.findall(message)) != set(PLACEHOLDER.findall(have[message])):
            said.append(f"other placeholders: {message} -> {have[message]}")
        if re.search(r"[\u3400-\u9fff]", have[message]):
            said.append(f"still Chinese: {message} -> {have[message]}")
    return said


if __name__ == "__main__":
    wrong = findings()
    sys.stdout.write("\n".join([*wrong, f"{len(sentences())} sentences, {len(wrong)} findings", ""]))
    sys.exit(bool(wrong))
