"""Real lenders' data passes the shipped suites: what is held is broken in truth."""

from __future__ import annotations

from pathlib import Path

import pytest

from loanbook.intake import mapping, publishing, raw, snapshots
from loanbook.intake.judging import quality
from loanbook.settings import Settings

DATA = (Path(__file__).resolve().parents[3] / "../shared/data").resolve()
# SuperLender lists eight people twice; six of Lending Club's texts hold a replacement sign
HELD = {
    "ally_auto": {},
    "superlender": {"customers": {"customer_id_once": 8}},
    "lending_club": {"applications": {"free_text_whole": 6}},
}


@pytest.mark.real
@pytest.mark.parametrize("name", HELD)
def test_a_real_lender_s_data_is_published_and_hardly_a_row_is_held(name, suites, tmp_path):
    if not (DATA / name).is_dir():
        pytest.skip(f"the real data of {name} is not beside the checkout")
    settings = Settings(home=tmp_path, threads=2)
    dataset = mapping.load(name)
    reading = snapshots.freeze(settings, dataset, raw.survey(dataset, DATA / name), as_of=None)
    verdicts = [quality.judge(settings, dataset, reading, suites[each.table]) for each in reading.snapshots]
    publication = publishing.publish(settings, dataset, reading, suites, verdicts)
    assert {table.table: table.reasons for table in publication.tables if table.reasons} == HELD[name]
    assert all(table.read == table.published.rows + table.held.rows for table in publication.tables)
