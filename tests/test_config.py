"""Settings: read loudly, documented, secrets from files."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

import config


@pytest.mark.parametrize(("name", "value"), [("DATABASE_URL", "mysql://x"), ("APP_LANGUAGE", "fr"), ("HTTPS_ONLY", "maybe"), ("UPLOAD_MEGABYTES", "many")])
def test_a_senseless_value_stops_the_start_and_names_the_variable(name: str, value: str) -> None:
    with pytest.raises(config.SettingError, match=name):
        config.read({name: value})


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from-a-file\n", encoding="ascii")
    assert config.read({"SECRET_KEY_FILE": str(tmp_path / "key")})["SECRET_KEY"] == "from-a-file"


@pytest.mark.parametrize("setting", config.SETTINGS, ids=lambda setting: setting.name)
def test_every_setting_has_its_paragraph(setting: config.Setting) -> None:
    text = (config.ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert f"## {setting.name}\n" in text


def test_a_key_that_was_put_in_by_hand_may_end_in_a_newline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "INSTANCE", tmp_path)
    made = config.read({})["MASTER_KEY"]
    assert config.read({})["MASTER_KEY"] == made
    (tmp_path / "master_key").write_text(base64.b64encode(b"k" * 32).decode() + "\n")
    assert config.read({})["MASTER_KEY"] == base64.b64encode(b"k" * 32).decode()
