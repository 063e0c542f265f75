"""The whole way, unattended up to the signature, on a small simulated lender."""

from __future__ import annotations

import duckdb
import pytest


@pytest.fixture(scope="module")
def publication(way):
    from loanbook.intake import publishing

    return publishing.current(way.stage.settings, "world", verify=True)


def test_what_was_read_is_what_is_published_and_what_is_held(way, publication):
    told = way.made["ingest"]["tables"]
    assert set(told) == {table.table for table in publication.tables}
    for name, counts in told.items():
        assert counts["read"] == counts["published"] + counts["held"] > 0, name
        published, held = _count(publication.path(name)), _count(publication.held_path(name))
        assert (counts["published"], counts["held"]) == (published, held), name


def test_every_planted_bad_row_is_held_and_no_clean_row_is(publication, small_world):
    held = " UNION ALL ".join(
        f"SELECT '{table.table}' AS name, _file, _row FROM '{publication.held_path(table.table)}'"
        for table in publication.tables
    )
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"SELECT truth.table IS NOT NULL, held.name IS NOT NULL, count(*) "
            f"FROM '{small_world.truth / 'bad_rows.parquet'}' truth FULL JOIN ({held}) held "
            f"ON (truth.table, truth.file, truth.row) = (held.name, held._file, held._row) GROUP BY ALL"
        ).fetchall()
    assert rows == [(True, True, small_world.bad_rows)]


def test_every_held_row_tells_its_reason_and_the_reasons_add_up(way, publication):
    for name, reasons in way.made["ingest"]["reasons"].items():
        with duckdb.connect() as connection:
            rules = connection.execute(
                f"SELECT rules[1], count(*), bool_and(reason <> '') FROM '{publication.held_path(name)}' "
                f"GROUP BY ALL"
            ).fetchall()
        assert {rule: count for rule, count, _ in rules} == reasons, name
        assert all(told for _, _, told in rules), name


def test_the_review_leaves_evidence_named_by_its_hash_and_a_dossier(reviewed, way):
    from pathlib import Path

    from loanbook import digests
    from loanbook.governance import shelf

    review = way.made["lines"][0]["review"]
    evidence = shelf.evidence(way.stage.settings, review["model"], 1, review["evidence"])
    assert digests.of_json(dict(evidence.facts)) == review["evidence"]
    page = Path(review["dossier"]).read_text(encoding="utf-8")
    assert review["evidence"] in page
    assert "<svg" in page or "data:image" in page
    assert review["shut"] == []


def test_the_review_is_in_the_ledger_and_nobody_is_champion(way):
    kinds = [entry.kind for entry in way.stage.entries()]
    assert kinds[0] == "review"
    assert "promotion" not in kinds
    assert "watched" not in way.made["lines"][0]


def test_no_outcome_reaches_the_candidates_features(way):
    from loanbook.governance import shelf
    from loanbook.schema import TABLES

    review = way.made["lines"][0]["review"]
    facts = shelf.evidence(way.stage.settings, review["model"], 1, review["evidence"]).facts
    known = {f"{table.name}.{column.name}" for table in TABLES.values() for column in table.columns}
    assert facts["features"]["columns"]
    assert not set(facts["features"]["used"]) & {
        name.partition(".")[2] for name in known if "default" in name
    }
    assert facts["split"]["shared_rows"] == facts["split"]["shared_customers"] == 0


def test_going_again_repeats_no_finished_work(reviewed, way, small_world):
    again = reviewed.lifecycle(small_world.raw)
    assert again["ingest"]["publication"] == way.made["ingest"]["publication"]
    assert again["lines"][0]["review"] == way.made["lines"][0]["review"]
    assert {"ingest: done before", "featurize: done before", "frame: done before"} <= set(reviewed.steps)
    worked = {"freeze the reading", "hold back and publish", "compute feature tables", "declare to Feast"}
    assert not (worked | {"join what was known"}) & set(reviewed.steps)
    assert worked <= set(way.steps)
    assert len(reviewed.registry().versions("world.underwriting_consumer")) == 1
    assert len(reviewed.entries("review")) == 1


def test_behind_a_signature_the_whole_way_goes_on_to_decisions(promoted, small_world):
    line = promoted.lifecycle(small_world.raw)["lines"][0]
    assert line["champion"] == 1
    assert line["decisions"]["rows"] > 0
    assert "watched" not in line, "nothing came since the champion was trained"


def test_another_day_of_reading_is_another_publication_of_the_same_snapshots(reviewed, small_world):
    first = reviewed.call("ingest", dataset="world", data=str(small_world.raw))
    later = reviewed.call("ingest", dataset="world", data=str(small_world.raw), as_of="2024-01-15")
    assert later["publication"] != first["publication"]
    assert later["as_of"] == "2024-01-15T00:00:00"
    assert later["tables"] == first["tables"]


def test_a_delivery_that_is_read_again_is_current_again(reviewed, small_world):
    from loanbook.intake import publishing

    for day in ("2024-01-15", None):
        again = reviewed.call("ingest", dataset="world", data=str(small_world.raw), as_of=day)
        assert "ingest: done before" in reviewed.steps
        assert publishing.current(reviewed.settings, "world").id == again["publication"]


def test_each_step_is_a_task_of_its_own_on_the_prefect_server(way, standing_at):
    import json
    import urllib.request

    body = json.dumps({"flows": {"name": {"any_": ["lifecycle"]}}, "limit": 200}).encode()
    request = urllib.request.Request(
        f"{standing_at['PREFECT_API_URL']}/task_runs/filter", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        names = {run["name"] for run in json.load(answer)}
    assert {"freeze the reading", "hold back and publish", "register the candidate"} <= names


@pytest.mark.slow
def test_training_twice_in_two_homes_gives_the_same_bundle(way, make_stage, small_world):
    other = make_stage()
    made = other.lifecycle(small_world.raw)
    assert made["ingest"]["publication"] == way.made["ingest"]["publication"]
    assert _facts(other, made)["bundle"] == _facts(way.stage, way.made)["bundle"]
    assert _facts(other, made)["features"]["set"] == _facts(way.stage, way.made)["features"]["set"]


def test_a_retrained_challenger_waits_and_is_not_champion(promoted):
    made = promoted.call("retrain", dataset="world", line="underwriting/consumer", seed=11)
    assert made["version"] == 2
    assert promoted.registry().get_alias("world.underwriting_consumer", "champion") == 1
    assert promoted.score()["version"] == 1


def _facts(stage, made):
    from loanbook.governance import shelf

    review = made["lines"][0]["review"]
    return shelf.evidence(stage.settings, review["model"], review["version"], review["evidence"]).facts


def _count(path):
    with duckdb.connect() as connection:
        return connection.execute(f"SELECT count(*) FROM '{path}'").fetchall()[0][0]
