"""validated → features: a recipe is one feature table's SQL and what its first lines say of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from loanbook import digests
from loanbook.errors import FeatureError
from loanbook.schema import TABLES, Purpose

FOLDER = Path(__file__).parent
# What SQL can't do: a module of this name makes a relation for the recipe, from these tables' views.
BESIDE = MappingProxyType({"network": ("links", "loans", "repayments"), "text": ("applications",)})
# read_parquet(…), parquet_scan(…), FROM 'a file', FROM "a file.parquet"
PAST_THE_VIEWS = re.compile(r"\b(read_\w+|\w+_scan|glob)\s*\(|\b(FROM|JOIN|,)\s*'|\.parquet\b", re.IGNORECASE)


class Local(StrEnum):
    """Whose rows alone decide on a row of a feature table."""

    CUSTOMER = "customer"
    VEHICLE = "vehicle"
    EVERYTHING = "everything"


@dataclass(frozen=True)
class Recipe:
    """One feature table: its SQL, grain, key and purpose, read from the file's first lines.

    A row of a recipe that is local to a customer or a vehicle hangs on nothing but that one's own rows: when
    another's change, it stays. `beside` names the modules that make a relation for it.
    """

    name: str
    grain: str
    key: str
    purpose: Purpose
    local_to: Local
    beside: tuple[str, ...]
    sql: str
    digest: str

    @property
    def reads(self) -> frozenset[str]:
        """Every canonical table that is named; one too many costs time, and none is missed."""
        words = set(re.findall(r"\w+", _code(self.sql).lower()))
        return frozenset(words & TABLES.keys()).union(*(BESIDE[name] for name in self.beside))


def recipes(folder: Path = FOLDER) -> tuple[Recipe, ...]:
    """Read every feature table's SQL, or raise FeatureError for one without its header."""
    return tuple(_recipe(path) for path in sorted(folder.glob("*.sql")))


def recipes_digest(folder: Path = FOLDER) -> str:
    """Hash all feature SQL, and what stands beside it."""
    return digests.of_json({recipe.name: recipe.digest for recipe in recipes(folder)})


def _recipe(path: Path) -> Recipe:
    text = path.read_text(encoding="utf-8")
    if PAST_THE_VIEWS.search(_code(text)):
        raise FeatureError(
            "the recipe reads a file",
            where=path.name,
            right="Read the canonical tables: a file also holds what a feature may not know",
        )
    head = dict(
        line.removeprefix("--").strip().split(": ", 1)
        for line in text.splitlines()
        if line.startswith("-- ") and ": " in line
    )
    beside = tuple(head.get("beside", "").replace(",", " ").split())
    try:
        digest = digests.of_json([text, *({name: _of_module(name)} for name in beside)])
        purpose, local_to = Purpose(head["purpose"]), Local(head["local to"])
        return Recipe(path.stem, head["grain"], head["key"], purpose, local_to, beside, text, digest)
    except (KeyError, ValueError) as error:
        raise FeatureError(
            f"the header lacks or misspells {error}",
            where=path.name,
            right="Begin with `-- grain: …`, `-- key: …`, `-- purpose: …` and `-- local to: …`",
        ) from None


def _code(text: str) -> str:
    return re.sub(r"--[^\n]*", "", text)


def _of_module(name: str) -> str:
    """Hash a module beside the recipes, and the weights that come with it."""
    if name not in BESIDE:
        raise KeyError(name)
    paths = [FOLDER / f"{name}.py", *FOLDER.glob(f"{name}_*.npz")]
    return digests.of_files({path.name: path for path in paths})
