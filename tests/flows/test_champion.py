"""Who may become champion and who may score: everything else is refused, each by its own error."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from loanbook.errors import (
    AlteredError,
    EvidenceError,
    GateError,
    GovernanceError,
    LedgerError,
    PolicyChangedError,
    ScoringError,
    SelfApprovalError,
    SignatureError,
    UnsignedError,
)

MODEL, LINE = "world.underwriting_consumer", "underwriting/consumer"


@contextmanager
def one_byte_changed(path: Path) -> Iterator[None]:
    kept = path.read_bytes()
    place = len(kept) // 2
    path.write_bytes(kept[:place] + bytes([kept[place] ^ 1]) + kept[place + 1 :])
    try:
        yield
    finally:
        path.write_bytes(kept)


@contextmanager
def loosened(policy: Path) -> Iterator[None]:
    kept = policy.read_text(encoding="utf-8")
    changed = kept.replace("floor = 0.62", "floor = 0.50")
    assert changed != kept
    policy.write_text(changed, encoding="utf-8")
    try:
        yield
    finally:
        policy.write_text(kept, encoding="utf-8")


# --- on the way to champion


def test_before_anybody_signed_nothing_is_scored_or_promoted(reviewed):
    with pytest.raises(UnsignedError, match="no champion"):
        reviewed.score()
    with pytest.raises(UnsignedError, match="0 of 1 signatures"):
        reviewed.promote(1)
    assert not reviewed.entries("promotion")
    assert reviewed.registry().get_alias(MODEL, "champion") is None


def test_an_alias_alone_makes_no_champion(reviewed):
    reviewed.registry().set_alias(MODEL, "champion", 1)
    with pytest.raises(UnsignedError, match="no champion"):
        reviewed.score()


def test_whoever_trained_may_not_approve(reviewed):
    with pytest.raises(SelfApprovalError, match="trained_by is erin"):
        reviewed.sign(1, "erin")
    assert not reviewed.entries("approval")


def test_a_self_approval_forced_into_the_ledger_promotes_nothing(reviewed):
    reviewed.force(1, "erin")
    with pytest.raises(SelfApprovalError):
        reviewed.promote(1)
    with pytest.raises(UnsignedError, match="no champion"):
        reviewed.score()


def test_a_stranger_may_not_approve(reviewed):
    from loanbook.governance import signing

    signing.create_key(reviewed.key("stranger"), None)
    with pytest.raises(SignatureError):
        reviewed.sign(1, "stranger")
    reviewed.key("stranger").unlink()


def test_a_rejected_version_is_not_promoted(reviewed):
    reviewed.sign(1, decision="reject")
    with pytest.raises(UnsignedError, match="rui rejected it"):
        reviewed.promote(1)


def test_a_version_that_nobody_reviewed_is_neither_signed_nor_promoted(reviewed):
    reviewed.call("train", dataset="world", line=LINE, seed=23)
    with pytest.raises(EvidenceError, match="never reviewed"):
        reviewed.sign(2)
    with pytest.raises(EvidenceError, match="never reviewed"):
        reviewed.promote(2)


def test_a_version_that_nobody_registered_is_not_reviewed(reviewed):
    with pytest.raises(GovernanceError, match="no version 9"):
        reviewed.call("review", model=MODEL, version=9)


@pytest.mark.parametrize("name", ["model.txt", "calibration.json"])
def test_a_file_of_the_model_with_one_byte_changed_after_signing_is_not_promoted(reviewed, name):
    reviewed.sign(1)
    with one_byte_changed(reviewed.kept_bundle(1) / name), pytest.raises(AlteredError, match="bundle"):
        reviewed.promote(1)
    assert not reviewed.entries("promotion")


def test_a_file_laid_beside_the_model_after_signing_is_not_promoted(reviewed):
    reviewed.sign(1)
    (reviewed.kept_bundle(1) / "extra.txt").write_text("trust me")
    with pytest.raises(AlteredError, match="bundle"):
        reviewed.promote(1)


def test_predictions_changed_after_signing_are_not_promoted(reviewed):
    reviewed.sign(1)
    predictions = reviewed.kept_bundle(1).parent / "predictions" / "predictions.parquet"
    with one_byte_changed(predictions), pytest.raises(AlteredError, match="predictions"):
        reviewed.promote(1)


def test_a_review_of_altered_bytes_is_refused(reviewed):
    with one_byte_changed(reviewed.kept_bundle(1) / "model.txt"), pytest.raises(AlteredError):
        reviewed.call("review", model=MODEL, version=1)


def test_a_policy_changed_after_signing_voids_the_signature(reviewed):
    reviewed.sign(1)
    with loosened(reviewed.policy()), pytest.raises(PolicyChangedError):
        reviewed.promote(1)
    assert not reviewed.entries("promotion")


def test_a_policy_changed_before_signing_asks_for_another_review(reviewed):
    with loosened(reviewed.policy()):
        with pytest.raises((PolicyChangedError, GovernanceError)):
            reviewed.promote(1)
        first = reviewed.entries("review")[-1].body["evidence"]
        assert reviewed.call("review", model=MODEL, version=1)["evidence"] != first
        reviewed.sign(1)
        assert reviewed.promote(1)["version"] == 1


def test_a_version_with_a_shut_gate_is_not_promoted_though_signed(reviewed):
    policy = reviewed.policy()
    text = policy.read_text(encoding="utf-8")
    policy.write_text(text.replace("floor = 0.62\nceiling = 0.85", "floor = 0.98\nceiling = 0.99"))
    assert reviewed.call("review", model=MODEL, version=1)["shut"] == ["auc"]
    reviewed.sign(1)
    with pytest.raises(GateError, match="auc failed"):
        reviewed.promote(1)


def test_evidence_edited_on_the_shelf_is_not_promoted(reviewed):
    from loanbook.governance import shelf

    reviewed.sign(1)
    digest = reviewed.entries("review")[-1].body["evidence"]
    path = shelf.evidence_path(reviewed.settings, MODEL, 1, digest)
    path.write_text(path.read_text(encoding="utf-8").replace('"seed":7', '"seed":8'), encoding="utf-8")
    with pytest.raises(EvidenceError):
        reviewed.promote(1)


def test_what_a_second_person_signed_becomes_champion_and_scores_with_reasons(promoted):
    assert promoted.registry().get_alias(MODEL, "champion") == 1
    book = promoted.score()
    rows = pq.read_table(book["lies"])
    assert rows.num_rows == book["rows"] == sum(book["decisions"].values())
    assert set(rows["bundle"].to_pylist()) == {promoted.entries("promotion")[-1].body["bundle"]}
    for decision, reasons in zip(rows["decision"].to_pylist(), rows["reasons"].to_pylist(), strict=True):
        assert (len(reasons) == 0) if decision == "approve" else (1 <= len(reasons) <= 4)


def test_scoring_twice_freezes_the_same_book(promoted):
    assert promoted.score() == promoted.score()


def test_several_readers_of_one_champion_do_not_disturb_each_other(promoted):
    from concurrent.futures import ThreadPoolExecutor

    from loanbook.governance import promoting
    from loanbook.training import bundle

    def read(_):
        champion = promoting.champion(promoted.settings, MODEL, promoted.entries()[-1].at)
        return bundle.read(champion.bundle, expected=champion.grant.bundle).cut_offs

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(read, range(12)))
    assert len(set(found)) == 1


# --- a promotion that was interrupted


def test_a_promotion_killed_before_the_alias_moved_is_finished_by_running_it_again(promoted):
    before = len(promoted.entries())
    registry = promoted.registry()
    registry._client.delete_registered_model_alias(MODEL, "champion")
    assert promoted.promote(1)["version"] == 1
    assert registry.get_alias(MODEL, "champion") == 1
    assert len(promoted.entries()) == before


# --- a champion that no longer stands


@pytest.mark.parametrize("verb", ["score", "monitor"])
def test_a_champion_with_one_byte_changed_does_nothing(promoted, verb):
    with one_byte_changed(promoted.kept_bundle(1) / "model.txt"), pytest.raises(AlteredError):
        promoted.call(verb, dataset="world", line=LINE)


def test_a_champion_whose_policy_changed_does_not_score(promoted):
    with loosened(promoted.policy()), pytest.raises(PolicyChangedError):
        promoted.score()


def test_a_champion_with_the_alias_moved_behind_the_ledger_does_not_score(promoted):
    promoted.call("train", dataset="world", line=LINE, seed=11)
    promoted.registry().set_alias(MODEL, "champion", 2)
    with pytest.raises(GovernanceError, match=r"alias champion .* points at version 2"):
        promoted.score()
    promoted.promote(1)
    assert promoted.score()["version"] == 1


def test_a_withdrawn_version_neither_scores_nor_is_promoted(promoted):
    from loanbook.governance import promoting

    promoting.withdraw(promoted.settings, MODEL, 1, "found wanting", promoted.entries()[-1].at)
    with pytest.raises(GovernanceError, match="withdrawn"):
        promoted.score()
    with pytest.raises(GovernanceError, match="withdrawn"):
        promoted.promote(1)


def test_a_version_that_nobody_registered_is_not_withdrawn(promoted):
    from loanbook.governance import promoting

    with pytest.raises(GovernanceError, match="no version 9"):
        promoting.withdraw(promoted.settings, MODEL, 9, "typing", promoted.entries()[-1].at)


def test_rollback_goes_to_the_former_champion_which_scores_again(promoted):
    from loanbook.governance import promoting

    challenger = promoted.call("retrain", dataset="world", line=LINE, seed=11)
    assert challenger["shut"] == []
    promoted.sign(2)
    promoted.promote(2)
    assert promoted.score()["version"] == 2
    promoting.rollback(promoted.settings, MODEL, "it declines too many", promoted.entries()[-1].at)
    assert promoted.registry().get_alias(MODEL, "champion") == 1
    assert promoted.score()["version"] == 1


def test_without_a_former_champion_there_is_no_way_back(promoted):
    from loanbook.governance import promoting

    with pytest.raises(GovernanceError, match="no former champion"):
        promoting.rollback(promoted.settings, MODEL, "just so", promoted.entries()[-1].at)
    assert promoted.score()["version"] == 1


def test_a_book_larger_than_the_approval_allows_is_refused(reviewed):
    reviewed.sign(1, max_applications=10)
    reviewed.promote(1)
    with pytest.raises(ScoringError, match="the approval allows 10"):
        reviewed.score()


def test_a_champion_past_its_review_date_does_not_score(reviewed):
    due = reviewed.entries()[-1].at - timedelta(days=1)
    reviewed.sign(1, review_by=due)
    reviewed.promote(1)
    with pytest.raises(UnsignedError, match="review was due"):
        reviewed.score()


def test_an_empty_book_is_refused(promoted):
    with pytest.raises(ScoringError, match="no application"):
        promoted.score(since="2031-01-01", until="2031-02-01")


def test_an_approval_for_this_place_promotes_nothing_elsewhere(promoted):
    promoted.environment["LOANBOOK_ENVIRONMENT"] = "production"
    try:
        with pytest.raises(UnsignedError, match="no champion in production"):
            promoted.score()
        with pytest.raises(SignatureError, match="environment"):
            promoted.promote(1)
    finally:
        del promoted.environment["LOANBOOK_ENVIRONMENT"]


# --- the ledger


def test_the_ledger_holds_after_the_whole_way_and_tells_of_an_edited_row(promoted):
    from loanbook.governance.ledger import of_home

    book = of_home(promoted.home)
    assert book.verify().holds
    with closing(sqlite3.connect(book.path)) as connection:
        with pytest.raises(sqlite3.DatabaseError, match="the ledger only grows"):
            connection.execute("UPDATE entries SET actor = 'rui' WHERE seq = 1")
        guard = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'no_update'").fetchall()[0][0]
        connection.execute("DROP TRIGGER no_update")
        connection.execute("UPDATE entries SET actor = 'rui' WHERE seq = 1")
        connection.execute(guard)
        connection.commit()
    report = book.verify()
    assert (report.holds, report.broken) == (False, 1)
    with pytest.raises(LedgerError, match="entry 1"):
        promoted.score()
