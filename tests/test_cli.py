"""The commands as other systems call them: one JSON object, exit codes, sentences in Chinese."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import openpyxl
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


# decisions ----------------------------------------------------------------------------------------


def decided(tmp_path: Path, rows: list[list[str]], **decisions: object) -> tuple[Path, Path]:
    """A file, and what somebody says of it."""
    file, said = tmp_path / "表.csv", tmp_path / "设置.json"
    with file.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows(rows)
    said.write_text(json.dumps(decisions), encoding="utf-8")
    return file, said


CODES = ["91130828MA0000001Q", "91130828MA0000002U"]


def test_decisions_answer_for_scripts(app: Flask, tmp_path: Path) -> None:
    """Header row, columns, words, cells typed anew, rows left out: all that a person may decide on the pages."""
    rows = [["甲栏", "乙栏"], ["单位全称", "证照号", "大类"], ["甲公司", CODES[0], "安全陪训"], ["乙公司", "坏", "安全陪训"], ["丙公司", "坏", ""]]
    columns = {"单位全称": "name", "证照号": "uscc", "大类": "kind"}
    said: dict[str, object] = {"header_row": 2, "columns": columns, "words": {"kind": {"安全陪训": "安全培训"}}}
    file, decisions = decided(tmp_path, rows, **said, cells={"4": {"证照号": CODES[1]}}, skips=[5])
    status, planned = report(app, "import", "plan", "agency", file, "--decisions", decisions)
    assert (status, planned["wrong"], planned["counts"]["new"], planned["counts"]["rows"]) == (0, [], 2, 2)
    assert {"row": 5, "reason": "skipped"} in planned["left_out"]
    assert report(app, "import", "run", "agency", file, "--decisions", decisions)[1]["counts"]["written"] == 2
    assert "按设置跳过" in call(app, "import", "plan", "agency", file, "--decisions", decisions).stdout


@pytest.mark.parametrize(
    ("decisions", "said"),
    [
        ({"cells": {"1": {"机构名称": "x"}}}, "第 1 行不是数据行"),
        ({"skips": [77]}, "第 77 行不是数据行"),
        ({"cells": {"2": {"没有这列": "x"}}}, "表里没有“没有这列”这一列"),
        ({"cells": {"2": {"机构名称": 5}}}, "设置读不懂"),
        ({"cells": {"二": {"机构名称": "x"}}}, "设置读不懂"),
        ({"cells": {"2": {"机构名称": "x" * 40_000}}}, "最多 32767 个字"),
        ({"skips": list(range(2, 600))}, "最多跳过 500 行"),
        ({"skips": ["x"]}, "设置读不懂"),
        ({"nonsense": 1}, "设置读不懂"),
    ],
)
def test_decisions_that_cannot_hold_are_refused(app: Flask, tmp_path: Path, decisions: dict[str, object], said: str) -> None:
    file, settings = decided(tmp_path, [["机构名称", "统一社会信用代码"], ["甲公司", CODES[0]]], **decisions)
    status, refused = report(app, "import", "run", "agency", file, "--decisions", settings)
    assert (status, refused["status"]) == (2, "refused")
    assert said in refused["message"]


def test_decisions_that_are_no_json(app: Flask, tmp_path: Path) -> None:
    file, settings = decided(tmp_path, [["机构名称", "统一社会信用代码"], ["甲公司", CODES[0]]])
    settings.write_text("{", encoding="utf-8")
    assert "不是 JSON 文件" in report(app, "import", "plan", "agency", file, "--decisions", settings)[1]["message"]
    assert report(app, "import", "plan", "agency", file, "--decisions", tmp_path / "没有.json")[0] == 2


def test_the_rest_of_a_record_that_is_left_out_never_goes_to_the_record_above(app: Flask, tmp_path: Path) -> None:
    head = ["机构名称", "统一社会信用代码", "资质证书类型", "证书编号"]
    rows = [head, ["甲公司", CODES[0], "安全评价", "APJ-(冀)-001"], ["乙公司", CODES[1], "安全评价", "APJ-(冀)-002"], ["", "", "安全评价", "APJ-(冀)-003"]]
    file, settings = decided(tmp_path, rows, skips=[3])
    _status, planned = report(app, "import", "plan", "agency", file, "--decisions", settings)
    assert {each["row"] for each in planned["wrong"]} == {4}
    assert planned["counts"]["children"]["qualifications"]["new"] == 1


def test_a_merged_cell_is_mended_in_all_its_rows(app: Flask, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (["机构名称", "统一社会信用代码", "资质证书类型", "证书编号"], ["甲公司", "坏", "安全评价", "A-001"], [None, None, "安全评价", "A-002"]):
        sheet.append(row)
    sheet.merge_cells("A2:A3")
    sheet.merge_cells("B2:B3")
    file, settings = tmp_path / "表.xlsx", decided(tmp_path, [], cells={"2": {"统一社会信用代码": CODES[0]}})[1]
    book.save(file)
    status, planned = report(app, "import", "plan", "agency", file, "--decisions", settings)
    assert (status, planned["counts"]["new"], planned["counts"]["children"]["qualifications"]["new"]) == (0, 1, 2), planned["wrong"]
    settings = decided(tmp_path, [], cells={"2": {"统一社会信用代码": CODES[0]}, "3": {"统一社会信用代码": CODES[1], "机构名称": "乙公司"}})[1]
    planned = report(app, "import", "plan", "agency", file, "--decisions", settings)[1]
    assert planned["counts"]["new"] == 2, "a cell inside the range is its own"
