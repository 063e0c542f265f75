from __future__ import annotations

import base64
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from loanbook.errors import MasterKeyError, SettingsError
from loanbook.privacy import keyring, keys, vault
from loanbook.settings import Secret, Settings

from .conftest import PEOPLE, batches, drawn, with_keys


def written(path: Path, *lines: str, mode: int = 0o600) -> Path:
    path.write_text("\n".join(lines) + "\n")
    path.chmod(mode)
    return path


def test_a_local_place_makes_a_key_of_its_own_that_only_its_owner_reads(settings: Settings) -> None:
    vault.keep(settings, "world", batches(PEOPLE))

    own = keys.local_path(settings)
    assert stat.S_IMODE(own.stat().st_mode) == 0o600
    assert len(base64.b64decode(own.read_text())) == 32
    assert [path.name for path in own.parent.iterdir()] == [own.name]


def test_of_many_who_make_the_key_at_once_all_use_the_same_one(settings: Settings) -> None:
    with ThreadPoolExecutor(8) as pool:
        rings = list(pool.map(lambda _: keys.load(settings, begun=False), range(32)))

    assert len({ring.newest.id for ring in rings}) == 1


def test_a_vault_without_its_key_is_refused_and_no_other_key_is_made(settings: Settings) -> None:
    vault.keep(settings, "world", batches(PEOPLE))
    keys.local_path(settings).unlink()

    with pytest.raises(MasterKeyError, match=r"missing.*Restore it"):
        vault.keep(settings, "world", batches(PEOPLE))

    assert not keys.local_path(settings).exists()


@pytest.mark.parametrize("environment", ["production", "test", "Local"])
def test_any_other_place_must_name_its_key(settings: Settings, environment: str) -> None:
    with pytest.raises(MasterKeyError, match=r"no master key is given.*LOANBOOK_MASTER_KEY_FILE"):
        keyring.opened(replace(settings, environment=environment))

    assert not settings.home.exists()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (base64.b64encode(b"x" * 31).decode(), "has 31 bytes"),
        (base64.b64encode(b"x" * 33).decode(), "has 33 bytes"),
        ("no base64!", "no base64"),
        ("", "has 0 bytes"),
        (",", "has 0 bytes"),
    ],
)
def test_a_key_of_another_length_or_writing_is_refused_and_not_told(
    settings: Settings, given: str, said: str
) -> None:
    with pytest.raises(MasterKeyError, match=said) as error:
        keyring.opened(replace(settings, master_key=Secret(given)))

    assert not given.strip(",") or given not in str(error.value)
    assert not settings.home.exists()


def test_an_empty_variable_is_refused_where_it_is_read() -> None:
    for name in ("LOANBOOK_MASTER_KEY", "LOANBOOK_MASTER_KEY_FILE"):
        with pytest.raises(SettingsError, match=f"{name} is empty"):
            Settings.read({name: ""})


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o400, 0o700])
def test_a_file_that_others_may_read_or_that_is_otherwise_open_is_refused(
    settings: Settings, tmp_path: Path, mode: int
) -> None:
    path = written(tmp_path / "master.key", drawn(), mode=mode)

    with pytest.raises(MasterKeyError, match=f"has mode {mode:o}.*chmod 600"):
        keyring.opened(replace(settings, master_key_file=path))


def test_a_missing_empty_or_unreadable_file_is_refused(settings: Settings, tmp_path: Path) -> None:
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe")
    binary.chmod(0o600)
    for path, said in (
        (tmp_path / "nowhere", "is missing"),
        (written(tmp_path / "empty"), "there is no master key"),
        (binary, "can't be read"),
        (tmp_path, "has mode"),
    ):
        with pytest.raises(MasterKeyError, match=said):
            keyring.opened(replace(settings, master_key_file=path))


def test_two_names_for_the_key_and_the_same_key_twice_are_refused(settings: Settings, tmp_path: Path) -> None:
    key = drawn()
    path = written(tmp_path / "master.key", key)

    with pytest.raises(MasterKeyError, match="two places"):
        keyring.opened(replace(settings, master_key=Secret(key), master_key_file=path))
    with pytest.raises(MasterKeyError, match="twice"):
        keyring.opened(replace(settings, master_key=Secret(f"{key},{key}")))


def test_a_file_and_a_variable_give_the_same_keys_newest_first(home: Path, tmp_path: Path) -> None:
    new, old = drawn(), drawn()
    from_file = keys.load(
        Settings(home=home, master_key_file=written(tmp_path / "master.key", new, old)), begun=False
    )
    from_variable = keys.load(with_keys(home, new, old), begun=False)

    assert [key.id for key in from_file.keys] == [key.id for key in from_variable.keys]
    assert from_file.newest.id == keys.load(with_keys(home, new), begun=False).newest.id


def test_a_key_is_known_by_an_id_that_does_not_come_from_its_bytes_alone(home: Path) -> None:
    import hashlib

    text = drawn()
    ring = keys.load(with_keys(home, text), begun=False)

    assert ring.newest.id != hashlib.sha256(base64.b64decode(text)).hexdigest()[:16]
    assert len(ring.newest.id) == 16
    assert text not in repr(ring)


def test_a_key_is_added_before_the_others_and_dropped_when_it_wraps_nothing(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "master.key"
    first, second, third = (keys.add(path) for _ in range(3))

    assert third.keys[1:] == tuple(third.of(key.id, path) for key in second.keys)
    assert second.keys[1].id == first.newest.id
    kept = keys.drop(path, lambda key: key == second.newest.id)
    assert [key.id for key in kept.keys] == [third.newest.id, first.newest.id]
    assert keys.drop(path, lambda _: True).keys[0].id == third.newest.id
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_what_is_sealed_for_one_opens_for_no_other_and_with_no_byte_changed(tmp_path: Path) -> None:
    by = keys.cipher(os.urandom(32))
    sealed = keys.seal(by, b"plain", b"world|C1")

    assert keys.unseal(by, sealed, b"world|C1", tmp_path) == b"plain"
    changed = sealed[:-1] + bytes([sealed[-1] ^ 1])
    for bad, bound in ((sealed, b"world|C2"), (changed, b"world|C1"), (b"", b"world|C1")):
        with pytest.raises(MasterKeyError, match="doesn't open"):
            keys.unseal(by, bad, bound, tmp_path)
