from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from loanbook import lake
from loanbook.errors import PrivacyError
from loanbook.governance.chain import Entry
from loanbook.governance.ledger import of_home
from loanbook.held import repairs
from loanbook.intake import book, publishing
from loanbook.intake.book import Ruling
from loanbook.lake import Lake
from loanbook.privacy import erasure, keyring, places, vault, works
from loanbook.privacy.works import Work

NOW = datetime(2026, 11, 23, 9, 30)
HIM = "C5"


def asked(lender: Any, customer: str = HIM) -> str:
    made = erasure.ask(lender.settings, "tiny", customer, because="he asked for it")
    assert isinstance(made, Work)
    return made.token


def carried_out(lender: Any, token: str) -> Entry:
    erasure.begin(lender.settings, token, NOW)
    erasure.destroy(lender.settings, token)
    stands = erasure.take_out(lender.settings, token)
    erasure.clear(lender.settings, token, [lender.again(stands).id])
    return erasure.prove(lender.settings, token, NOW)


def in_lake(lender: Any, needle: str) -> list[str]:
    """Name the files of a home folder, Parquet read as text, that hold a text."""
    whole = re.compile(rf"(?<![\w-]){re.escape(needle)}(?![\w-])")
    found = []
    for path in lender.settings.home.rglob("*"):
        if not path.is_file():
            continue
        if path.parent.name == "vault" and len(needle) < 8:
            # two letters stand in random bytes by chance: ask the vault itself
            if vault.knows(lender.settings, "tiny", needle):
                found.append(path.relative_to(lender.settings.home).as_posix())
            continue
        said = (
            str(parquet.read_table(path).to_pylist())
            if path.suffix == ".parquet"
            else path.read_bytes().decode("utf-8", "replace")
        )
        if whole.search(said):
            found.append(path.relative_to(lender.settings.home).as_posix())
    return found


def test_nothing_of_who_is_erased_is_left_anywhere(lender: Any) -> None:
    assert len(in_lake(lender, HIM)) > 10

    proof = carried_out(lender, asked(lender))

    assert in_lake(lender, HIM) == []
    assert in_lake(lender, "device-5-Canary") == []
    assert in_lake(lender, f"text of {HIM}") == []
    assert proof.body["mentions"] == []
    with pytest.raises(PrivacyError):
        vault.plain(lender.settings, "tiny", HIM)
    assert vault.plain(lender.settings, "tiny", "C6")["name"] == "Name6 Canary"


def test_what_law_demands_stays_under_a_token_and_every_other_row_as_it_was(lender: Any) -> None:
    before = publishing.current(lender.settings, "tiny", verify=True)
    others = {
        name: lender.rows(f"SELECT * FROM '{path}' WHERE customer_id <> '{HIM}' ORDER BY ALL")
        for name, path in before.paths.items()
        if name != "repayments"
    }
    repayments = lender.rows(f"SELECT * FROM '{before.path('repayments')}' ORDER BY ALL")

    token = asked(lender)
    carried_out(lender, token)

    after = publishing.current(lender.settings, "tiny", verify=True)
    for name, rows in others.items():
        path = after.path(name)
        assert lender.rows(f"SELECT * FROM '{path}' WHERE customer_id <> '{token}' ORDER BY ALL") == rows, (
            name
        )
    counts = {
        name: lender.rows(f"SELECT count(*) FROM '{path}' WHERE customer_id = '{token}'")[0][0]
        for name, path in after.paths.items()
        if name != "repayments"
    }
    assert counts == {"customers": 1, "applications": 4, "loans": 4, "transactions": 0, "links": 0}
    assert lender.rows(f"SELECT * FROM '{after.path('repayments')}' ORDER BY ALL") == repayments
    assert lender.rows(
        f"SELECT DISTINCT name, phone, birth_date, region, consent_marketing "
        f"FROM '{after.path('customers')}' WHERE customer_id = '{token}'"
    ) == [(None, None, None, None, None)]
    assert lender.rows(
        f"SELECT DISTINCT amount::INTEGER, purpose, device_id, free_text FROM '{after.path('applications')}' "
        f"WHERE customer_id = '{token}'"
    ) == [(105, "car", None, None)]


def test_every_row_that_was_ever_read_is_still_accounted_for(lender: Any) -> None:
    before = {one.table: one.read for one in publishing.current(lender.settings, "tiny").tables}

    carried_out(lender, asked(lender))

    after = publishing.current(lender.settings, "tiny")
    for one in after.tables:
        assert one.read == before[one.table]
        rows = one.published.rows + one.held.rows + one.superseded.rows
        assert one.read == rows + one.repeats + one.erased, one.table
    assert {one.table: one.erased for one in after.tables if one.erased} == {"transactions": 4, "links": 4}


def test_the_proof_names_places_rows_files_and_why_something_is_kept(lender: Any) -> None:
    token = asked(lender)
    parts = {path.stem for path in lender.settings.home.rglob("snapshots/*/*.parquet")}

    proof = carried_out(lender, token)

    assert proof.body["customer"] == token
    assert proof.body["because"] == "he asked for it"
    assert proof.body["rows"]["snapshots"] == {
        "customers": 2, "applications": 4, "loans": 4, "transactions": 4, "links": 4,
    }  # fmt: skip
    assert set(proof.body["kept"]) == {"customers", "applications", "loans"}
    assert "HGB" in proof.body["kept"]["loans"]
    assert set(proof.body["files"]) <= parts
    now = {path.stem for path in lender.settings.home.rglob("snapshots/*/*.parquet")}
    assert set(proof.body["files"].values()) <= now
    assert not set(proof.body["files"]) & now
    assert [entry.kind for entry in of_home(lender.settings.home).entries()] == [
        erasure.BEGUN,
        erasure.ERASED,
    ]
    assert works.find(lender.settings, token) is None


def test_who_is_unknown_is_refused_and_nothing_is_written(lender: Any) -> None:
    with pytest.raises(PrivacyError, match="nothing of this customer"):
        erasure.ask(lender.settings, "tiny", "C999", because="he asked")
    with pytest.raises(PrivacyError, match="without a reason"):
        erasure.ask(lender.settings, "tiny", HIM, because=" ")
    with pytest.raises(PrivacyError, match="nobody asked"):
        erasure.begin(lender.settings, "erased_x", NOW)

    assert of_home(lender.settings.home).entries() == ()
    assert in_lake(lender, "C999") == []


def test_who_was_erased_is_said_to_be(lender: Any) -> None:
    proof = carried_out(lender, asked(lender))

    again = erasure.ask(lender.settings, "tiny", HIM, because="once more")

    assert isinstance(again, Entry)
    assert again.seq == proof.seq
    assert len(of_home(lender.settings.home).entries()) == 2


STEPS = ("begun", "destroyed", "rewritten", "written", "swept", "published", "cleared", "proven")


@pytest.mark.parametrize("killed", STEPS)
def test_a_kill_anywhere_and_a_plain_rerun_give_the_same_end(
    lender: Any, killed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class KilledError(BaseException):
        pass

    def at(step: str) -> None:
        if step == killed:
            raise KilledError

    token = asked(lender)
    with monkeypatch.context() as patched:
        write, sweep, rewritten = book.write, erasure._sweep, erasure.parting.rewritten
        done = works.done

        def frozen(*args: Any) -> Any:
            made = rewritten(*args)
            at("rewritten")
            return made

        def wrote(*args: Any) -> Any:
            made = write(*args)
            at("written")
            return made

        def swept(*args: Any) -> None:
            sweep(*args)
            at("swept")

        def forgot(*args: Any) -> None:
            at("proven")
            done(*args)

        patched.setattr(erasure.parting, "rewritten", frozen)
        patched.setattr(erasure.book, "write", wrote)
        patched.setattr(erasure, "_sweep", swept)
        patched.setattr(works, "done", forgot)

        def going() -> None:
            erasure.begin(lender.settings, token, NOW)
            at("begun")
            erasure.destroy(lender.settings, token)
            at("destroyed")
            stands = erasure.take_out(lender.settings, token)
            kept = lender.again(stands).id
            at("published")
            erasure.clear(lender.settings, token, [kept])
            at("cleared")
            erasure.prove(lender.settings, token, NOW)

        with pytest.raises(KilledError):
            going()

    assert asked(lender) == token
    proof = carried_out(lender, token)

    assert in_lake(lender, HIM) == []
    assert proof.body["rows"]["snapshots"]["transactions"] == 4
    assert len(proof.body["files"]) == 10
    publication = publishing.current(lender.settings, "tiny", verify=True)
    assert {one.table: one.erased for one in publication.tables if one.erased} == {
        "transactions": 4,
        "links": 4,
    }
    assert len(of_home(lender.settings.home).entries()) == 2


def test_a_ruling_follows_its_row_and_one_on_a_row_that_goes_is_gone(lender: Any) -> None:
    stands = book.read(lender.settings, "tiny")
    part = stands.batches[0].part("transactions")
    assert part is not None
    path = book.part_path(lender.settings, "tiny", part)
    keys = [row[0] for row in lender.rows(f"SELECT transaction_id FROM '{path}'")]
    last, his = keys[-1], next(n for n, key in enumerate(keys) if key == "T2020-5-1")
    rulings = tuple(
        Ruling(f"{part.digest[:12]}-{place}", "transactions", "reject", f"entry {place}")
        for place in (0, his, len(keys) - 1)
    )
    book.write(lender.settings, book.replace(stands, rulings=rulings))
    lender.again(book.read(lender.settings, "tiny"))

    carried_out(lender, asked(lender))

    after = book.read(lender.settings, "tiny")
    left = after.batches[0].part("transactions")
    assert left is not None
    assert [ruling.row for ruling in after.rulings] == [
        f"{left.digest[:12]}-0", f"{left.digest[:12]}-{len(keys) - 3}",
    ]  # fmt: skip
    new = book.part_path(lender.settings, "tiny", left)
    assert lender.rows(f"SELECT transaction_id FROM '{new}'")[len(keys) - 3][0] == last


def test_a_customer_whose_row_is_held_or_was_superseded_is_erased_too(lender: Any) -> None:
    path = publishing.current(lender.settings, "tiny").held_path("applications")
    assert ("A2020-3-2",) in lender.rows(f"SELECT application_id FROM '{path}'")

    carried_out(lender, asked(lender, "C3"))

    assert in_lake(lender, "C3") == []
    assert in_lake(lender, "device-3-Canary") == []


def kinds(lender: Any) -> list[str]:
    return [entry.kind for entry in of_home(lender.settings.home).entries()]


def learned(lender: Any) -> Path:
    """Lay down a frame, a candidate trained on it, and a book of decisions."""
    root = Lake(lender.settings.home)
    with lake.connect(lender.settings) as connection:
        rows = (
            "SELECT 'A' || i AS application_id, 'C' || i AS customer_id, i AS amount FROM range(1, 21) r(i)"
        )
        frame, _ = lake.freeze(connection, rows, root.frames("tiny"))
        lake.freeze(connection, f"SELECT *, 'approve' AS decision FROM ({rows})", root.decisions("tiny"))
        folder = root.candidates("tiny") / "abc"
        sampled = f"SELECT *, CASE WHEN amount < 10 THEN 'fit' ELSE 'report' END AS sample FROM ({rows})"
        lake.copy_out(connection, sampled, folder / "predictions.parquet")
    from loanbook import digests

    record = {"frame": frame, "predictions": digests.of_file(folder / "predictions.parquet")}
    lake.write_json(folder / "training.json", {**record, "line": "underwriting/consumer"})
    return folder


def test_models_that_learned_from_the_customer_are_named_and_their_records_follow(lender: Any) -> None:
    from loanbook import digests

    folder = learned(lender)
    before = lake.read_json(folder / "training.json")

    proof = carried_out(lender, asked(lender))

    assert proof.body["models"] == [{"candidate": "abc", "samples": {"fit": 1}, "versions": []}]
    assert in_lake(lender, HIM) == []
    after = lake.read_json(folder / "training.json")
    assert after["predictions"] == digests.of_file(folder / "predictions.parquet") != before["predictions"]
    assert after["frame"] != before["frame"]
    root = Lake(lender.settings.home)
    (frame,) = root.frames("tiny").glob("*.parquet")
    (decisions,) = root.decisions("tiny").glob("*.parquet")
    assert frame.stem == after["frame"] == digests.of_file(frame)
    assert decisions.stem == digests.of_file(decisions)
    assert lender.rows(f"SELECT count(*) FROM '{frame}'") == [(19,)]
    token = proof.body["customer"]
    for path in (decisions, folder / "predictions.parquet"):
        assert lender.rows(f"SELECT application_id FROM '{path}' WHERE customer_id = '{token}'") == [("A5",)]
        assert lender.rows(f"SELECT count(*) FROM '{path}'") == [(20,)]


def test_a_report_that_names_the_customer_is_told_and_one_of_a_longer_name_is_not(lender: Any) -> None:
    reports = Lake(lender.settings.home).reports("tiny")
    lake.write_text(reports / "a.html", f"<p>{HIM} was late</p>")
    lake.write_text(reports / "b.html", f"<p>{HIM}5, X{HIM} and {HIM}-1 were late</p>")

    proof = carried_out(lender, asked(lender))

    assert proof.body["mentions"] == ["reports/tiny/a.html"]


def test_a_repair_of_the_customer_that_waits_for_a_second_person_goes_too(lender: Any) -> None:
    part = book.read(lender.settings, "tiny").batches[0].part("applications")
    assert part is not None
    rows = f"FROM '{book.part_path(lender.settings, 'tiny', part)}' WHERE customer_id"
    folder = repairs.pending(lender.settings, "tiny", "").parent
    with lake.connect(lender.settings) as connection:
        _, his = lake.freeze(connection, f"{rows} = '{HIM}'", folder)
        _, another = lake.freeze(connection, f"{rows} = 'C4'", folder)

    proof = carried_out(lender, asked(lender))

    assert not his.exists()
    assert another.exists()
    assert in_lake(lender, HIM) == []
    assert proof.body["rows"]["catalog"] == {"rows": 2}


def test_rows_that_came_after_it_began_keep_the_proof_from_being_written(lender: Any) -> None:
    token = asked(lender)
    erasure.begin(lender.settings, token, NOW)
    erasure.destroy(lender.settings, token)

    with pytest.raises(PrivacyError, match=r"is left.*snapshots"):
        erasure.prove(lender.settings, token, NOW)
    assert kinds(lender) == [erasure.BEGUN]
    assert HIM not in str(of_home(lender.settings.home).entries()[0].body)


def test_every_place_is_walked(lender: Any) -> None:
    learned(lender)

    found = {one.place for one in places.found(lender.settings, "tiny", HIM)}

    assert found == {"snapshots", "published", "quarantine", "frames", "candidates", "decisions"}
    assert keyring.opened(lender.settings).token("tiny", HIM) != keyring.opened(lender.settings).token(
        "t", HIM
    )
