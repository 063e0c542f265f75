"""How old is what is served: kept at each materialize, told at any moment."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from loanbook.errors import FeatureError
from loanbook.features import freshness
from loanbook.features.online.images import Record, Served
from loanbook.features.tables import FeatureSet
from loanbook.settings import Settings

NOON = datetime(2024, 3, 1, 12)
DAY = timedelta(days=1)
FEATURES = FeatureSet("set", "world", "publication", Path(), ())


def held(name: str, newest: datetime | None, ttl: timedelta = 2 * DAY) -> tuple[Served, Record]:
    view = Served(name, "p", Path(), "customer_id", (("score", "Float64"),), ttl)
    told = newest.isoformat() if newest else None
    return view, Record("image", "set", NOON.isoformat(), "customer_id", ("score",), 7, told)


@pytest.fixture
def place(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


def test_a_view_is_stale_once_its_newest_value_no_longer_holds(place: Settings) -> None:
    freshness.keep(place, "world", [held("bureau", NOON - DAY), held("empty", None)], NOON)

    bureau, empty = freshness.freshness(place, FEATURES, NOON)
    later = NOON + DAY

    assert (bureau.materialised, bureau.newest, bureau.age, bureau.keys) == (NOON, NOON - DAY, DAY, 7)
    assert not bureau.stale
    assert (empty.newest, empty.age, empty.stale) == (None, None, True)
    assert not freshness.freshness(place, FEATURES, later)[0].stale
    assert freshness.freshness(place, FEATURES, later + timedelta(microseconds=1))[0].stale


def test_the_gauges_are_written_as_prometheus_reads_them(place: Settings) -> None:
    freshness.keep(place, "world", [held("bureau", NOON - DAY), held("empty", None)], NOON)

    text = (place.home / "reports" / "world" / "freshness.prom").read_text(encoding="utf-8")
    told = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))

    assert told == {
        'loanbook_feature_materialised_seconds{dataset="world",view="bureau"}': "1709294400",
        'loanbook_feature_materialised_seconds{dataset="world",view="empty"}': "1709294400",
        'loanbook_feature_newest_seconds{dataset="world",view="bureau"}': "1709208000",
        'loanbook_feature_ttl_seconds{dataset="world",view="bureau"}': "172800",
        'loanbook_feature_ttl_seconds{dataset="world",view="empty"}': "172800",
        'loanbook_feature_stale{dataset="world",view="bureau"}': "0",
        'loanbook_feature_stale{dataset="world",view="empty"}': "1",
        'loanbook_feature_keys{dataset="world",view="bureau"}': "7",
        'loanbook_feature_keys{dataset="world",view="empty"}': "7",
    }
    assert text.count("# TYPE") == text.count("# HELP") == len(freshness.GAUGES)
    assert text.endswith("\n")


def test_a_dataset_that_was_never_brought_online_has_no_freshness(place: Settings) -> None:
    with pytest.raises(
        FeatureError, match=r"nothing was brought online yet \(boats\).*featurize --dataset boats"
    ):
        freshness.freshness(place, replace(FEATURES, dataset="boats"), NOON)
