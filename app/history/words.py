"""What people call what stands in the trace: kinds of entries, roads, tables, details, and who it was."""

from __future__ import annotations

from app import registry
from app.history.relations import relations
from app.language import Text, _, _l

ACTS: dict[str, Text] = {
    "base": _l("开始记录历史"),
    "insert": _l("新增"),
    "update": _l("修改"),
    "void": _l("作废"),
    "delete": _l("删除"),
}
ROADS: dict[str, Text] = {
    "page": _l("页面"),
    "rest": _l("接口"),
    "command": _l("命令"),
    "import": _l("导入"),
    "undo": _l("撤销导入"),
    "bulk": _l("批量修改"),
    "restore": _l("恢复"),
    "install": _l("安装"),
    "job": _l("后台任务"),
}
#: what tables outside the registers hold
FRAME: dict[str, Text] = {
    "ab_user": _l("账号"),
    "ab_user_role": _l("账号的角色"),
    "ab_user_group": _l("账号所在的用户组"),
    "ab_group_role": _l("用户组的角色"),
    "ab_permission_view_role": _l("角色的权限"),
    "disclosure": _l("脱敏授权"),
}
#: what happens beside changes of rows
EVENTS: dict[str, Text] = {
    "export": _l("导出"),
    "destroyed": _l("保存期满，销毁"),
    "reveal": _l("查看完整信息"),
    "verified": _l("核验历史"),
    "truncate": _l("清空整表"),
    "sign_in": _l("登录"),
    "sign_in_failed": _l("登录失败"),
    "sign_out": _l("退出登录"),
    "session_ended": _l("登录被结束"),
    "locked": _l("锁定"),
    "unlocked": _l("解锁"),
    "refused": _l("无权操作，被拒绝"),
    "account_added": _l("新增账号"),
    "account_switched": _l("启用或停用账号"),
    "password_changed": _l("改密码"),
    "roles_changed": _l("改角色"),
    "two_step_on": _l("打开两步验证"),
    "two_step_off": _l("关闭两步验证"),
}
#: what an event says of itself
DETAILS: dict[str, Text] = {
    "subject": _l("对象"),
    "register": _l("登记"),
    "row": _l("记录编号"),
    "count": _l("数量"),
    "bytes": _l("字节"),
    "path": _l("地址"),
    "filters": _l("筛选"),
    "before": _l("原来"),
    "after": _l("改为"),
    "why": _l("原因"),
    "roles": _l("角色"),
    "purpose": _l("用途"),
    "note": _l("说明"),
    "fields": _l("查看的栏目"),
    "number": _l("导出编号"),
    "grant": _l("授权编号"),
    "clear": _l("完整信息"),
    "sound": _l("没有发现改动"),
    "entries": _l("历史条数"),
    "sealed": _l("已封存条数"),
    "findings": _l("发现的问题"),
}


def titles() -> dict[str, Text]:
    """What people call each traced table."""
    found: dict[str, Text] = {cls.__tablename__: cls.__title__ for cls in registry.tables()}
    return {relation.name: found.get(relation.name) or FRAME.get(relation.name, relation.name) for relation in relations()}


def kind_label(kind: str) -> str:
    """What people call a kind of entry."""
    return str(ACTS.get(kind) or EVENTS.get(kind) or kind)


def road_label(road: str) -> str:
    """What people call a road."""
    return str(ROADS.get(road, road))


def actor_in_words(names: dict[str, str], actor: str) -> str:
    """What people call an actor of the trace: SQLite does not know by which role another program came."""
    if actor.startswith("database:"):
        role = actor.removeprefix("database:")
        return str(_("其他程序") if role == "unknown" else _("其他程序（数据库账号 %(role)s）", role=role))
    return names.get(actor, "") or {"system": str(_("系统")), "visitor": str(_("访客"))}.get(actor, actor)
