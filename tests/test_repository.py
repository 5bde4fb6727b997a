"""What lies in the repository: no secret."""

from __future__ import annotations

import re
import subprocess

import config

PATTERNS = {
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "a key of a cloud": re.compile(r"\b(?:AKIA[0-9A-Z]{16}|ghp_[0-9A-Za-z]{36}|xox[bp]-[0-9A-Za-z-]{20,})\b"),
    "a password in an address": re.compile(r"postgresql(?:\+psycopg)?://[^:/\s\"']+:(?!password@)[^@/\s\"']{3,}@"),
    "a secret in the code": re.compile(r"""(?i)(?<![A-Za-z])(?:secret|token|passwd|password|api_key)[a-z_]*\s*[:=]\s*["'][0-9A-Za-z+/_-]{20,}["']"""),
}
#: the tests' own, which open nothing
KNOWN = ("tests/",)


def test_no_secret_lies_in_the_repository() -> None:
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=config.ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    assert len(listed) > 200
    for name in listed:
        path = config.ROOT / name
        assert not re.search(r"(^|/)(\.env|secret_key|id_rsa|.*\.pem|.*\.key)$", name), name
        if not path.is_file() or name.startswith(KNOWN) or path.suffix in {".lock", ".png", ".xlsx", ".xls"} or "/vendor/" in name:
            continue
        text = path.read_text(encoding="utf-8", errors="ignore")
        for what, pattern in PATTERNS.items():
            assert not (found := pattern.search(text)), f"{name} holds {what}: {found}"


def test_the_patterns_find_what_they_are_for() -> None:
    for text in ("-----BEGIN RSA PRIVATE KEY-----", "AKIA" + "A" * 16, "postgresql+psycopg://app:Secret-99@host/x", f'api_token = "{"a1" * 12}"'):
        assert any(pattern.search(text) for pattern in PATTERNS.values()), text
