"""What a validation team asks for, on a lender that went the whole way; what the ledger adds to it."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from loanbook.errors import AlteredError, SettingsError

MODEL = "world.underwriting_consumer"
SIGNED, MADE_AGAIN = "cn-internet-loans-review", "cn-internet-loans-record"


def today() -> date:
    return datetime.now(UTC).date()


def stand(stage, on: date | None = None) -> dict[str, str]:
    from loanbook.governance.artefacts import asking

    duties = asking.stand(stage.settings, MODEL, 1, on or today())
    return {duty.obligation.name: duty.answer.value for duty in duties}


def test_a_review_leaves_artefacts_beside_its_dossier_that_the_ledger_vouches_for(reviewed, way):
    from loanbook.governance.artefacts import filing

    filed = filing.verify(reviewed.settings, MODEL, 1)
    review = way.made["lines"][0]["review"]
    assert str(filed.index) == review["artefacts"]
    assert filed.index.parent.parent == filed.index.parents[1]
    dictionary = json.loads((filed.index.parent / "feature_dictionary.json").read_text(encoding="utf-8"))
    used = dictionary["sections"][0]["rows"]
    assert len(used) > 30
    assert {row["prohibited basis"] for row in used} == {False}
    assert all(row["owner"] and row["from"] and row["reason"] for row in used if row["in the model"])


def test_the_consents_are_counted_from_the_publication(reviewed):
    from loanbook.governance.artefacts import asking

    data = asking.bound_of(reviewed.settings, MODEL, 1).evidence.facts["data"]
    words = data["consents"]["bureau_reports"]
    published = data["tables"]["bureau_reports"]["rows"] - data["tables"]["bureau_reports"]["held"]
    assert words["by"] == "consent_bureau"
    assert 0 < words["yes"] <= words["yes"] + words["no"] + words["unsaid"] <= published


def test_an_obligation_that_asks_for_a_second_person_is_met_once_one_signed(reviewed):
    assert stand(reviewed)[SIGNED] == "not_met"
    reviewed.sign(1)
    assert stand(reviewed)[SIGNED] == "met"
    assert stand(reviewed, today() - timedelta(days=1))[SIGNED] == "not_shown"
    reviewed.sign(1, decision="reject")
    assert stand(reviewed)[SIGNED] == "not_met"


def test_an_obligation_that_asks_for_a_record_is_met_once_the_version_was_made_again(reviewed):
    assert stand(reviewed)[MADE_AGAIN] == "not_met"
    reviewed.call("reproduce", model=MODEL, version=1)
    assert stand(reviewed)[MADE_AGAIN] == "met"


def test_an_altered_bundle_answers_no_obligation(reviewed):
    path = reviewed.kept_bundle(1) / "reasons.json"
    kept = path.read_bytes()
    path.write_bytes(kept.replace(b"en", b"an", 1))
    try:
        with pytest.raises(AlteredError, match=r"reasons\.json"):
            stand(reviewed)
    finally:
        path.write_bytes(kept)


def test_the_commands_tell_it_and_end_with_one_where_it_doesnt_hold(reviewed, capsys):
    from loanbook.cli import duties
    from loanbook.cli.face import Common

    with reviewed.here():
        duties.artefacts(f"{MODEL}/1", common=Common(json=True))
        told = json.loads(capsys.readouterr().out)
        assert len(told["made"]) == 19
        duties.obligations(f"{MODEL}/1", on="2026-04-16", common=Common(json=True))
        told = json.loads(capsys.readouterr().out)
        assert told["title"].endswith("on 2026-04-16")
        assert "cn-assisted-lending" in told["made"]["citations not certain"]
        with pytest.raises(SettingsError, match="is no day"):
            duties.obligations(f"{MODEL}/1", on="yesterday")
        index = reviewed.home / "reports" / "world" / MODEL / "v1" / "artefacts" / "index.html"
        index.write_text(index.read_text(encoding="utf-8").replace("Artefact", "Artifact"), encoding="utf-8")
        with pytest.raises(AlteredError, match=r"index\.html hashes to"):
            duties.artefacts(f"{MODEL}/1")


@pytest.mark.slow
def test_the_command_that_makes_again_ends_with_one_and_names_what_differs(reviewed):
    import os
    import subprocess
    import sys
    from pathlib import Path

    command = [Path(sys.executable).parent / "loanbook", "reproduce", f"{MODEL}/1"]
    place = {**os.environ, **reviewed.environment}
    same = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False, env=place)
    assert same.returncode == 0, same.stderr
    assert json.loads(same.stdout)["made"]["bundle"]
    other = {**place, "LOANBOOK_COMMIT": "d1" * 20}
    differs = subprocess.run(command, capture_output=True, text=True, check=False, env=other)
    assert differs.returncode == 1
    assert "ReproductionError: 1 facts differ: code.commit was c0c0" in differs.stderr
