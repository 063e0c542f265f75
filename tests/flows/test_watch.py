"""A year later: the planted drift is found, and where nothing drifted nobody is alarmed."""

from __future__ import annotations

from pathlib import Path

import pytest

from loanbook import lake

LINE = "underwriting/consumer"


def watch(stage, data):
    stage.call("ingest", dataset="world", data=str(data))
    stage.call("featurize", dataset="world")
    return stage.call("monitor", dataset="world", line=LINE)


@pytest.mark.slow
def test_a_year_of_planted_drift_raises_the_alarm_and_a_challenger_that_waits(promoted, grown_world):
    watched = watch(promoted, grown_world.raw)
    assert watched["level"] == "alarm", watched
    assert all(one["said"] for one in watched["findings"])
    assert Path(watched["page"]).stat().st_size > 100_000
    record = lake.read_json(Path(watched["record"]))
    assert record["level"] == "alarm"
    challenger = promoted.call("retrain", dataset="world", line=LINE)
    assert challenger["version"] == 2
    assert promoted.registry().get_alias("world.underwriting_consumer", "champion") == 1
    assert promoted.score()["version"] == 1


@pytest.mark.slow
def test_a_year_without_drift_goes_the_whole_way_and_raises_no_alarm(promoted, calm_world):
    line = promoted.lifecycle(calm_world.raw)["lines"][0]
    assert (line["champion"], line["review"]["version"]) == (1, 2)
    assert line["watched"]["level"] != "alarm", line["watched"]["findings"]


def test_without_features_of_the_newest_publication_nothing_is_watched(promoted, small_world):
    from loanbook.errors import FeatureError

    promoted.call("ingest", dataset="world", data=str(small_world.raw), as_of="2024-01-15")
    with pytest.raises(FeatureError, match="no features"):
        promoted.call("monitor", dataset="world", line=LINE)


def test_a_period_in_which_nobody_applied_is_not_judged(promoted):
    from loanbook.errors import LoanbookError

    with pytest.raises(LoanbookError):
        promoted.call("monitor", dataset="world", line=LINE, since="2031-01-01", until="2031-02-01")
