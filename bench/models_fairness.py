"""Protected groups, in figures: a planted proxy is found and named, nothing is where none was planted.

No line of ours may know region or merchants, by which the simulated lender's provinces and shops tell the
ethnic group. So a line is judged as it is, and once more as if it knew them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench import lenders
from bench.measuring import Row, at_least, between, exactly
from loanbook import digests, lines
from loanbook.cli.launch import Runner
from loanbook.settings import Settings
from loanbook.world import WorldSpec, simulate
from loanbook.world.spec import DEFAULT_PLANTS, Plant

LINE, ATTRIBUTE = "underwriting/consumer", "ethnicity"
OWN = (
    "region",
    "merchant_halal_food_street",
    "merchant_guilin_noodle_house",
    "merchant_grassland_mutton_house",
)
TOLD_BY = 0.75


def rows() -> Iterator[Row]:
    """Measure with the proxy planted and without it."""
    yield from lenders.in_a_home(_planted)
    yield from lenders.in_a_home(_bare)


def _planted(place: Settings, runner: Runner, scratch: Path) -> Iterator[Row]:
    made = _trained(runner, scratch, DEFAULT_PLANTS)
    job = runner.run("fairness", made)
    found = json.loads(Path(job["record"]).read_text(encoding="utf-8"))["fairness"]
    yield from _as_it_is(found)
    yield from _widened(judged(place, made, scratch / "widened"))


def _bare(place: Settings, runner: Runner, scratch: Path) -> Iterator[Row]:
    made = _trained(runner, scratch, DEFAULT_PLANTS - {Plant.PROXY})
    scanned = judged(place, made, scratch / "widened")["proxies"][ATTRIBUTE]
    measured = {name: one for name, one in scanned["groups"].items() if one["auc"] is not None}
    surest = min(measured, key=lambda name: (float(np.ptp(measured[name]["auc_interval"])), name))
    for name, one in measured.items():
        low, high = one["auc_interval"]
        what = f"no planted proxy: AUC of {name} from the same (95 % {low:.3f} to {high:.3f})"
        if name == surest:  # of a small group chance alone may leave the range
            yield between("models", what, one["auc"], 0.47, 0.53)
        else:
            yield Row(what, "models", one["auc"], "told", True)


def _trained(runner: Runner, scratch: Path, plants: frozenset[Plant]) -> dict[str, Any]:
    spec = WorldSpec(applications=lenders.APPLICATIONS, plants=plants)
    simulate(spec, scratch / "world", last_month=lenders.HISTORY)
    runner.run("ingest", {"dataset": "world", "data": scratch / "world" / "raw"})
    runner.run("featurize", {"dataset": "world"})
    made = runner.run("train", {"dataset": "world", "line": LINE})
    return {name: made[name] for name in ("model", "version")}


def _as_it_is(found: Mapping[str, Any]) -> Iterator[Row]:
    """Tell how the line falls on its groups; nothing here is held to a bound but the policy's."""
    for name, ratio in found["ratios"].items():
        yield Row(
            f"{LINE}: lowest approval rate over highest, by {name}", "models", _shown(ratio), "told", True
        )
    for name, one in found["proxies"].items():
        yield Row(f"{LINE}: best AUC of a group by {name}", "models", _shown(one["proxy_auc"]), "told", True)
    yield _searched(f"{LINE}, as it is", found["alternatives"])


def _widened(found: Mapping[str, Any]) -> Iterator[Row]:
    for name, one in found["proxies"][ATTRIBUTE]["groups"].items():
        if one["auc"] is None:
            continue
        low, high = one["auc_interval"]
        first = one["carriers"][0]
        yield at_least(
            "models", f"planted proxy: AUC of {name} (95 % {low:.3f} to {high:.3f})", one["auc"], TOLD_BY
        )
        named = ", ".join(f"{each['feature']} {each['alone']:.3f}" for each in one["carriers"])
        yield exactly(
            "models", f"  first carrier is a planted one ({named})", str(first["feature"] in OWN), "True"
        )
        yield Row(f"  AUC of {name} by the PD itself", "models", one["score_auc"], "told", True)
        if one["without"] is not None:
            yield Row("  AUC without the named carriers", "models", one["without"], "told", True)
    yield _searched(f"{LINE} with region and merchants", found["alternatives"])


def _searched(name: str, found: Mapping[str, Any]) -> Row:
    """Tell what a search found: none within the loss is a finding."""
    if "unmeasured" in found:
        return Row(f"{name}: fairer model ({found['unmeasured']})", "models", "not searched", "told", True)
    loss, before = found["max_auc_loss"], found["threshold"]["worst_ratio"]
    said = f"{name}: of {len(found['tried'])} alternatives within an AUC loss of {loss:g}"
    report = found["report"]
    if found["chosen"] is None or report is None or report["unmeasured"]:
        return Row(
            f"{said}, surely fairer by {found['attribute']} (ratio {before:.3f})",
            "models",
            "none",
            "told",
            True,
        )
    told = f"AUC {report['auc_loss']:+.4f} lost, ratio {report['change']:+.3f} on the report sample"
    return Row(f"{said}: {found['chosen']} ({told})", "models", found["gain"], "told", True)


def _shown(figure: float | None) -> float | str:
    return "not measured" if figure is None else figure


@dataclass(frozen=True)
class _Made:
    """A version's record and what it was made from."""

    record: Mapping[str, Any]
    frame: Path
    published: Mapping[str, Path]
    absent: Mapping[str, Any]


def judged(place: Settings, made: Mapping[str, Any], scratch: Path) -> dict[str, Any]:
    """Train the version's line again, with region and merchants among its features, and judge it by group."""
    import pyarrow.parquet as pq

    from loanbook.governance import fairly, shelf
    from loanbook.training import bundle, candidate, splits

    one = _opened(place, made)
    scratch.mkdir(parents=True)
    path, extra = _with_plants(place, one, scratch)
    order = _order(place, one, path, extra)
    done = candidate.make(place, order, scratch)
    stored, whole = pq.read_table(done.predictions), pq.read_table(path)
    places = {name: at for at, name in enumerate(whole["application_id"].to_pylist())}
    sample = np.array(stored["sample"].to_pylist())
    subject = fairly.Subject(
        bundle=bundle.read(done.folder),
        key=order.line.grain.key,
        stored=stored,
        known=whole.take([places[name] for name in stored["application_id"].to_pylist()]),
        bad=np.array(stored["bad"].to_pylist()),
        rows={name: sample == name for name in splits.SAMPLES},
        published=one.published,
        absent_columns=one.absent,
    )
    return fairly.judge(place, subject, fairly.asked(shelf.policy(place, LINE)))


def _opened(place: Settings, made: Mapping[str, Any]) -> _Made:
    from loanbook.governance.registry import Registry
    from loanbook.intake import publishing
    from loanbook.training import candidates, frame

    tags = Registry(place).version(made["model"], made["version"]).tags
    record = candidates.read(place, "world", tags["loanbook.candidate"]).record
    publication = publishing.open_publication(
        place, "world", str(record["data"]["publication"]), verify=False
    )
    path = frame.read(place, "world", str(record["frame"])).path
    return _Made(record, path, publication.paths, publication.missing_columns)


def _with_plants(place: Settings, one: _Made, scratch: Path) -> tuple[Path, tuple[str, ...]]:
    """Put each applicant's region, and each merchant's share of what they spent on, beside the frame."""
    from loanbook import lake

    with lake.connect(place) as connection:
        lake.offer(connection, one.published)
        connection.sql(f"CREATE VIEW frame AS SELECT * FROM read_parquet('{one.frame}')")
        names = [
            name
            for (name,) in connection.sql(
                "SELECT DISTINCT merchant FROM transactions WHERE merchant IS NOT NULL ORDER BY merchant"
            ).fetchall()
        ]
        columns = {f"merchant_{re.sub(r'[^a-z]+', '_', name.lower())}": name for name in names}
        shares = ", ".join(
            f"avg((t.merchant = '{name}')::DOUBLE) AS {column}" for column, name in columns.items()
        )
        target = scratch / "frame.parquet"
        connection.sql(
            f"""
            WITH spent AS (
                SELECT f.application_id, {shares}
                FROM frame AS f JOIN transactions AS t
                    ON t.customer_id = f.customer_id AND t.available_at <= f.decided_at
                GROUP BY f.application_id
            )
            SELECT f.*, lower(c.region) AS region, spent.* EXCLUDE (application_id)
            FROM frame AS f
            LEFT JOIN customers AS c USING (customer_id)
            LEFT JOIN spent ON spent.application_id = f.application_id
            ORDER BY f.decided_at, f.application_id
            """
        ).write_parquet(str(target))
    return target, ("region", *columns)


def _order(place: Settings, one: _Made, path: Path, extra: tuple[str, ...]) -> Any:
    """Order what the version was ordered by, on the wider frame."""
    from loanbook.governance import shelf
    from loanbook.training import reasons
    from loanbook.training.candidate import Order
    from loanbook.training.reasons import Reason

    policy, record = shelf.policy(place, LINE), one.record
    wording = place.repo / "expectations" / "policies" / "reasons.toml"
    known = tuple(record["features"]["used"])
    stated = reasons.parse(wording.read_text(encoding="utf-8"), str(wording))
    return Order(
        line=lines.adapted(lines.find(LINE), record["label"]),
        recipes=(),
        frame=path,
        frame_digest=digests.of_file(path),
        service=str(record["features"]["service"]),
        features=(*known, *extra),
        reasons=(*stated, Reason("WIDER", "Where and with whom one spends", "消费地点", extra)),
        strategy=policy.cut_offs,
        report_from=None,
        shared_customers=False,
        seed=int(record["seed"]),
        threads=place.threads,
    )
