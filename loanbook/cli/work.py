"""The operator's face: the commands that run flows."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from loanbook.cli import app
from loanbook.cli.face import Common, Progress, Told, tell
from loanbook.cli.launch import Runner
from loanbook.cli.measured import measured
from loanbook.settings import Settings

Dataset = Annotated[str, Parameter(help="A shipped dataset's name, or the folder of your own.")]
Data = Annotated[Path, Parameter(help="The folder of the raw files.")]
Line = Annotated[str, Parameter(help="The line, as underwriting/auto.")]
AsOf = Annotated[str | None, Parameter(help="The day of the reading; by default the latest row's.")]
Since = Annotated[str | None, Parameter(help="The first day, as 2024-07-01.")]
Until = Annotated[str | None, Parameter(help="The day after the last.")]
Seed = Annotated[int, Parameter(help="The seed. The same data, code and seed give the same bytes.")]
Trials = Annotated[int, Parameter(help="Recipes to try on the stopping sample; none: two of ours.")]
Version = Annotated[str, Parameter(help="A registered version, as world.underwriting_auto/1.")]
Model = Annotated[str, Parameter(help="A registered model, as world.underwriting_auto.")]
NO_COMMON = Common()


def run(verb: str, common: Common, **parameters: Any) -> dict[str, Any]:
    """Run one flow and give what it made."""
    settings = Settings.read(os.environ)
    with Runner(settings, Progress(silent=common.json)) as runner:
        return runner.run(verb, parameters)


@app.command
def ingest(
    *,
    dataset: Dataset,
    data: Data,
    as_of: AsOf = None,
    accept_drift: Annotated[
        list[str] | None, Parameter(help="A change of a source that you looked at and take, by its id.")
    ] = None,
    common: Common = NO_COMMON,
) -> None:
    """Read what is new, judge every row, hold back the broken ones, publish the rest."""
    accepted = accept_drift or []
    made = run("ingest", common, dataset=dataset, data=data, as_of=as_of, accept_drift=accepted)
    tell(_ingested(dataset, made), as_json=common.json)


@app.command
def backfill(
    *,
    dataset: Dataset,
    data: Data,
    first: Annotated[str, Parameter(name="--from", help="The first month, as 2021-01.")],
    last: Annotated[str, Parameter(name="--to", help="The last month.")],
    featurize: Annotated[bool, Parameter(help="Make each month's features too.")] = True,
    common: Common = NO_COMMON,
) -> None:
    """Bring a backlog in month by month, each as if it had come on its day. Run it again to go on."""
    made = run("backfill", common, dataset=dataset, data=data, first=first, last=last, featurize=featurize)
    told = Told(
        f"{len(made['months'])} months of {dataset} are in",
        {one["month"]: f"publication {one['publication'][:16]}" for one in made["months"]},
        {"record": Path(made["record"])},
        (f"loanbook batches --dataset {dataset}",),
    )
    tell(told, as_json=common.json)


@app.command
def featurize(*, dataset: Dataset, common: Common = NO_COMMON) -> None:
    """Compute the feature tables of what is published, declare them to Feast, bring them online."""
    made = run("featurize", common, dataset=dataset)
    told = Told(
        f"Features {made['features']} of {dataset}",
        made["rows"],
        {"feature tables": Path(made["lies"])},
        (f"loanbook train --dataset {dataset} --line underwriting/auto",),
    )
    tell(told, as_json=common.json)


@app.command
def train(
    *, dataset: Dataset, line: Line, seed: Seed = 7, trials: Trials = 0, common: Common = NO_COMMON
) -> None:
    """Train a candidate on what was known at each decision, and register it."""
    made = run("train", common, dataset=dataset, line=line, seed=seed, trials=trials)
    name = f"{made['model']}/{made['version']}"
    told = Told(f"Candidate {name}", {}, {"bundle": made["lies"]}, (f"loanbook review {name}",))
    tell(told, as_json=common.json)


@app.command
def review(version: Version, /, *, common: Common = NO_COMMON) -> None:
    """Compute every figure of a version again, run the gates, write evidence and dossier."""
    model, number = split(version)
    tell(reviewed(run("review", common, model=model, version=number)), as_json=common.json)


@app.command
def fairness(version: Version, /, *, common: Common = NO_COMMON) -> None:
    """Judge a version by protected group, scan for proxies, search for a fairer model."""
    model, number = split(version)
    tell(by_group(run("fairness", common, model=model, version=number)), as_json=common.json)


@app.command
def reproduce(version: Version, /, *, common: Common = NO_COMMON) -> None:
    """Train a reviewed version again from what is recorded, and compare. Exit code 1, naming what differs."""
    model, number = split(version)
    made = run("reproduce", common, model=model, version=number)
    low, high = made["metrics"]["auc_interval"]
    told = {
        "bundle": made["bundle"],
        "predictions": made["predictions"],
        "evidence": made["evidence"],
        "AUC": f"{made['metrics']['auc']:.4f} (95 % interval {low:.4f} to {high:.4f})",
    }
    tell(Told(f"{version} was made again, the same in every byte and figure", told), as_json=common.json)


@app.command
def retrain(
    *, dataset: Dataset, line: Line, seed: Seed = 7, trials: Trials = 0, common: Common = NO_COMMON
) -> None:
    """Train and review a challenger on the newest publication; it then waits for its reviewer."""
    made = run("retrain", common, dataset=dataset, line=line, seed=seed, trials=trials)
    tell(reviewed(made), as_json=common.json)


@app.command
def promote(version: Version, /, *, common: Common = NO_COMMON) -> None:
    """Make a signed version champion; anything short of that is refused."""
    model, number = split(version)
    made = run("promote", common, model=model, version=number)
    told = Told(
        f"{made['model']} version {made['version']} is champion in {made['environment']}",
        {"signed by": made["signers"], "evidence": made["evidence"], "bundle": made["bundle"]},
        {},
        ("loanbook score --dataset … --line …", "loanbook status"),
    )
    tell(told, as_json=common.json)


@app.command
def score(
    *, dataset: Dataset, line: Line, since: Since = None, until: Until = None, common: Common = NO_COMMON
) -> None:
    """Decide a book of applications by the champion, with reasons. An unsigned or altered one is refused."""
    tell(
        scored(run("score", common, dataset=dataset, line=line, since=since, until=until)),
        as_json=common.json,
    )


@app.command
def monitor(
    *, dataset: Dataset, line: Line, since: Since = None, until: Until = None, common: Common = NO_COMMON
) -> None:
    """Judge what came since the champion was trained: drift, mix, missing sources, ripe outcomes."""
    made = run("monitor", common, dataset=dataset, line=line, since=since, until=until)
    tell(watched(dataset, line, made), as_json=common.json)


@app.command
def lifecycle(
    *,
    dataset: Dataset,
    data: Data,
    line: Annotated[str | None, Parameter(help="One line; by default every line the dataset has.")] = None,
    as_of: AsOf = None,
    seed: Seed = 7,
    trials: Trials = 0,
    common: Common = NO_COMMON,
) -> None:
    """Go the whole way: ingest, featurize, train, review, and, behind a signature, score and monitor."""
    request = {"data": data, "line": line, "as_of": as_of, "seed": seed, "trials": trials}
    made = run("lifecycle", common, dataset=dataset, **request)
    tell(_went(dataset, made), as_json=common.json)


def split(version: str) -> tuple[str, int]:
    """Take model and number from world.underwriting_auto/1."""
    from loanbook.errors import SettingsError

    model, _, number = version.rpartition("/")
    if not model or not number.isdigit():
        raise SettingsError(f"{version} names no version", right="Write it as world.underwriting_auto/1")
    return model, int(number)


def _ingested(dataset: str, made: dict[str, Any]) -> Told:
    tables = balanced(made)
    reasons = {
        f"{table}: {rule}": count for table, rules in made["reasons"].items() for rule, count in rules.items()
    }
    return Told(
        f"Publication {made['publication'][:16]} of {dataset}, as of {made['as_of']}",
        {**tables, **reasons},
        {
            "published": Path(made["lies"]),
            "quarantine": Path(made["quarantine"]),
            "Data Docs": Path(made["data_docs"]),
        },
        (f"loanbook featurize --dataset {dataset}",),
    )


def balanced(made: dict[str, Any]) -> dict[str, str]:
    """Tell where every row that was read went, table by table."""
    return {
        name: f"read {one['read']:>9,} = published {one['published']:>9,} + held {one['held']:>6,}"
        + "".join(f" + {part} {one[part]:,}" for part in ("superseded", "erased") if one[part])
        for name, one in made["tables"].items()
    }


def reviewed(made: dict[str, Any]) -> Told:
    """Tell of a review."""
    name = f"{made['model']}/{made['version']}"
    told = {
        **measured(made),
        "gates shut": ", ".join(made["shut"]) or "none",
        "evidence": made["evidence"],
    }
    steps = (
        (f"loanbook approve {name} --key YOUR.key --because '…'", f"loanbook promote {name}")
        if not made["shut"]
        else ("Read the dossier: a version with a shut gate can't be promoted",)
    )
    lies = {"dossier": Path(made["dossier"]), "artefacts": Path(made["artefacts"])}
    return Told(f"{name} is reviewed and waits for its reviewer", told, lies, steps)


def by_group(made: dict[str, Any]) -> Told:
    """Tell of a version's protected groups."""
    found = made["alternatives"]
    told = {
        "lowest approval rate over highest": made["ratios"],
        "best AUC of any group from the features": made["proxy_auc"],
        "a fairer model": found.get("unmeasured") or found["chosen"] or "none within the stated loss",
        "record": made["digest"],
    }
    lies = {"page": Path(made["page"]), "record": Path(made["record"])}
    return Told(f"{made['model']}/{made['version']} is judged by protected group", told, lies)


def scored(made: dict[str, Any]) -> Told:
    """Tell of a scored book: of decisions, of values, of offers, or of limits."""
    name = f"{made['model']}/{made['version']}"
    if "picked" in made:
        what = "limits" if "no limit" in made["picked"] else "offers"
        lies = {what: Path(made["lies"])}
        return Told(f"{made['rows']:,} customers looked at by {name}", made["picked"], lies)
    if "told" in made:
        told = {f"median in {months} months": value for months, value in made["told"].items()}
        return Told(f"{made['rows']:,} vehicles valued by {name}", told, {"values": Path(made["lies"])})
    told = {"decisions": made["decisions"], "mean PD": made["mean_pd"], "reasons": made["reasons"]}
    return Told(f"{made['rows']:,} applications decided by {name}", told, {"decisions": Path(made["lies"])})


def watched(dataset: str, line: str, made: dict[str, Any]) -> Told:
    """Tell of a watch."""
    found = {f"{one['level']}: {one['what']}": one["said"] for one in made["findings"]}
    steps = (f"loanbook retrain --dataset {dataset} --line {line}",) if made["level"] == "alarm" else ()
    return Told(
        f"{line} on {made['rows']:,} applications: {made['level']}",
        {**found, "not judged": ", ".join(made["silent_on"]) or "nothing"},
        {"page": Path(made["page"]), "record": Path(made["record"])},
        steps,
    )


def _went(dataset: str, made: dict[str, Any]) -> Told:
    told: dict[str, Any] = {}
    lies: dict[str, Path | str] = {"quarantine": Path(made["ingest"]["quarantine"])}
    steps: list[str] = []
    told |= balanced(made["ingest"])
    for each in made["lines"]:
        part = reviewed(each["review"])
        told |= {f"{each['line']}: {key}": value for key, value in part.made.items()}
        lies |= {f"{each['line']}: {name}": Path(each["review"][name]) for name in ("dossier", "artefacts")}
        if "decisions" in each:
            lies[f"{each['line']}: decisions"] = Path(each["decisions"]["lies"])
        if "watched" in each:
            told[f"{each['line']}: production"] = each["watched"]["level"]
        steps += part.next
    return Told(f"The whole way on {dataset}, up to the signature", told, lies, tuple(steps))
