"""What two people ruled on a held row reaches the publication, the features and the page."""

from __future__ import annotations

import pytest

from loanbook.errors import FeatureError
from loanbook.features import tables
from loanbook.governance.rulings import Action, Decision
from loanbook.held import balance, deciding, desk, page
from loanbook.held.desk import Wanted
from loanbook.intake import mapping, publishing

from .conftest import now


def test_a_released_row_is_published_and_the_features_are_made_again(reviewed):
    settings, source = reviewed.settings, mapping.load("world")
    for name in ("ada", "bo"):
        reviewed.enrol(name, "steward")
    before = publishing.current(settings, "world")
    rows = desk.listed(settings, "world", Wanted(table="applications"), None).rows
    row = next(row for row in rows if row.whole and not row.rule.endswith("_once"))
    pens = [deciding.Pen(settings, reviewed.key(name), now()) for name in ("ada", "bo")]
    asked = deciding.propose(pens[0], source, Action.RELEASE, [row.row], "the customer showed papers")
    deciding.answer(pens[1], source, asked.number, Decision.CONFIRM, "I saw them")

    made = reviewed.call("settle", dataset="world")
    settled = publishing.current(settings, "world")
    assert made["publication"] == settled.id != before.id
    assert settled.as_of == before.as_of
    one, old = settled.table("applications"), before.table("applications")
    assert (one.published.rows, one.held.rows) == (old.published.rows + 1, old.held.rows - 1)
    assert tables.current(settings, "world", settled.id).id == made["features"]
    assert settled.path("customers").samefile(before.path("customers"))
    assert balance.count(settings, "world").reconciled
    assert row.row not in page.path_of(settings, "world").read_text("utf-8")
    assert reviewed.call("settle", dataset="world") == made


@pytest.mark.slow
def test_a_dataset_without_features_is_settled_without_any(make_stage, small_world):
    stage = make_stage()
    stage.call("ingest", dataset="world", data=str(small_world.raw))
    made = stage.call("settle", dataset="world")
    assert made["features"] is None
    with pytest.raises(FeatureError):
        tables.current(stage.settings, "world", made["publication"])
