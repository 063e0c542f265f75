"""validated → features: make text_model.npz from word lists and the simulated lender's phrases.

Run `python -m loanbook.features.text_fitting`; the same lists give the same file. Each made-up text says one
thing in both languages, so that a topic is what is meant and not the language it is said in. No text of a
real applicant is read.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from loanbook.features import text
from loanbook.features.text import BUCKETS, MODEL, TOPICS, Model
from loanbook.world import words

SEED, TEXTS_A_SUBJECT = 7, 300
SUBJECTS: tuple[tuple[str, ...], ...] = (
    (
        *words.CALM, "稳定收入", "按时还款", "储蓄充足", "steady income", "on time", "savings", "budget",
        "planned",
    ),
    (*words.URGENT, "急需", "马上放款", "今天", "urgent", "immediately", "cash today", "as soon as possible"),
    (*words.PLAIN, "申请", "请审批", "谢谢", "please", "application", "thank you", "as agreed"),
    (
        "还信用卡", "还债", "其他平台欠款", "债务合并", "利息太高", "credit card debt", "pay off my cards",
        "consolidate debt", "refinance", "lower interest rate", "other loans",
    ),
    (
        "买车", "新车", "二手车", "换车", "首付", "上下班用车", "buy a car", "used car", "new vehicle",
        "down payment", "replace my old car", "commute to work",
    ),
    (
        "装修", "房屋翻新", "厨房", "家具", "搬家", "房租", "home improvement", "renovate the kitchen",
        "furniture", "roof repair", "moving house", "rent deposit",
    ),
    (
        "医疗费", "住院", "手术", "看病", "家人生病", "medical bills", "hospital", "surgery", "doctor",
        "family illness", "dental treatment",
    ),
    (
        "学费", "培训", "孩子上学", "大学", "考证", "tuition", "school fees", "college", "course",
        "education for my children", "degree",
    ),
    (
        "结婚", "婚礼", "旅游", "蜜月", "度假", "wedding", "honeymoon", "vacation", "travel", "ring",
        "holiday",
    ),
    (
        "做生意", "进货", "店铺", "资金周转", "创业", "设备", "small business", "inventory", "open a shop",
        "working capital", "equipment", "startup",
    ),
    (
        "买手机", "电脑", "家电", "电器", "冰箱", "phone", "laptop", "computer", "television", "appliances",
        "electronics",
    ),
    (
        "工资", "上班", "公司", "单位", "月薪", "收入证明", "salary", "employed", "my employer", "paycheck",
        "full time job", "proof of income",
    ),
)  # fmt: skip


def made_up() -> list[str]:
    """Write texts of one subject each, from some of its phrases in an order drawn by lot."""
    rng = np.random.default_rng(SEED)
    return [
        " ".join(rng.permutation(subject)[: rng.integers(3, len(subject) + 1)].tolist())
        for subject in SUBJECTS
        for _ in range(TEXTS_A_SUBJECT)
    ]


def fit(texts: Sequence[str]) -> Model:
    """Learn which buckets are rare, and the topics that tell texts apart."""
    from scipy.sparse import csr_matrix
    from sklearn.decomposition import TruncatedSVD

    counted = text.count(texts)
    seen = np.bincount(counted.bucket, minlength=BUCKETS)
    rarity = np.array([math.log((1 + len(texts)) / (1 + count)) + 1 if count else 0.0 for count in seen])
    weight = counted.times * rarity[counted.bucket]
    length = np.sqrt(np.bincount(counted.text, weight * weight, len(texts)))
    whole = csr_matrix((weight / length[counted.text], (counted.text, counted.bucket)), (len(texts), BUCKETS))
    parts = TruncatedSVD(TOPICS + 1, algorithm="arpack", random_state=SEED).fit(whole).components_[1:]
    # the first is what all texts share; a topic's sign is free
    signs = np.sign(parts[np.arange(TOPICS), np.abs(parts).argmax(axis=1)])
    return Model(rarity, (parts * signs[:, None]).T)


def write(model: Model, path: Path = MODEL) -> None:
    """Write the weights without pickle, to four decimals."""
    np.savez_compressed(
        path,
        rarity=np.round(model.rarity, 4).astype(np.float32),
        topics=np.round(model.topics, 4).astype(np.float32),
    )


if __name__ == "__main__":
    write(fit(made_up()))
