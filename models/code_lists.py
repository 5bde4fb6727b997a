"""The code lists: which there are, and the words that each starts with.

A word whose source gives it a code has that code; the others are their own code. What staff add
or change afterwards stands in the register 字典 and is never touched from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from types import MappingProxyType

from app.code_lists import CodeList, Word, announce
from app.language import _l, chinese


def _words(*labels: str, **aliases: tuple[str, ...]) -> tuple[Word, ...]:
    """Words that are their own code; other spellings follow by keyword."""
    unknown = aliases.keys() - set(labels)
    if unknown:
        raise ValueError(f"aliases without their word: {unknown}")
    return tuple(Word(label, label, aliases.get(label, ())) for label in labels)


def _under(words: tuple[Word, ...], **above: tuple[str, ...]) -> tuple[Word, ...]:
    """The same words, some of which go only with words of the field that narrows them: `above` names those and what lies under them."""
    return tuple(replace(word, under=tuple(each for each, below in above.items() if word.code in below)) for word in words)


# all registers -------------------------------------------------------------------------------

LEVEL = CodeList(
    "level",
    _l("层级"),
    _words("国家", "省", "市", "县", 国家=("国家级", "部级", "中央"), 省=("省级",), 市=("市级", "地市级"), 县=("县级", "区县级")),
)

SECTOR = CodeList(
    "sector",
    _l("行业监管类别"),
    (
        Word("MINE-U", "金属非金属地下矿山", ("地下矿山", "非煤地下矿山")),
        Word("MINE-O", "金属非金属露天矿山", ("露天矿山", "非煤露天矿山")),
        Word("TAIL", "尾矿库"),
        Word("COAL", "煤矿"),
        Word("OIL", "石油天然气", ("石油天然气开采",)),
        Word("HAZ-P", "危险化学品生产", ("危化生产", "危化品生产")),
        Word("HAZ-S", "危险化学品储存", ("危化储存", "危化品储存")),
        Word("HAZ-B", "危险化学品经营", ("危化经营", "危化品经营", "加油站")),
        Word("HAZ-U", "危险化学品使用", ("危化使用", "危化品使用", "化工医药")),
        Word("FIRE-W", "烟花爆竹批发", ("烟花批发",)),
        Word("FIRE-R", "烟花爆竹零售", ("烟花零售",)),
        Word("PRE", "易制毒化学品", ("易制毒",)),
        Word("IND", "工贸", ("工商贸", "工贸行业")),
        Word("IND-1", "工贸：冶金", ("冶金",)),
        Word("IND-2", "工贸：有色", ("有色",)),
        Word("IND-3", "工贸：建材", ("建材",)),
        Word("IND-4", "工贸：机械", ("机械",)),
        Word("IND-5", "工贸：轻工", ("轻工",)),
        Word("IND-6", "工贸：纺织", ("纺织",)),
        Word("IND-7", "工贸：烟草", ("烟草",)),
        Word("IND-8", "工贸：商贸", ("商贸",)),
        Word("OTHER", "其他"),
    ),
    open=True,
    origin="工贸八个子行业见应急管理部令第11号第二条",
)

#: a section named like its only class says so, since a label must lead back to one code
_INDUSTRIES = {
    "A 农、林、牧、渔业": "01农业 02林业 03畜牧业 04渔业 05农、林、牧、渔专业及辅助性活动",
    "B 采矿业": "06煤炭开采和洗选业 07石油和天然气开采业 08黑色金属矿采选业 09有色金属矿采选业 10非金属矿采选业 11开采专业及辅助性活动 12其他采矿业",
    "C 制造业": (
        "13农副食品加工业 14食品制造业 15酒、饮料和精制茶制造业 16烟草制品业 17纺织业 18纺织服装、服饰业 "
        "19皮革、毛皮、羽毛及其制品和制鞋业 20木材加工和木、竹、藤、棕、草制品业 21家具制造业 22造纸和纸制品业 "
        "23印刷和记录媒介复制业 24文教、工美、体育和娱乐用品制造业 25石油、煤炭及其他燃料加工业 26化学原料和化学制品制造业 "
        "27医药制造业 28化学纤维制造业 29橡胶和塑料制品业 30非金属矿物制品业 31黑色金属冶炼和压延加工业 "
        "32有色金属冶炼和压延加工业 33金属制品业 34通用设备制造业 35专用设备制造业 36汽车制造业 "
        "37铁路、船舶、航空航天和其他运输设备制造业 38电气机械和器材制造业 39计算机、通信和其他电子设备制造业 "
        "40仪器仪表制造业 41其他制造业 42废弃资源综合利用业 43金属制品、机械和设备修理业"
    ),
    "D 电力、热力、燃气及水生产和供应业": "44电力、热力生产和供应业 45燃气生产和供应业 46水的生产和供应业",
    "E 建筑业": "47房屋建筑业 48土木工程建筑业 49建筑安装业 50建筑装饰、装修和其他建筑业",
    "F 批发和零售业": "51批发业 52零售业",
    "G 交通运输、仓储和邮政业": ("53铁路运输业 54道路运输业 55水上运输业 56航空运输业 57管道运输业 58多式联运和运输代理业 59装卸搬运和仓储业 60邮政业"),
    "H 住宿和餐饮业": "61住宿业 62餐饮业",
    "I 信息传输、软件和信息技术服务业": "63电信、广播电视和卫星传输服务 64互联网和相关服务 65软件和信息技术服务业",
    "J 金融业": "66货币金融服务 67资本市场服务 68保险业 69其他金融业",
    "K 房地产业（门类）": "70房地产业",
    "L 租赁和商务服务业": "71租赁业 72商务服务业",
    "M 科学研究和技术服务业": "73研究和试验发展 74专业技术服务业 75科技推广和应用服务业",
    "N 水利、环境和公共设施管理业": "76水利管理业 77生态保护和环境治理业 78公共设施管理业 79土地管理业",
    "O 居民服务、修理和其他服务业": "80居民服务业 81机动车、电子产品和日用产品修理业 82其他服务业",
    "P 教育（门类）": "83教育",
    "Q 卫生和社会工作": "84卫生 85社会工作",
    "R 文化、体育和娱乐业": "86新闻和出版业 87广播、电视、电影和录音制作业 88文化艺术业 89体育 90娱乐业",
    "S 公共管理、社会保障和社会组织": (
        "91中国共产党机关 92国家机构 93人民政协、民主党派 94社会保障 95群众团体、社会团体和其他成员组织 96基层群众自治组织及其他组织"
    ),
    "T 国际组织（门类）": "97国际组织",
}


def _industries() -> tuple[Word, ...]:
    words = []
    for section, classes in _INDUSTRIES.items():
        letter, label = section.split(" ", 1)
        words.append(Word(letter, label))
        words.extend(Word(letter + each[:2], each[2:], (each[:2],)) for each in classes.split())
    # the one four-digit class that the bureau meets daily
    words.append(Word("F5265", "机动车燃油零售", ("5265", "加油站")))
    return tuple(words)


GBT4754 = CodeList("gbt4754", _l("国民经济行业"), _industries(), open=True, origin="GB/T 4754-2017")

# enterprises ---------------------------------------------------------------------------------

SCALE = CodeList("scale", _l("企业规模"), _words("大", "中", "小", "微", 大=("大型",), 中=("中型",), 小=("小型",), 微=("微型",)))
RISK_GRADE = CodeList(
    "risk_grade",
    _l("风险等级"),
    _words("红", "橙", "黄", "蓝", 红=("红色", "重大风险"), 橙=("橙色", "较大风险"), 黄=("黄色", "一般风险"), 蓝=("蓝色", "低风险")),
)
MAJOR_HAZARD = CodeList(
    "major_hazard",
    _l("重大危险源级别"),
    _words("一级", "二级", "三级", "四级", "无", 一级=("1级",), 二级=("2级",), 三级=("3级",), 四级=("4级",), 无=("不构成",)),
)
STANDARDISATION = CodeList("standardisation", _l("标准化等级"), _words("一级", "二级", "三级", 一级=("1级",), 二级=("2级",), 三级=("3级",)))

# agencies ------------------------------------------------------------------------------------

AGENCY_KIND = CodeList(
    "agency_kind",
    _l("机构类别"),
    _words(
        "安全评价",
        "检测检验",
        "安全培训",
        "其他技术服务",
        安全评价=("安全评价机构", "安评", "安评机构", "评价机构"),
        检测检验=("安全生产检测检验机构", "检测检验机构", "安全生产检测检验", "检测机构", "检验检测机构", "检验检测"),
        安全培训=("安全生产培训机构", "安全培训机构", "安全生产培训", "培训机构"),
        其他技术服务=("标准化评审", "标准化评审机构", "双控咨询", "其他技术服务机构", "技术服务机构", "其他"),
    ),
)
CERT_TYPE = CodeList(
    "cert_type",
    _l("资质证书类型"),
    _under(
        _words(
            "安全评价机构资质证书",
            "安全生产检测检验机构资质证书",
            "其他证明文件",
            安全评价机构资质证书=("安全评价资质证书", "安全评价资质", "安全评价"),
            安全生产检测检验机构资质证书=("检测检验机构资质证书", "检测检验资质证书", "检测检验资质", "检测检验"),
            其他证明文件=("其他", "其他证书"),
        ),
        安全评价=("安全评价机构资质证书",),
        检测检验=("安全生产检测检验机构资质证书",),
    ),
    origin="应急管理部令第1号",
)
#: 应急管理部令第1号附件1
_EVALUATED = (
    "煤炭开采业", "金属、非金属矿及其他矿采选业", "陆地石油和天然气开采业", "陆上油气管道运输业",
    "石油加工业，化学原料、化学品及医药制造业", "烟花爆竹制造业", "金属冶炼业",
)  # fmt: skip
SCOPE = CodeList(
    "eval_scope",
    _l("业务范围"),
    _under(
        (
            Word("煤炭开采业", "煤炭开采业", ("煤炭", "煤炭开采")),
            Word("金属、非金属矿及其他矿采选业", "金属、非金属矿及其他矿采选业", ("金属非金属矿采选业", "非煤矿山")),
            Word("陆地石油和天然气开采业", "陆地石油和天然气开采业", ("陆上石油和天然气开采业", "石油和天然气开采业")),
            Word("陆上油气管道运输业", "陆上油气管道运输业", ("油气管道运输业", "陆上油气管道运输")),
            Word("石油加工业，化学原料、化学品及医药制造业", "石油加工业，化学原料、化学品及医药制造业", ("石油加工业", "化学原料化学品及医药制造业")),
            Word("烟花爆竹制造业", "烟花爆竹制造业", ("烟花爆竹",)),
            Word("金属冶炼业", "金属冶炼业", ("金属冶炼",)),
            Word("煤矿安全检测检验", "煤矿安全检测检验", ("煤矿检测检验", "煤矿")),
            Word("金属非金属矿山安全检测检验", "金属非金属矿山安全检测检验", ("金属非金属矿山检测检验", "金属非金属矿山")),
            Word("陆上石油天然气安全检测检验", "陆上石油天然气安全检测检验", ("陆上油气检测检验", "陆上油气")),
        ),
        安全评价=_EVALUATED,
        检测检验=("煤矿安全检测检验", "金属非金属矿山安全检测检验", "陆上石油天然气安全检测检验"),
    ),
    open=True,
    origin="评价业务范围见应急管理部令第1号附件1；检测检验范围由资质认可机关核定",
)
REPORT_TYPE = CodeList(
    "report_type",
    _l("报告类型"),
    _words(
        "预评价",
        "验收评价",
        "现状评价",
        "检测报告",
        "培训班",
        预评价=("安全预评价", "安全预评价报告"),
        验收评价=("安全验收评价", "安全验收评价报告"),
        现状评价=("安全现状评价", "安全现状评价报告"),
        检测报告=("检测检验报告", "检验报告"),
        培训班=("安全培训", "培训"),
    ),
    open=True,
)
AGENCY_CHECK_ORIGIN = CodeList("agency_check_origin", _l("检查来源"), _words("抽查", "投诉", "回访"))
AGENCY_PROBLEM = CodeList(
    "agency_problem",
    _l("中介机构问题"),
    _words("未发现问题", "超范围", "未到现场", "虚假报告", "挂靠", "未公开报告", "其他", 超范围=("超范围执业",), 虚假报告=("出具虚假报告",)),
)

_SPECIAL_WORK = {
    "1 电工作业": "高压电工作业 低压电工作业 防爆电气作业",
    "2 焊接与热切割作业": "熔化焊接与热切割作业 压力焊作业 钎焊作业",
    "3 高处作业": "登高架设作业 高处安装、维护、拆除作业",
    "4 制冷与空调作业": "制冷与空调设备运行操作作业 制冷与空调设备安装修理作业",
    "5 煤矿安全作业": (
        "煤矿井下电气作业 煤矿井下爆破作业 煤矿安全监测监控作业 煤矿瓦斯检查作业 煤矿安全检查作业 煤矿提升机操作作业 "
        "煤矿采煤机（掘进机）操作作业 煤矿瓦斯抽采作业 煤矿防突作业 煤矿探放水作业"
    ),
    "6 金属非金属矿山安全作业": (
        "金属非金属矿井通风作业 尾矿作业 金属非金属矿山安全检查作业 金属非金属矿山提升机操作作业 "
        "金属非金属矿山支柱作业 金属非金属矿山井下电气作业 金属非金属矿山排水作业 金属非金属矿山爆破作业"
    ),
    "7 石油天然气安全作业": "司钻作业",
    "8 冶金（有色）生产安全作业": "煤气作业",
    "9 危险化学品安全作业": (
        "光气及光气化工艺作业 氯碱电解工艺作业 氯化工艺作业 硝化工艺作业 合成氨工艺作业 裂解（裂化）工艺作业 氟化工艺作业 加氢工艺作业 "
        "重氮化工艺作业 氧化工艺作业 过氧化工艺作业 胺基化工艺作业 磺化工艺作业 聚合工艺作业 烷基化工艺作业 化工自动化控制仪表作业"
    ),
    "10 烟花爆竹安全作业": "烟火药制造作业 黑火药制造作业 引火线制造作业 烟花爆竹产品涉药作业 烟花爆竹储存作业",
    "11 其他特种作业": "",
}


def _short(label: str) -> tuple[str, ...]:
    """高压电工作业 is also written 高压电工."""
    short = label.removesuffix("作业").replace("、", "")  # 、 separates aliases
    return (short,) if short != label and len(short) > 1 else ()


def _training_kinds() -> tuple[Word, ...]:
    # two digits: punctuation does not count in a match, and 1.1 must not be 11
    words = [
        Word("主要负责人", "主要负责人", ("企业主要负责人", "生产经营单位主要负责人")),
        Word("安全生产管理人员", "安全生产管理人员", ("安管人员", "安全管理人员")),
    ]
    for group, items in _SPECIAL_WORK.items():
        number, label = group.split(" ", 1)
        number = number.zfill(2)
        words.append(Word(number, label, _short(label)))
        words.extend(Word(f"{number}.{place}", item, _short(item)) for place, item in enumerate(items.split(), start=1))
    return tuple(words)


TRAINING_KIND = CodeList("training_kind", _l("培训项目"), _training_kinds(), open=True, origin="特种作业目录（国家安全监管总局令第30号附件）")

# experts -------------------------------------------------------------------------------------

GENDER = CodeList("gender", _l("性别"), _words("男", "女", 男=("男性", "M"), 女=("女性", "F")), origin="GB/T 2261.1")
UNIT_KIND = CodeList(
    "unit_kind",
    _l("单位性质"),
    _words(
        "高校",
        "科研",
        "企业",
        "中介",
        "机关事业（在职）",
        "退休",
        "其他",
        高校=("高等院校", "大学"),
        科研=("科研院所", "科研单位", "研究院"),
        中介=("中介机构",),
        退休=("退休人员", "离退休"),
    ),
)
TITLE_LEVEL = CodeList(
    "title_level",
    _l("职称级别"),
    _words("正高", "副高", "中级", "其他", 正高=("正高级", "高级（正高）"), 副高=("副高级", "高级"), 其他=("初级", "无职称")),
)
EDUCATION = CodeList(
    "education",
    _l("学历"),
    _words(
        "博士研究生",
        "硕士研究生",
        "大学本科",
        "大学专科",
        "中专",
        "高中及以下",
        博士研究生=("博士",),
        硕士研究生=("硕士", "研究生"),
        大学本科=("本科", "大学"),
        大学专科=("大专", "专科"),
        中专=("中等专科", "中职"),
        高中及以下=("高中", "初中"),
    ),
    open=True,
    origin="GB/T 4658",
)
DEGREE = CodeList(
    "degree", _l("学位"), _words("博士", "硕士", "学士", 博士=("博士学位",), 硕士=("硕士学位",), 学士=("学士学位",)), open=True, origin="GB/T 6864"
)
MAJOR = CodeList(
    "major",
    _l("专业"),
    _words(
        "安全工程", "安全技术及工程", "化学工程与工艺", "应用化学", "采矿工程", "矿物加工工程", "地质工程", "勘查技术与工程", "冶金工程",
        "机械设计制造及其自动化", "电气工程及其自动化", "自动化", "过程装备与控制工程", "油气储运工程", "土木工程", "水利水电工程",
        "消防工程", "森林保护", "林学", "环境工程", "应急管理", "工程管理", "法学", "计算机科学与技术",
    ),
    open=True,
)  # fmt: skip
EXPERT_SPECIALITY = CodeList(
    "expert_speciality",
    _l("专家类别"),
    _words(
        "煤矿",
        "非煤矿山",
        "危险化学品",
        "烟花爆竹",
        "工商贸",
        "消防",
        "防汛抗旱",
        "地震地质灾害",
        "应急救援",
        "调查评估",
        "政策法规",
        "安全文化",
        "综合监管",
        "森林草原防灭火",
        "政务服务",
        煤矿=("煤矿安全",),
        非煤矿山=("金属非金属矿山", "非煤", "矿山", "尾矿库"),
        危险化学品=("危化", "危化品", "化工", "危险化学品安全"),
        烟花爆竹=("烟花",),
        工商贸=("工贸", "工贸行业", "冶金工贸", "商贸"),
        消防=("消防安全",),
        防汛抗旱=("防汛", "水旱灾害", "抗旱"),
        地震地质灾害=("地质灾害", "地震", "地震灾害", "地灾"),
        应急救援=("救援", "应急处置"),
        调查评估=("事故调查", "事故调查评估"),
        政策法规=("法律法规", "法律", "法规"),
        安全文化=("安全宣传教育", "宣传教育"),
        综合监管=("安全综合监管", "综合"),
        森林草原防灭火=("森林防火", "森林草原防火", "森林防灭火", "森防"),
        政务服务=("政务服务（评审核查）", "评审核查"),
    ),
    open=True,
    origin="承市应急字〔2022〕49号《承德市应急管理局专家管理办法》",
)
EXPERT_QUALIFICATION = CodeList(
    "expert_qualification",
    _l("执业资格"),
    _words(
        "注册安全工程师",
        "安全评价师",
        "注册消防工程师",
        "注册化工工程师",
        "注册采矿工程师",
        "注册电气工程师",
        "注册结构工程师",
        "注册建造师",
        "法律职业资格",
        注册安全工程师=("注安", "注安师", "中级注册安全工程师"),
        安全评价师=("评价师",),
        注册消防工程师=("一级注册消防工程师", "消防工程师"),
        注册建造师=("建造师",),
        法律职业资格=("律师",),
    ),
    open=True,
)
QUALIFICATION_LEVEL = CodeList(
    "qualification_level",
    _l("资格级别"),
    _words("一级", "二级", "三级", "高级", "中级", "初级", 一级=("1级",), 二级=("2级",), 三级=("3级",)),
    open=True,
)
CONSENT_SCOPE = CodeList(
    "consent_scope",
    _l("同意范围"),
    (Word("internal", "仅内部使用", ("内部", "内部使用")), Word("public", "可列入公开名单", ("公开", "公开名单", "同意公开"))),
    origin="个人信息保护法第二十五条",
)
RECUSAL_RELATION = CodeList(
    "recusal_relation",
    _l("利害关系"),
    _words(
        "现任职",
        "三年内任职",
        "顾问",
        "持股",
        "评价报告编制",
        "近亲属任职",
        "其他",
        现任职=("在职", "工作单位"),
        三年内任职=("曾任职", "原单位"),
        顾问=("兼职", "聘用"),
        持股=("股东",),
        近亲属任职=("亲属", "配偶"),
    ),
    open=True,
)

# policies ------------------------------------------------------------------------------------

DOC_LEVEL = CodeList(
    "doc_level",
    _l("发布层级"),
    _words("国家", "省", "市", "县", "本局", 国家=("国家级", "中央"), 省=("省级",), 市=("市级",), 县=("县级",), 本局=("局", "局发")),
)
GENRE = CodeList(
    "genre",
    _l("公文种类"),
    _words(
        "通知",
        "意见",
        "办法",
        "公告",
        "通告",
        "方案",
        "函",
        "令",
        "批复",
        "条例",
        "规定",
        "规则",
        "措施",
        意见=("实施意见",),
        办法=("管理办法", "实施办法"),
        方案=("工作方案", "实施方案"),
    ),
    open=True,
)
VALIDITY = CodeList(
    "validity",
    _l("有效性"),
    _words(
        "有效",
        "部分失效",
        "废止",
        "失效",
        "已修订",
        有效=("现行有效", "现行", "生效"),
        部分失效=("部分有效",),
        废止=("已废止", "宣布废止"),
        失效=("已失效", "宣布失效", "到期失效"),
        已修订=("修订", "已修改", "已修正"),
    ),
)
OPEN_MODE = CodeList(
    "open_mode",
    _l("公开方式"),
    _words("主动公开", "依申请公开", "不予公开", 主动公开=("主动", "公开"), 依申请公开=("依申请",), 不予公开=("不公开",)),
    origin="政府信息公开条例",
)
TOPIC = CodeList(
    "topic",
    _l("主题分类"),
    _words("安全生产", "应急管理", "防灾减灾救灾", "优化营商环境", "行政许可", "行政执法", "公平竞争", "信用管理", "综合政务"),
    open=True,
)
AUDIENCE = CodeList(
    "audience",
    _l("适用对象"),
    _words(
        "生产经营单位",
        "矿山企业",
        "危险化学品企业",
        "烟花爆竹经营单位",
        "工贸企业",
        "中介机构",
        "专家",
        "行政机关",
        "社会公众",
        生产经营单位=("企业", "各生产经营单位"),
        危险化学品企业=("危化企业",),
        社会公众=("公众", "群众"),
    ),
    open=True,
)
INTERP_FORM = CodeList(
    "interp_form",
    _l("解读形式"),
    (
        Word("文字", "文字", ("文字解读", "文字说明", "文稿")),
        Word("图解", "图解", ("一图读懂", "图片解读", "图表", "图片")),
        Word("视频", "视频", ("视频解读", "短视频")),
        Word("音频/动漫", "音频/动漫", ("音频", "动漫")),
        Word("问答", "问答", ("问答解读", "答记者问")),
        Word("新闻发布会", "新闻发布会", ("发布会",)),
        Word("专家解读", "专家解读"),
        Word("负责人访谈", "负责人访谈", ("访谈", "负责人解读")),
        Word("简明问答卡", "简明问答卡", ("问答卡",)),
    ),
)
INTERP_ELEMENT = CodeList(
    "interp_element",
    _l("解读要素"),
    _words(
        "背景依据", "目标任务", "主要内容", "适用范围", "执行标准", "关键词诠释", "惠企举措", "新旧差异", "注意事项/办理方式"
    ),
)  # fmt: skip
CHANNEL = CodeList(
    "channel",
    _l("发布渠道"),
    _words(
        "县政府网站",
        "政务公开专栏",
        "局微信公众号",
        "政务服务大厅公示",
        "报纸电视",
        "企业群",
        "宣讲会",
        县政府网站=("政府网站", "县政府门户网站", "网站"),
        政务公开专栏=("公开专栏",),
        局微信公众号=("微信公众号", "公众号", "微信"),
        政务服务大厅公示=("政务大厅", "大厅公示"),
        报纸电视=("报纸", "电视"),
        企业群=("企业微信群", "微信群"),
        宣讲会=("政策宣讲会",),
    ),
    open=True,
)
PUBLICATION_TARGET = CodeList("publication_target", _l("发布内容"), _words("文件", "解读", 文件=("政策文件",), 解读=("政策解读",)))

# fair-competition reviews --------------------------------------------------------------------

_FCR_ORIGIN = "公平竞争审查条例（国务院令第783号）"

MEASURE_NATURE = CodeList(
    "measure_nature",
    _l("政策措施性质"),
    _words(
        "地方性法规草案",
        "规章",
        "规范性文件",
        "其他政策性文件",
        "一事一议具体措施",
        规章=("政府规章",),
        规范性文件=("行政规范性文件",),
        其他政策性文件=("其他政策文件", "政策性文件"),
        一事一议具体措施=("一事一议", "具体政策措施"),
    ),
)
ISSUE_LEVEL = CodeList(
    "issue_level",
    _l("出台层级"),
    _words(
        "部门出台",
        "多部门联合",
        "县政府出台或提请人大",
        部门出台=("本部门出台", "部门"),
        多部门联合=("多部门联合出台", "联合出台", "联合"),
        县政府出台或提请人大=("县政府出台", "政府出台", "县政府"),
    ),
)
CONSULT_MODE = CodeList(
    "consult_mode",
    _l("征求意见方式"),
    _words(
        "征求利害关系人",
        "向社会公开",
        征求利害关系人=("征求利害关系人意见", "利害关系人", "听取利害关系人意见"),
        向社会公开=("向社会公开征求意见", "公开征求意见", "网上公开征求意见"),
    ),
    origin=_FCR_ORIGIN + "第十六条",
)
FCR_EXCEPTION = CodeList(
    "fcr_exception",
    _l("例外规定情形"),
    (
        Word("1", "维护国家安全和发展利益", ("国家安全",)),
        Word("2", "促进科学技术进步、增强自主创新能力", ("科技进步", "自主创新")),
        Word("3", "节约能源、保护环境、救灾救助等社会公共利益", ("社会公共利益", "公共利益")),
        Word("4", "法律、行政法规规定的其他情形", ("法律行政法规规定", "其他情形")),
    ),
    origin=_FCR_ORIGIN + "第十二条",
)
FCR_CONCLUSION = CodeList(
    "fcr_conclusion",
    _l("审查结论"),
    (
        Word("A", "不涉及经营者经济活动，无需审查", ("不涉及经营者经济活动", "不涉及", "无需审查", "不涉及经营者经济活动，不需要审查", "不需审查")),
        Word("B", "符合标准，可以出台", ("符合", "符合标准", "符合审查标准", "符合审查标准，可以出台", "可以出台", "通过")),
        Word("C", "修改后符合，可以出台", ("修改后符合", "修改后符合标准，可以出台", "修改后符合审查标准，可以出台", "修改后可以出台", "修改后出台")),
        Word(
            "D",
            "有影响但符合例外，可以出台",
            (
                "适用例外规定，可以出台", "适用例外规定", "符合例外规定，可以出台", "符合例外规定", "适用例外", "例外",
                "有影响但符合例外，可以出台（附期限/终止条件）", "具有排除限制竞争影响，但符合例外规定，可以出台",
            ),
        ),
        Word(
            "E",
            "违反且不符合例外，不得出台",
            (
                "违反审查标准，不得出台", "违反标准，不得出台", "违反审查标准", "不得出台", "不符合", "不符合审查标准",
                "不符合审查标准，不得出台", "违反审查标准且不适用例外规定，不得出台",
            ),
        ),
        Word("F", "起草单位撤回", ("撤回", "起草股室撤回")),
    ),
    origin=_FCR_ORIGIN + "第十七、十八条",
)  # fmt: skip
FCR_STANDARD_SET = CodeList(
    "fcr_standard_set",
    _l("审查标准版本"),
    (
        Word("2024", "条例2024+办法2025", ("条例2024", "公平竞争审查条例")),
        Word("2021", "细则2021", ("实施细则2021",)),
    ),
)

FCR_STANDARD = CodeList(
    "fcr_standard",
    _l("审查标准"),
    (
        Word("8-1", "对市场准入负面清单以外的行业、领域、业务等违法设置审批程序"),
        Word("8-2", "违法设置或者授予特许经营权"),
        Word("8-3", "限定经营、购买或者使用特定经营者提供的商品或者服务"),
        Word("8-4", "设置不合理或者歧视性的准入、退出条件"),
        Word("8-5", "其他限制或者变相限制市场准入和退出的内容"),
        Word("9-1", "限制外地或者进口商品、要素进入本地市场，或者阻碍本地经营者迁出，商品、要素输出"),
        Word("9-2", "排斥、限制、强制或者变相强制外地经营者在本地投资经营或者设立分支机构"),
        Word("9-3", "排斥、限制或者变相限制外地经营者参加本地政府采购、招标投标"),
        Word("9-4", "对外地或者进口商品、要素设置歧视性收费项目、收费标准、价格或者补贴"),
        Word("9-5", "在资质标准、监管执法等方面对外地经营者在本地投资经营设置歧视性要求"),
        Word("9-6", "其他限制或者变相限制商品、要素自由流动的内容"),
        Word("10-1", "给予特定经营者税收优惠"),
        Word("10-2", "给予特定经营者选择性、差异化的财政奖励或者补贴"),
        Word("10-3", "给予特定经营者要素获取、行政事业性收费、政府性基金、社会保险费等方面的优惠"),
        Word("10-4", "其他影响生产经营成本的内容"),
        Word("11-1", "强制或者变相强制经营者实施垄断行为，或者为经营者实施垄断行为提供便利条件"),
        Word("11-2", "超越法定权限制定政府指导价、政府定价，为特定经营者提供优惠价格"),
        Word("11-3", "违法干预实行市场调节价的商品、要素的价格水平"),
        Word("11-4", "其他影响生产经营行为的内容"),
    ),
    origin=_FCR_ORIGIN + "第八条至第十一条",
)

STAKEHOLDER_KIND = CodeList(
    "stakeholder_kind",
    _l("征求对象类别"),
    _words("经营者", "行业协会商会", "其他", 经营者=("企业", "个体工商户"), 行业协会商会=("行业协会", "协会", "商会")),
    origin=_FCR_ORIGIN + "第十六条",
)
LOCALITY = CodeList("locality", _l("本地或外地"), _words("本地", "外地", 本地=("县内",), 外地=("县外",)))
ADOPTION = CodeList(
    "adoption", _l("采纳情况"), _words("采纳", "部分采纳", "未采纳", 采纳=("已采纳", "全部采纳"), 部分采纳=("部分",), 未采纳=("不采纳", "不予采纳"))
)
JOINT_RESULT = CodeList("joint_result", _l("会审结果"), _words("通过", "补正", "退回", "不通过", 通过=("同意",), 补正=("退回补正",)))
SUPERVISION_ORIGIN = CodeList("fcr_supervision_origin", _l("监督来源"), _words("抽查", "举报", "督查", "自查"))
CORRECTIVE = CodeList("fcr_corrective", _l("纠正措施"), _words("补审", "修改", "废止", "停止执行", 补审=("补充审查",)))

PERIODS: Mapping[tuple[str, str], tuple[date | None, date | None]] = MappingProxyType(
    {
        # 条例 came into force on 2024-08-01; a later set stands beside it with days of its own
        **{("fcr_standard", word.code): (date(2024, 8, 1), None) for word in FCR_STANDARD.words},
        ("fcr_standard_set", "2024"): (date(2024, 8, 1), None),
        ("fcr_standard_set", "2021"): (date(2021, 6, 29), date(2024, 7, 31)),
    }
)
"""First and last day of words that law puts in force and out of it, by list and code."""

_EVERY = (
    LEVEL, SECTOR, GBT4754, SCALE, RISK_GRADE, MAJOR_HAZARD, STANDARDISATION,
    AGENCY_KIND, CERT_TYPE, SCOPE, REPORT_TYPE, AGENCY_CHECK_ORIGIN, AGENCY_PROBLEM, TRAINING_KIND,
    GENDER, UNIT_KIND, TITLE_LEVEL, EDUCATION, DEGREE, MAJOR, EXPERT_SPECIALITY, EXPERT_QUALIFICATION, QUALIFICATION_LEVEL,
    CONSENT_SCOPE, RECUSAL_RELATION,
    DOC_LEVEL, GENRE, VALIDITY, OPEN_MODE, TOPIC, AUDIENCE, INTERP_FORM, INTERP_ELEMENT, CHANNEL, PUBLICATION_TARGET,
    MEASURE_NATURE, ISSUE_LEVEL, CONSULT_MODE, FCR_EXCEPTION, FCR_CONCLUSION, FCR_STANDARD_SET, FCR_STANDARD,
    STAKEHOLDER_KIND, LOCALITY, ADOPTION, JOINT_RESULT, SUPERVISION_ORIGIN, CORRECTIVE,
)  # fmt: skip

#: the lists themselves, so that the register 字典 names them as people do
CODE_LIST = CodeList("code_list", _l("字典目录"), (*(Word(each.key, chinese(each.title)) for each in _EVERY), Word("code_list", "字典目录")))

announce((*_EVERY, CODE_LIST))
