from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pytest

from loanbook.errors import MasterKeyError, PrivacyError
from loanbook.governance.ledger import of_home
from loanbook.privacy import access, keyring, rotation, tokens, vault
from loanbook.privacy.vault import Kept
from loanbook.schema import TABLES, Purpose
from loanbook.settings import Secret, Settings

from .conftest import PEOPLE, batches, drawn, everything, with_keys

NOW = datetime(2026, 11, 23, 9, 30)


def many(count: int, phone: str = "1") -> list[tuple[str, str, str, str]]:
    return [(f"C{n:06}", f"Name {n}", f"{phone}{n:08}", f"{n} Street") for n in range(count)]


def stored(settings: Settings) -> list[tuple[object, ...]]:
    with sqlite3.connect(keyring.path_of(settings)) as connection:
        found = connection.execute("SELECT * FROM customers ORDER BY place").fetchall()
    connection.close()
    return found


def test_what_is_kept_comes_back_and_is_nowhere_plain(settings: Settings) -> None:
    assert vault.keep(settings, "world", batches(PEOPLE, size=1)) == Kept(came=3, written=2)

    assert vault.plain(settings, "world", "C1") == {
        "name": "张伟",
        "phone": "138 0000 0001",
        "address": "12 Somewhere Road",
    }
    assert vault.plain(settings, "world", "C2")["name"] == 'Ann "the \\ cat"\n'
    held = everything(settings.home)
    for _, *values in PEOPLE:
        assert not [value for value in values if value and value.encode() in held]


def test_only_its_owner_may_look_into_the_vault(settings: Settings) -> None:
    vault.keep(settings, "world", batches(PEOPLE))

    path = keyring.path_of(settings)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_what_comes_again_is_not_written_again(settings: Settings) -> None:
    vault.keep(settings, "world", batches(many(200)))
    before = stored(settings)

    assert vault.keep(settings, "world", batches(many(200), size=7)) == Kept(came=200)
    assert stored(settings) == before


def test_only_what_changed_is_written_and_the_last_of_two_stands(settings: Settings) -> None:
    vault.keep(settings, "world", batches(many(100)))
    before = stored(settings)
    changed = [("C000007", "Name 7", "9", "7 Street"), ("C000007", "Name 7", "10", "7 Street")]

    assert vault.keep(settings, "world", batches([*many(7), *changed])) == Kept(came=9, written=1)

    assert vault.plain(settings, "world", "C000007")["phone"] == "10"
    after = stored(settings)
    assert [old for old, new in zip(before, after, strict=True) if old != new] == [before[7]]


def test_a_customer_whose_values_went_missing_is_kept_without_them(settings: Settings) -> None:
    vault.keep(settings, "world", batches(PEOPLE))

    assert vault.keep(settings, "world", batches([("C1", None, None, None)])).written == 1
    assert vault.plain(settings, "world", "C1") == {}


def test_a_row_that_names_nobody_is_counted_and_not_kept(settings: Settings) -> None:
    told = vault.keep(settings, "world", batches([(None, "Nobody", "1", "2"), *PEOPLE]))  # type: ignore[list-item]

    assert told == Kept(came=4, written=2, nameless=1)


def test_the_same_customer_of_two_datasets_is_two(settings: Settings) -> None:
    vault.keep(settings, "world", batches(PEOPLE))
    vault.keep(settings, "other", batches([("C1", "Else", None, None)]))

    assert vault.plain(settings, "world", "C1")["name"] == "张伟"
    assert vault.plain(settings, "other", "C1") == {"name": "Else"}
    with pytest.raises(PrivacyError, match="nothing is kept"):
        vault.plain(settings, "third", "C1")


def test_a_column_that_is_not_reversible_is_refused_before_anything_is_kept(settings: Settings) -> None:
    for names in (["customer_id", "sex"], ["name"]):
        batch = pa.RecordBatch.from_arrays([pa.array(["x"]) for _ in names], names=names)
        with pytest.raises(PrivacyError, match="the vault keeps no"):
            vault.keep(settings, "world", [batch])
    assert stored(settings) == []


def test_two_customers_of_equal_values_cannot_be_told_from_the_vault(settings: Settings) -> None:
    same = [(f"C{n}", "Ann", "1", "2") for n in range(3)]
    vault.keep(settings, "world", batches(same))

    for column in range(4, 7):
        assert len({row[column] for row in stored(settings)}) == 3


@pytest.mark.parametrize("work", ["keep", "plain", "forget", "tokens", "rotate"])
def test_a_wrong_key_is_an_error_before_anything_is_written(home: Path, work: str) -> None:
    right, wrong = with_keys(home, drawn()), with_keys(home, drawn())
    vault.keep(right, "world", batches(PEOPLE))
    before = everything(home)
    does = {
        "keep": lambda: vault.keep(wrong, "world", batches(many(3))),
        "plain": lambda: vault.plain(wrong, "world", "C1"),
        "forget": lambda: vault.forget(wrong, "world", "C1"),
        "tokens": lambda: tokens.open(wrong),
        "rotate": lambda: rotation.rotate(wrong),
    }

    with pytest.raises(MasterKeyError, match="wrapped by key"):
        does[work]()

    assert everything(home) == before


def test_a_key_whose_tag_fails_is_an_error_before_anything_is_written(settings: Settings) -> None:
    vault.keep(settings, "world", batches(PEOPLE))
    with sqlite3.connect(keyring.path_of(settings)) as connection:
        connection.execute("UPDATE keyring SET sealed = zeroblob(60) WHERE use = 'fraud'")
    connection.close()

    with pytest.raises(MasterKeyError, match="doesn't open"):
        vault.keep(settings, "world", batches(many(3)))
    assert len(stored(settings)) == 2


def test_a_ciphertext_put_in_anothers_place_does_not_open(settings: Settings) -> None:
    vault.keep(settings, "world", batches(PEOPLE))
    with sqlite3.connect(keyring.path_of(settings)) as connection:
        connection.execute(
            "UPDATE customers SET (data_key, sealed) = "
            "(SELECT data_key, sealed FROM customers WHERE customer_id = 'C1')"
        )
    connection.close()

    with pytest.raises(MasterKeyError, match="altered"):
        vault.plain(settings, "world", "C2")


def test_a_file_that_is_no_vault_is_told(settings: Settings) -> None:
    vault.keep(settings, "world", batches(PEOPLE))
    keyring.path_of(settings).write_bytes(b"no database" * 100)

    with pytest.raises(PrivacyError, match="can't be used"):
        vault.plain(settings, "world", "C1")


def test_who_is_forgotten_leaves_no_byte_and_does_not_come_back(settings: Settings) -> None:
    vault.keep(settings, "world", batches(PEOPLE))
    *_, data_key, sealed, content = stored(settings)[0]
    assert all(isinstance(part, bytes) and part in everything(settings.home) for part in (data_key, sealed))

    token = vault.forget(settings, "world", "C1")

    held = everything(settings.home)
    assert not [part for part in (data_key, sealed, content) if part in held]  # type: ignore[operator]
    with pytest.raises(PrivacyError, match="nothing is kept"):
        vault.plain(settings, "world", "C1")
    assert vault.keep(settings, "world", batches(PEOPLE)) == Kept(came=3, erased=1)
    assert vault.erased(settings) == {token}
    assert "C1" not in token
    assert vault.forget(settings, "world", "C1") == token
    assert vault.plain(settings, "world", "C2")


def test_a_kill_in_the_midst_loses_nothing_that_a_plain_rerun_does_not_mend(settings: Settings) -> None:
    code = (
        "import os, sys; from pathlib import Path\n"
        "from loanbook.privacy import vault; from loanbook.settings import Settings\n"
        "vault.TOGETHER = 50\n"
        "import pyarrow as pa\n"
        "def rows():\n"
        "    for n in range(200):\n"
        "        if n == 120: os.kill(os.getpid(), 9)\n"
        "        yield pa.RecordBatch.from_pydict({'customer_id': [f'C{n:06}'], 'name': [f'Name {n}']})\n"
        "vault.keep(Settings(home=Path(sys.argv[1])), 'world', rows())"
    )
    done = subprocess.run([sys.executable, "-c", code, str(settings.home)], check=False)
    assert done.returncode == -9
    assert len(stored(settings)) == 100

    names = [(customer, name, None, None) for customer, name, *_ in many(200)]
    assert vault.keep(settings, "world", batches(names)) == Kept(came=200, written=100)  # type: ignore[arg-type]
    assert vault.plain(settings, "world", "C000199") == {"name": "Name 199"}


def test_after_a_rotation_the_old_key_can_be_dropped_and_no_token_moved(home: Path) -> None:
    old, new = drawn(), drawn()
    name = TABLES["customers"].column("name")
    vault.keep(with_keys(home, old), "world", batches(PEOPLE))
    token = tokens.open(with_keys(home, old)).token_of(name, "张伟")

    done = rotation.rotate(with_keys(home, new, old))

    alone = with_keys(home, new)
    assert done.customers == 2
    assert rotation.in_use(alone) == {done.key_id: 2 + len(keyring.USES)}
    assert vault.plain(alone, "world", "C1")["name"] == "张伟"
    assert tokens.open(alone).token_of(name, "张伟") == token
    assert vault.keep(alone, "world", batches(PEOPLE)).written == 0
    with pytest.raises(MasterKeyError):
        vault.keep(with_keys(home, old), "world", batches(PEOPLE))
    assert rotation.rotate(alone).customers == 0


def test_a_rotation_that_was_killed_goes_on_where_it_was(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = drawn(), drawn()
    vault.keep(with_keys(home, old), "world", batches(many(95)))
    both = with_keys(home, new, old)
    monkeypatch.setattr(rotation, "TOGETHER", 10)
    code = (
        "import os, sys; from pathlib import Path\n"
        "from loanbook.privacy import rotation; from loanbook.settings import Secret, Settings\n"
        "rotation.TOGETHER, rewrapped, seen = 10, rotation._rewrapped, []\n"
        "def killed(opened, row):\n"
        "    seen.append(row)\n"
        "    if len(seen) == 45: os.kill(os.getpid(), 9)\n"
        "    return rewrapped(opened, row)\n"
        "rotation._rewrapped = killed\n"
        "rotation.rotate(Settings(home=Path(sys.argv[1]), master_key=Secret(sys.argv[2])))"
    )
    keys = both.master_key.reveal() if both.master_key else ""
    done = subprocess.run([sys.executable, "-c", code, str(home), keys], check=False)
    assert done.returncode == -9

    halfway = rotation.in_use(both)
    assert sorted(halfway.values()) == [40, 55 + len(keyring.USES)]
    assert vault.plain(both, "world", "C000003")
    assert vault.plain(both, "world", "C000094")
    with pytest.raises(MasterKeyError):
        vault.plain(with_keys(home, new), "world", "C000003")
    assert rotation.rotate(both).customers == 55
    assert vault.plain(with_keys(home, new), "world", "C000094")


def test_readers_and_writers_go_on_while_keys_are_rotated(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = drawn(), drawn()
    both = with_keys(home, new, old)
    vault.keep(with_keys(home, old), "world", batches(many(400)))
    monkeypatch.setattr(rotation, "TOGETHER", 5)
    ended, read, failed = threading.Event(), [0], []

    def reading() -> None:
        n = 0
        while not ended.is_set() or not read[0]:
            try:
                found = vault.plain(both, "world", f"C{n % 400:06}")
                vault.keep(both, "world", batches([(f"D{n}", "New", "1", "2")]))
            except Exception as error:
                failed.append(error)
                return
            assert found["name"] == f"Name {n % 400}"
            read[0], n = read[0] + 1, n + 37

    thread = threading.Thread(target=reading)
    thread.start()
    done = rotation.rotate(both)
    ended.set()
    thread.join()

    assert not failed
    assert read[0]
    assert done.customers == 400
    assert set(rotation.in_use(both)) == {done.key_id}


def test_a_key_that_nobody_here_has_stops_a_rotation_before_it_begins(home: Path) -> None:
    old, other, new = drawn(), drawn(), drawn()
    vault.keep(with_keys(home, old), "world", batches(PEOPLE))
    rotation.rotate(with_keys(home, other, old))
    before = everything(home)

    with pytest.raises(MasterKeyError, match="wrapped by key"):
        rotation.rotate(with_keys(home, new, old))
    assert everything(home) == before


def test_who_saw_what_of_whom_and_why_stands_in_the_ledger(settings: Settings) -> None:
    vault.keep(settings, "world", batches(PEOPLE))

    shown = access.reveal(
        settings, "world", "C1", purpose=Purpose.FRAUD, because="a report", actor="ann", at=NOW
    )

    assert shown == vault.plain(settings, "world", "C1")
    (entry,) = of_home(settings.home).entries(access.ACCESS)
    assert (entry.actor, entry.body["because"], entry.body["purpose"]) == ("ann", "a report", "fraud")
    assert entry.body["customer"] == keyring.opened(settings).token("world", "C1")
    assert not [value for value in ("C1", *shown.values()) if f'"{value}"' in str(entry.body)]


@pytest.mark.parametrize(
    ("purpose", "because", "said"),
    [(Purpose.MARKETING, "a campaign", "serves marketing"), (Purpose.FRAUD, " ", "without a reason")],
)
def test_nobody_is_shown_for_another_purpose_or_without_a_reason(
    settings: Settings, purpose: Purpose, because: str, said: str
) -> None:
    vault.keep(settings, "world", batches(PEOPLE))

    with pytest.raises(PrivacyError, match=said):
        access.reveal(settings, "world", "C1", purpose=purpose, because=because, actor="ann", at=NOW)
    assert of_home(settings.home).entries() == ()


def test_a_place_that_keeps_nothing_says_so_and_makes_no_key(settings: Settings) -> None:
    with pytest.raises(PrivacyError, match="there is no vault"):
        vault.plain(settings, "world", "C1")

    assert not vault.knows(settings, "world", "C1")
    assert vault.erased(settings) == frozenset()
    assert not settings.home.exists()


def test_the_master_key_is_in_no_file_of_the_home_when_it_is_given_from_outside(home: Path) -> None:
    import base64

    key = drawn()
    given = replace(Settings(home=home), master_key=Secret(key))
    vault.keep(given, "world", batches(PEOPLE))

    held = everything(home)
    assert key.encode() not in held
    assert base64.b64decode(key) not in held
