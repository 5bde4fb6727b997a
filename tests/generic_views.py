"""Flask-AppBuilder's generic views over tables of our own making: every kind of column, list, form and chart that it knows.

The product's registers do not use them; whoever adds a page with them gets the product's look.
"""
# ruff: noqa: RUF012 - Flask-AppBuilder reads lists and dictionaries off the class

from __future__ import annotations

from datetime import date, datetime
from enum import Enum
from typing import Any

import sqlalchemy as sa
from flask import Flask, Response, json, redirect
from flask_appbuilder import ModelView, widgets
from flask_appbuilder.actions import action
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.charts.views import ChartView, DirectByChartView, GroupByChartView, TimeChartView
from flask_appbuilder.fields import AJAXSelectField
from flask_appbuilder.fieldwidgets import Select2AJAXWidget, Select2SlaveAJAXWidget
from flask_appbuilder.forms import DynamicForm
from flask_appbuilder.models.group import aggregate_count, aggregate_sum
from flask_appbuilder.models.mixins import FileColumn
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_appbuilder.views import CompactCRUDMixin, MasterDetailView, MultipleView, SimpleFormView
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from wtforms import SelectField, StringField
from wtforms.validators import DataRequired


class Base(DeclarativeBase):
    """Tables apart from the product's: its migrations must not see them."""


class Kind(Enum):
    SHOP = "商店"
    WORKSHOP = "车间"


class Place(Base):
    __tablename__ = "test_place"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(50), unique=True)
    visits: Mapped[list[Visit]] = relationship(back_populates="place")

    def __str__(self) -> str:
        return self.name


tagged = sa.Table("test_tagged", Base.metadata, sa.Column("visit_id", sa.ForeignKey("test_visit.id")), sa.Column("tag_id", sa.ForeignKey("test_tag.id")))


class Tag(Base):
    __tablename__ = "test_tag"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(20))

    def __str__(self) -> str:
        return self.name


class Visit(Base):
    __tablename__ = "test_visit"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(sa.String(100))
    note: Mapped[str | None] = mapped_column(sa.Text)
    day: Mapped[date | None] = mapped_column(sa.Date)
    at: Mapped[datetime | None] = mapped_column(sa.DateTime)
    done: Mapped[bool] = mapped_column(sa.Boolean, default=False)
    kind: Mapped[Kind] = mapped_column(sa.Enum(Kind))
    hours: Mapped[int | None] = mapped_column(sa.Integer, default=0)
    file: Mapped[str | None] = mapped_column(FileColumn)
    place_id: Mapped[int] = mapped_column(sa.ForeignKey("test_place.id"))
    place: Mapped[Place] = relationship(back_populates="visits")
    tags: Mapped[list[Tag]] = relationship(secondary=tagged)

    def __str__(self) -> str:
        return self.title

    def month(self) -> str:
        return f"{self.day:%Y-%m}" if self.day else "无日期"

    def place_name(self) -> str:
        return self.place.name


LABELS = {
    "title": "事项", "note": "说明", "day": "日期", "at": "时间", "done": "已完成", "kind": "类别", "hours": "小时数", "file": "附件", "place": "地点",
    "tags": "标签", "name": "名称", "visits": "走访",
}  # fmt: skip
TITLES = {"list_title": "走访", "add_title": "新增走访", "edit_title": "修改走访", "show_title": "走访"}


class VisitPages:
    """What the views of visits share; FAB takes a subclass of a related view for one more related view."""

    datamodel = SQLAInterface(Visit)
    list_title, add_title, edit_title, show_title = TITLES.values()
    label_columns = dict(LABELS)
    list_columns = ["title", "place", "day", "at", "done", "kind", "hours", "tags"]
    add_columns = edit_columns = ["title", "place", "kind", "day", "at", "hours", "done", "tags", "file", "note"]
    show_columns = ["title", "place", "day", "at", "done", "kind", "hours", "tags", "note"]
    search_columns = ["title", "place", "day", "at", "done", "kind", "hours", "tags"]
    page_size = 10

    @action("finish", "标为完成", "确定把勾选的走访标为完成吗？", "fa-check")
    def finish(self, items: Any) -> Any:
        for item in items if isinstance(items, list) else [items]:
            item.done = True
            self.datamodel.edit(item)
        return redirect(self.get_redirect())

    @action("quiet", "不问就做", "", "fa-check", single=False)
    def quiet(self, items: Any) -> Any:
        return redirect(self.get_redirect())

    def pre_add(self, item: Visit) -> None:
        if item.title == "不行":
            raise ValueError("这个事项不能登记")


class VisitView(VisitPages, ModelView):
    route_base = "/visits"


class PlacePages:
    datamodel = SQLAInterface(Place)
    list_title, add_title, edit_title, show_title = "地点", "新增地点", "修改地点", "地点"
    label_columns = dict(LABELS)
    list_columns = add_columns = edit_columns = show_columns = search_columns = ["name"]
    related_views = [VisitView]


class PlaceView(PlacePages, ModelView):
    route_base = "/places"


class CascadeView(PlacePages, ModelView):
    route_base = "/cascades"
    show_template = "appbuilder/general/model/show_cascade.html"
    edit_template = "appbuilder/general/model/edit_cascade.html"


class MasterView(MasterDetailView):
    datamodel = SQLAInterface(Place)
    route_base = "/masters"
    list_title = "按地点看走访"
    label_columns = dict(LABELS)
    list_columns = ["name"]
    related_views = [VisitView]


class BothView(MultipleView):
    route_base = "/both"
    views = [PlaceView, VisitView]


class CompactView(CompactCRUDMixin, ModelView):
    datamodel = SQLAInterface(Tag)
    route_base = "/tags"
    list_title, add_title, edit_title, show_title = "标签", "新增标签", "修改标签", "标签"
    label_columns = dict(LABELS)
    list_columns = add_columns = edit_columns = show_columns = search_columns = ["name"]


def _kind_of_list(name: str, widget: type, **more: Any) -> type:
    return type(name, (VisitPages, ModelView), {"route_base": f"/{name.lower()}", "list_widget": widget, "list_columns": ["title", "place", "done"], **more})


LISTS = [
    _kind_of_list("AsLinks", widgets.ListLinkWidget),
    _kind_of_list("AsTiles", widgets.ListBlock),
    _kind_of_list("AsLines", widgets.ListItem),
    _kind_of_list("AsThumbs", widgets.ListThumbnail),
    _kind_of_list("AsPictures", widgets.ListCarousel, list_columns=["picture", "title"]),
    _kind_of_list(
        "AsBlocks", widgets.ListWidget, show_widget=widgets.ShowBlockWidget, add_widget=widgets.FormHorizontalWidget, edit_widget=widgets.FormInlineWidget
    ),
    _kind_of_list("Upright", widgets.ListWidget, show_widget=widgets.ShowVerticalWidget, add_widget=widgets.FormVerticalWidget),
]
Visit.picture = property(lambda self: "/static/icon.svg")  # type: ignore[attr-defined]


class RemoteView(ModelView):
    """A select that asks the server, and one that waits for it."""

    datamodel = SQLAInterface(Visit)
    route_base = "/remotes"
    list_title, add_title, edit_title, show_title = TITLES.values()
    label_columns = dict(LABELS)
    list_columns = ["title"]
    search_columns = ["title"]
    add_columns = edit_columns = ["title", "kind", "place", "other"]
    _remote = {
        "place": AJAXSelectField(
            "地点", datamodel=SQLAInterface(Visit), col_name="place", widget=Select2AJAXWidget(endpoint="/options/places"), validators=[DataRequired()]
        ),
        "other": StringField("同一地点的走访", widget=Select2SlaveAJAXWidget(master_id="place", endpoint="/options/visits/{{ID}}")),
    }
    add_form_extra_fields = edit_form_extra_fields = _remote


class OptionsView(BaseView):
    route_base = "/options"

    @expose("/places")
    def places(self) -> Response:
        found = self.appbuilder.session.scalars(sa.select(Place).order_by(Place.id))
        return Response(json.dumps([{"id": each.id, "text": each.name} for each in found]), mimetype="application/json")

    @expose("/visits/<int:pk>")
    def visits(self, pk: int) -> Response:
        found = self.appbuilder.session.scalars(sa.select(Visit).where(Visit.place_id == pk))
        return Response(json.dumps([{"id": each.id, "text": each.title} for each in found]), mimetype="application/json")


class GroupedView(GroupByChartView):
    datamodel = SQLAInterface(Visit)
    route_base = "/grouped"
    chart_title = "走访按地点"
    label_columns = dict(LABELS)
    search_columns = ["title", "done"]
    definitions = [
        {"label": "地点", "group": "place_name", "series": [(aggregate_count, "title"), (aggregate_sum, "hours")]},
        {"label": "月份", "group": "month", "series": [(aggregate_count, "title")]},
    ]


class DirectView(DirectByChartView):
    datamodel = SQLAInterface(Visit)
    route_base = "/direct"
    chart_title = "小时数"
    label_columns = dict(LABELS)
    search_columns = ["title"]
    definitions = [{"label": "事项", "group": "title", "series": ["hours"]}]


class OldChart(ChartView):
    datamodel = SQLAInterface(Visit)
    route_base = "/oldchart"
    chart_title = "类别"
    label_columns = dict(LABELS)
    search_columns = ["title"]
    group_by_columns = ["title"]


class OldTimes(TimeChartView):
    datamodel = SQLAInterface(Visit)
    route_base = "/oldtimes"
    chart_title = "日期"
    label_columns = dict(LABELS)
    search_columns = ["title"]
    group_by_columns = ["day"]


class AskForm(DynamicForm):
    name = StringField("姓名", validators=[DataRequired()], description="怎么称呼您")
    way = SelectField("方式", choices=[("a", "电话"), ("b", "上门")])


class AskView(SimpleFormView):
    route_base = "/ask"
    form = AskForm
    form_title = "登记来访"

    def form_post(self, form: Any) -> None:
        """Nothing to keep."""


VIEWS = [
    VisitView,
    PlaceView,
    CascadeView,
    MasterView,
    BothView,
    CompactView,
    RemoteView,
    OptionsView,
    GroupedView,
    DirectView,
    OldChart,
    OldTimes,
    AskView,
    *LISTS,
]


def add_to(app: Flask) -> None:
    """Add the views; their permissions go to the security administrator."""
    from app import install
    from app.database import db

    for view in VIEWS:
        app.appbuilder.add_view_no_menu(view)  # type: ignore[attr-defined]
    Base.metadata.create_all(db.engine)
    before = install.ACCOUNT_VIEWS
    install.ACCOUNT_VIEWS = before | {view.__name__ for view in VIEWS}
    try:
        install.sync_permissions()
    finally:
        install.ACCOUNT_VIEWS = before


def fill(count: int = 24) -> None:
    """Places, tags and visits."""
    from app.database import db

    session = db.session()
    places = [Place(name=name) for name in ("围场镇", "四合永镇", "棋盘山镇")]
    tags = [Tag(name=name) for name in ("急", "缓")]
    session.add_all([*places, *tags])
    for number in range(1, count + 1):
        session.add(
            Visit(
                title=f"走访{number:02d}", place=places[number % 2], kind=list(Kind)[number % 2], day=date(2026, 1 + number % 6, 5), hours=number,
                at=datetime(2026, 3, 15, 9, 30, 12, 345678), done=number % 3 == 0, tags=tags if number % 4 == 0 else [],
            )
        )  # fmt: skip
    session.commit()
