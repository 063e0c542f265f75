"""raw → validated: read the suites of expectations/, and refuse what could pass silently."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any, get_args

from loanbook import digests
from loanbook.errors import DatasetError
from loanbook.intake import engine
from loanbook.intake.engine import ident
from loanbook.intake.judging import conditions, measures, supplied
from loanbook.intake.judging.rules import Action, Rule, Suite
from loanbook.schema import TABLES

# what all suites share: our own kinds of expectation, and the rules that each repeats
SHARED = ("history", "every_table")
# Great Expectations registers a class where it is made: the same bytes are run once
_RUN: dict[str, ModuleType] = {}
_NUMBERS = ("DECIMAL", "DOUBLE", "INTEGER", "BIGINT")


def load(folder: Path) -> Mapping[str, Suite]:
    """Read a suite per table, or raise DatasetError: a misspelt rule, a table without suite."""
    sources = {path.stem: path for path in sorted(folder.glob("*.py"))}
    for stem in sources.keys() - {*TABLES, *SHARED}:
        raise DatasetError(
            f"{stem} is no canonical table", where=str(sources[stem]), right=f"Known are {', '.join(TABLES)}"
        )
    for table in TABLES:
        if table not in sources:
            raise DatasetError(
                f"{table} has no suite", where=str(folder), right=f"Write {table}.py with RULES"
            )
    bodies = {stem: path.read_bytes() for stem, path in sources.items()}
    package = ModuleType(
        f"loanbook_suites_{digests.of_json({k: digests.of_bytes(v) for k, v in bodies.items()})}"
    )
    package.__path__ = [str(folder)]
    sys.modules[package.__name__] = package
    shared = {stem: digests.of_bytes(bodies[stem]) for stem in SHARED if stem in bodies}
    mark = digests.of_json(shared)
    for stem in shared:
        name = f"{package.__name__}.{stem}"
        made = _RUN.get(f"{mark}.{stem}") or _executed(package.__name__, stem, bodies[stem], sources[stem])
        sys.modules[name] = _RUN[f"{mark}.{stem}"] = made
    suites = {}
    for table in TABLES:
        module = _executed(package.__name__, table, bodies[table], sources[table])
        suites[table] = _suite(table, module, digests.of_json([digests.of_bytes(bodies[table]), shared]))
    return MappingProxyType(suites)


def _executed(package: str, stem: str, body: bytes, path: Path) -> ModuleType:
    """Run the very bytes that are hashed, never a stale .pyc of others."""
    module = ModuleType(f"{package}.{stem}")
    module.__package__, module.__file__ = package, str(path)
    sys.modules[module.__name__] = module
    try:
        exec(compile(body, str(path), "exec"), module.__dict__)
    except (AttributeError, ImportError, NameError, SyntaxError, TypeError, ValueError, KeyError) as error:
        raise DatasetError(
            f"the suite can't be imported: {error}",
            where=str(path),
            right="Use the classes of Great Expectations",
        ) from error
    return module


def _suite(table: str, module: ModuleType, digest: str) -> Suite:
    where = str(module.__file__)
    derived = dict(getattr(module, "DERIVED", {}))
    made = _typed(table, derived, where)
    types = {**{each.name: each.type for each in TABLES[table].columns}, **supplied.columns(table), **made}
    given = getattr(module, "RULES", ())
    if not given:
        raise DatasetError("the suite has no RULES", where=where, right="Write RULES = (gxe.Expect…, …)")
    rules: dict[str, Rule] = {}
    for expects in given:
        rule = _rule(expects, where, types)
        if rule.id in rules:
            raise DatasetError(
                f"two rules are called {rule.id!r}", where=where, right="Give each its own meta.rule"
            )
        rules[rule.id] = rule
    _refuse_strangers(table, rules.values(), types, where)
    return Suite(table, tuple(rules.values()), MappingProxyType(derived), digest, MappingProxyType(made))


def _rule(expects: Any, where: str, types: Mapping[str, str]) -> Rule:
    if not hasattr(expects, "expectation_type") or not hasattr(expects, "configuration"):
        raise DatasetError(
            f"{expects!r} is no expectation",
            where=where,
            right="Use the classes of great_expectations.expectations",
        )
    kwargs, meta = dict(expects.configuration.kwargs), dict(expects.meta or {})
    kind = str(expects.expectation_type)
    actions = get_args(Action)
    if not isinstance(meta.get("rule"), str) or meta.get("action") not in actions or not meta.get("because"):
        raise DatasetError(
            f"a rule {kind} has no meta with rule, action and because",
            where=where,
            right=f"Actions are {', '.join(actions)}",
        )
    broken = conditions.condition(kind, kwargs, f"{where}, {meta['rule']}", types)
    if broken is None and meta["action"] == "quarantine":
        raise DatasetError(
            f"{meta['rule']} judges a whole table and can't quarantine a row",
            where=where,
            right="Note or block",
        )
    columns = tuple(str(kwargs[name]) for name in ("column", "column_A", "column_B") if name in kwargs)
    return Rule(
        id=meta["rule"],
        action=meta["action"],
        severity=str(getattr(expects.severity, "value", expects.severity)),
        expectation=kind,
        columns=columns,
        kwargs=MappingProxyType(kwargs),
        because=str(meta["because"]),
        shows=tuple(meta.get("shows") or columns),
        broken=broken,
        expects=expects,
    )


def _refuse_strangers(table: str, rules: Iterable[Rule], types: Mapping[str, str], where: str) -> None:
    """Refuse a rule about a column that doesn't exist or can't be measured so."""
    told = [*TABLES[table].names, *(name for name, _ in engine.PROVENANCE)]
    known = {*types, *told}
    for rule in rules:
        if rule.broken is None:
            _refuse_unmeasured(rule, types, where)
        elif strangers := [name for name in rule.columns if name not in known - {"_held"}]:
            raise DatasetError(f"{rule.id}: there is no column {strangers[0]!r}", where=where)
        if rule.action == "quarantine" and (strangers := [name for name in rule.shows if name not in told]):
            raise DatasetError(
                f"{rule.id}: a reason can't tell {strangers[0]!r}",
                where=where,
                right="Let shows name its columns",
            )


def _refuse_unmeasured(rule: Rule, types: Mapping[str, str], where: str) -> None:
    """Refuse a measure of a column that isn't there, of one that isn't meant for it, or of no spread."""
    supplied_for = measures.KINDS[rule.expectation].of
    strangers = [name for name in rule.columns if name not in types]
    if strangers or (supplied_for and rule.columns[-1] not in supplied_for):
        raise DatasetError(
            f"{rule.id}: there is no column {(strangers or rule.columns[-1:])[0]!r} to measure so",
            where=where,
            right=f"It is measured on {', '.join(sorted(supplied_for))}",
        )
    if rule.expectation == measures.SPREAD:
        kind = types[rule.columns[0]]
        if kind != "VARCHAR" and not kind.startswith(_NUMBERS):
            raise DatasetError(
                f"{rule.id}: a {kind} has no spread", where=where, right="Name a number or a text"
            )


def _typed(table: str, derived: Mapping[str, str], where: str) -> dict[str, str]:
    """Tell the types of derived columns; refuse one that SQL can't make."""
    import duckdb

    given = {column.name: column.type for column in TABLES[table].columns} | dict(supplied.columns(table))
    empty = ", ".join(f"NULL::{kind} AS {ident(name)}" for name, kind in given.items())
    types = {}
    with duckdb.connect() as connection:
        for name, sql in derived.items():
            with engine.guarded(Path(where), DatasetError, f"DERIVED {name} fails"):
                query = f"DESCRIBE SELECT {sql} AS {ident(name)} FROM (SELECT {empty})"
                types[name] = str(connection.execute(query).fetchall()[0][1])
    return types
