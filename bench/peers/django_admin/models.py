"""Forty models of the sixteen columns."""

from django.db import models

MENU = 40
TABLES = ["bench_small", "bench_middle", "bench_large", *(f"bench_{number}" for number in range(MENU - 3))]
KINDS = [("evaluation", "安全评价"), ("testing", "检测检验"), ("training", "安全培训")]
LEVELS = [("first", "一级"), ("second", "二级")]


def ledger(number: int, key: str) -> type[models.Model]:
    """A model under its own name."""
    meta = type("Meta", (), {"db_table": key, "verbose_name": f"试验台账{number}", "verbose_name_plural": f"试验台账{number}"})
    columns = {
        "name": models.CharField("机构名称", max_length=200),
        "code": models.CharField("编号", max_length=64),
        "kind": models.CharField("机构类别", max_length=100, choices=KINDS),
        "level": models.CharField("等级", max_length=100, choices=LEVELS),
        "legal_rep": models.CharField("法定代表人", max_length=60),
        "contact": models.CharField("联系人", max_length=60),
        "phone": models.CharField("办公电话", max_length=200),
        "address": models.CharField("地址", max_length=500),
        "scope": models.CharField("业务范围", max_length=500),
        "staff": models.IntegerField("人数"),
        "area": models.DecimalField("面积", max_digits=14, decimal_places=2),
        "founded": models.DateField("成立日期"),
        "checked": models.DateField("核验日期"),
        "valid_to": models.DateField("有效期至"),
        "active": models.BooleanField("在用"),
        "note": models.TextField("说明"),
    }
    return type(key, (models.Model,), {"__module__": __name__, "Meta": meta, **columns})


LEDGERS = [ledger(number, key) for number, key in enumerate(TABLES)]
