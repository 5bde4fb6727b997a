"""One model of the sixteen columns; the code is the key."""

from django.db import models


class Ledger(models.Model):
    """A row of the workbook, words as they stand there."""

    name = models.CharField("机构名称", max_length=200)
    code = models.CharField("编号", max_length=64, unique=True)
    kind = models.CharField("机构类别", max_length=100)
    level = models.CharField("等级", max_length=100)
    legal_rep = models.CharField("法定代表人", max_length=60)
    contact = models.CharField("联系人", max_length=60)
    phone = models.CharField("办公电话", max_length=200)
    address = models.CharField("地址", max_length=500)
    scope = models.CharField("业务范围", max_length=500)
    staff = models.IntegerField("人数")
    area = models.DecimalField("面积", max_digits=14, decimal_places=2)
    founded = models.DateField("成立日期")
    checked = models.DateField("核验日期")
    valid_to = models.DateField("有效期至")
    active = models.BooleanField("在用")
    note = models.TextField("核验情况")

    class Meta:
        db_table = "bench_import"
        verbose_name = verbose_name_plural = "试验台账"
