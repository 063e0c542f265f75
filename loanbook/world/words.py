"""The simulated lender's vocabulary: places, names, goods and phrases, with their shares."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from loanbook.world.arrays import Floats


class Region(NamedTuple):
    """A province: its capital's position, its share of customers, its income against the country's."""

    name: str
    lat: float
    lon: float
    share: float
    log_income: float


# Latitudes of 18–54 and longitudes of 100–125 never overlap: swapped, a point lies outside.
REGIONS = (
    Region("Guangdong", 23.13, 113.26, 0.17, 0.10),
    Region("Jiangsu", 32.06, 118.79, 0.12, 0.08),
    Region("Zhejiang", 30.27, 120.15, 0.11, 0.12),
    Region("Henan", 34.75, 113.66, 0.10, -0.10),
    Region("Sichuan", 30.66, 104.07, 0.10, -0.06),
    Region("Hubei", 30.58, 114.30, 0.08, -0.02),
    Region("Beijing", 39.90, 116.41, 0.07, 0.22),
    Region("Shanghai", 31.23, 121.47, 0.07, 0.25),
    Region("Liaoning", 41.80, 123.43, 0.06, -0.08),
    Region("Guangxi", 22.82, 108.32, 0.05, -0.15),
    Region("Ningxia", 38.47, 106.27, 0.03, -0.14),
    Region("Inner Mongolia", 40.82, 111.75, 0.04, -0.05),
)
REGION_NAMES = tuple(region.name for region in REGIONS)
REGION_SHARES: Floats = np.array([region.share for region in REGIONS])
REGION_INCOME: Floats = np.array([region.log_income for region in REGIONS])
REGION_LAT: Floats = np.array([region.lat for region in REGIONS])
REGION_LON: Floats = np.array([region.lon for region in REGIONS])

ETHNICITIES = ("Han", "Zhuang", "Hui", "Mongol")
ETHNIC_SHARES: Floats = np.array([0.88, 0.05, 0.04, 0.03])
HOMES = (None, "Guangxi", "Ningxia", "Inner Mongolia")


def _homeland(home: str | None) -> Floats:
    if home is None:
        elsewhere = REGION_SHARES * ~np.isin(REGION_NAMES, HOMES[1:])
        weights: Floats = elsewhere / elsewhere.sum()
    else:
        weights = (np.array(REGION_NAMES) == home).astype(np.float64)
    return weights


HOMELANDS = tuple(_homeland(home) for home in HOMES)

FAMILY_NAMES = (
    "王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙", "胡", "朱", "高",
    "Lin", "He", "Guo", "Ma", "Luo", "Liang", "Song", "Zheng", "Xie", "Han", "Tang", "Feng",
)  # fmt: skip
_COMMONNESS: Floats = 1 / (4 + np.arange(len(FAMILY_NAMES)))
FAMILY_SHARES: Floats = _COMMONNESS / _COMMONNESS.sum()
GIVEN_NAMES = (
    "伟", "芳", "娜", "敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰", "娟", "涛", "明",
    "超", "秀英", "桂英", "建华", "志强", "晓明", "雨桐", "子轩", "浩然", "欣怡", "文博", "嘉豪",
    " Xiaoming", " Jing", " Lei", " Yan", " Haoran", " Yutong", " Zixuan", " Mei", " Jianguo",
)  # fmt: skip
STREETS = (
    "人民路", "解放路", "中山路", "建设路", "长江路", "和平街", "文化路", "新华街", "光明巷",
    "Renmin Road ", "Jiefang Road ", "Zhongshan Road ", "Hepingli ", "Garden Lane ",
)  # fmt: skip
BANKS = ("ICBC", "CCB", "ABC", "BOC", "CMB", "PSBC", "BOCOM", "Ping An")
ACCOUNT_TYPES = ("debit", "savings", "current")
EDUCATION = ("primary", "secondary", "vocational", "bachelor", "postgraduate")
SEXES = ("female", "male")
MARITAL = ("single", "married", "married", "divorced", "widowed")

PRODUCTS = ("auto", "consumer")
CHANNELS = ("dealer", "branch", "app", "web", "aggregator")
PURPOSES = (
    "new_car", "used_car", "refinance", "home_improvement", "education", "medical", "travel",
    "debt_consolidation", "electronics", "wedding",
)  # fmt: skip
EMPLOYMENT = ("employed", "self_employed", "contract", "public_sector", "unemployed")
HOUSING = ("own", "mortgage", "rent", "family", "dormitory")
DECISIONS = ("declined", "approved")
STAGES = ("none", "early", "late", "written_off")
FLAGS = ("standard", "watch")

FUELS = ("petrol", "diesel", "hybrid", "electric")
CONDITIONS = ("new", "used")


class Model(NamedTuple):
    """A vehicle on the market: its price when new, and whether it runs on electricity."""

    make: str
    model: str
    price: float
    electric: bool


MODELS = (
    Model("Wuling", "Hongguang Mini", 42_000, True),
    Model("Geely", "Emgrand", 78_000, False),
    Model("Chery", "Tiggo 5", 86_000, False),
    Model("Changan", "CS55", 98_000, False),
    Model("Nissan", "Sylphy", 118_000, False),
    Model("Volkswagen", "Lavida", 122_000, False),
    Model("BYD", "Qin Plus", 128_000, True),
    Model("Toyota", "Corolla", 132_000, False),
    Model("Honda", "Civic", 146_000, False),
    Model("BYD", "Song", 168_000, True),
    Model("Toyota", "Camry", 204_000, False),
    Model("Tesla", "Model 3", 236_000, True),
    Model("BMW", "3 Series", 318_000, False),
    Model("Audi", "A6L", 412_000, False),
)

CATEGORIES = ("salary", "rent", "mortgage", "cash", "gambling", "groceries", "transport")
DIRECTIONS = ("in", "out")
TRANSACTION_CHANNELS = ("transfer", "card", "cash", "mobile")
MERCHANTS = (
    "Payroll", "Anjuke Rent", "Bank Mortgage Desk", "ATM", "Lucky Sports Lottery", "Golden Card Club",
    "Hualian Supermarket", "Yonghui", "Didi", "Metro Card", "Halal Food Street", "Guilin Noodle House",
    "Grassland Mutton House",
)  # fmt: skip

KINDS = ("device", "phone", "address", "bank_account", "employer", "referrer", "dealer", "guarantor")
RECOVERY_KINDS = ("charge_off", "repossession", "sale", "payment")
CASE_KINDS = ("linked_party", "identity", "dealer", "early_default")
CASE_OUTCOMES = ("cleared", "confirmed")
OFFERS = ("none", "limit_raise", "rate_cut", "top_up")
OUTREACH_CHANNELS = ("sms", "app", "phone", "email")

CALM = (
    "按计划使用，收入稳定，可按时还款", "已攒够首付，剩余部分分期", "Planned purchase, salary paid monthly",
    "Replacing my old one, savings cover the rest", "家里商量好了，预算已做",
    "Stable job, paying in instalments",
)  # fmt: skip
PLAIN = (
    "申请分期", "个人使用", "家庭需要", "Personal use", "For the family", "请审批，谢谢", "As discussed",
    "日常消费", "工作需要", "Please process",
)  # fmt: skip
URGENT = (
    "急用钱，今天能放款吗", "请尽快，周转一下", "Need cash today please", "还其他平台的欠款",
    "Urgent, other lenders refused", "马上需要，利息高也可以",
)  # fmt: skip
TEXTS = CALM + PLAIN + URGENT
