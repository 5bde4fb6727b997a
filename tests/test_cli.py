"""The commands as other systems call them: one JSON object, exit codes, sentences in Chinese."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

from tests.people import CLERK, OTHER_CLERK, SUPERVISOR

SAMPLES = Path(__file__).parent / "workbooks"
REPORT = {"register", "file", "status", "batch", "message", "sheet", "header_row", "columns", "left_out", "counts", "wrong", "doubtful", "seconds"}


def call(app: Flask, *words: object) -> Result:
    return app.test_cli_runner().invoke(args=[str(word) for word in words])


def report(app: Flask, *words: object) -> tuple[int, dict[str, Any]]:
    result = call(app, *words, "--json")
    assert result.stdout, (result.output, result.exception)
    return result.exit_code, json.loads(result.stdout)


def test_registers(app: Flask) -> None:
    found = json.loads(call(app, "registers", "--json").stdout)
    assert {"agency", "expert", "policy", "review", "enterprise", "org_unit", "region"} <= {each["key"] for each in found}
    assert set(found[0]) == {"key", "title", "fields"}
    assert "中介机构" in call(app, "registers").stdout


def test_one_register(app: Flask) -> None:
    shown = json.loads(call(app, "registers", "show", "agency", "--json").stdout)
    fields = {each["key"]: each for each in shown["fields"]}
    assert set(fields["uscc"]) == {"key", "label", "format", "required", "unique", "sensitive", "aliases", "places"}
    assert fields["uscc"]["unique"]
    assert "valid_to" in [each["key"] for each in fields["qualifications"]["fields"]]
    assert "统一社会信用代码" in call(app, "registers", "show", "agency").stdout
    assert call(app, "registers", "show", "nothing").exit_code == 2


def test_plan_then_run_then_again(app: Flask) -> None:
    file = SAMPLES / "中介机构名录.xlsx"
    status, planned = report(app, "import", "plan", "agency", file)
    assert (status, planned["status"], planned["counts"]["new"], planned["counts"]["written"]) == (0, "planned", 14, 0)
    assert set(planned) == REPORT
    status, done = report(app, "import", "run", "agency", file)
    assert (status, done["status"], done["counts"]["written"], bool(done["batch"])) == (0, "done", 26, True)
    status, again = report(app, "import", "run", "agency", file)
    assert (status, again["counts"]["same"], again["counts"]["written"]) == (0, 14, 0)


def test_wrong_rows_end_with_one(app: Flask) -> None:
    file = SAMPLES / "中介机构名录_有错.xlsx"
    status, stopped = report(app, "import", "run", "agency", file)
    assert (status, stopped["status"], [each["row"] for each in stopped["wrong"]]) == (1, "stopped", [3, 4, 5, 6, 7, 8, 9])
    status, partly = report(app, "import", "run", "agency", file, "--bad-rows", "skip")
    assert (status, partly["status"], partly["counts"]["written"]) == (1, "partly", 2)
    spoken = call(app, "import", "plan", "agency", file)
    assert spoken.exit_code == 1
    assert "第 6 行" in spoken.stdout


def test_what_cannot_be_read_ends_with_two(app: Flask, tmp_path: Path) -> None:
    for content in (b"", b"PK\x03\x04broken", "甲,乙\n1,2\n".encode()):
        (tmp_path / "x.xlsx").write_bytes(content)
        status, refused = report(app, "import", "run", "agency", tmp_path / "x.xlsx")
        assert (status, refused["status"], refused["batch"]) == (2, "refused", None)
        assert refused["message"]
        assert set(refused) == REPORT
    assert report(app, "import", "plan", "agency", tmp_path / "missing.xlsx")[0] == 2
    assert report(app, "import", "plan", "nothing", SAMPLES / "专家库名单.csv")[0] == 2


def test_who_may_not_ends_with_three(app: Flask, tmp_path: Path) -> None:
    file = SAMPLES / "中介机构名录.xlsx"
    status, refused = report(app, "import", "run", "agency", file, "--as", SUPERVISOR.username)
    assert (status, refused["status"]) == (3, "refused")
    assert report(app, "import", "run", "agency", file, "--as", "nobody")[0] == 3
    assert report(app, "import", "run", "agency", file, "--as", CLERK.username)[0] == 0
    status, foreign = report(app, "import", "run", "agency", file, "--as", OTHER_CLERK.username)
    assert status == 1
    assert {each["code"] for each in foreign["wrong"]} <= {"not_permitted", "record_wrong"}


def test_export_and_template(app: Flask, tmp_path: Path) -> None:
    report(app, "import", "run", "policy", SAMPLES / "涉企政策台账.xlsx")
    for name in ("out.xlsx", "out.csv", "filled.xlsx"):
        command = ["template", "policy", tmp_path / name, "--filled"] if name == "filled.xlsx" else ["export", "policy", tmp_path / name]
        assert call(app, *command).exit_code == 0
        status, back = report(app, "import", "run", "policy", tmp_path / name)
        assert (status, back["counts"]["same"], back["counts"]["written"]) == (0, 10, 0)
    assert call(app, "export", "policy", tmp_path / "out.json", "--where", "doc_no=国务院令第722号").exit_code == 0
    assert [each["title"] for each in json.loads((tmp_path / "out.json").read_text())] == ["优化营商环境条例"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["filled.xlsx", "out.csv", "out.json", "out.xlsx"]


@pytest.mark.parametrize("words", [["export", "policy", "out.pdf"], ["export", "policy", "no/such/folder.csv"], ["template", "policy", "x.csv"]])
def test_files_that_cannot_be_written(app: Flask, tmp_path: Path, words: list[str]) -> None:
    result = call(app, *words[:2], tmp_path / words[2])
    assert result.exit_code == 2
    assert not list(tmp_path.iterdir())
