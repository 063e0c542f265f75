from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from loanbook.errors import AlteredError
from loanbook.governance import seals
from loanbook.governance.seals import Seal


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "bundle"
    (folder / "inner").mkdir(parents=True)
    (folder / "model.txt").write_text("tree")
    (folder / "inner" / "card.json").write_text("{}")
    return folder


@pytest.fixture
def seal(bundle: Path) -> Seal:
    return seals.of_folder(bundle)


def test_the_seal_can_be_made_by_hand(bundle: Path, seal: Seal) -> None:
    files = {
        "model.txt": hashlib.sha256(b"tree").hexdigest(),
        "inner/card.json": hashlib.sha256(b"{}").hexdigest(),
    }
    text = json.dumps(files, sort_keys=True, separators=(",", ":"))
    assert seal == Seal(hashlib.sha256(text.encode()).hexdigest(), files)


def test_a_changed_byte_an_extra_file_a_missing_file_and_a_new_name_change_the_seal(
    bundle: Path, seal: Seal
) -> None:
    (bundle / "model.txt").write_text("trEe")
    found = {seals.of_folder(bundle).digest}
    (bundle / "model.txt").write_text("tree")
    assert seals.of_folder(bundle) == seal
    (bundle / ".extra").write_text("")
    found.add(seals.of_folder(bundle).digest)
    (bundle / ".extra").unlink()
    (bundle / "model.txt").rename(bundle / "model2.txt")
    found.add(seals.of_folder(bundle).digest)
    (bundle / "model2.txt").unlink()
    found.add(seals.of_folder(bundle).digest)
    assert len(found | {seal.digest}) == 5


def test_a_link_in_place_of_a_file_is_refused(bundle: Path, tmp_path: Path) -> None:
    (bundle / "model.txt").rename(tmp_path / "elsewhere.txt")
    (bundle / "model.txt").symlink_to(tmp_path / "elsewhere.txt")
    with pytest.raises(AlteredError, match="link"):
        seals.of_folder(bundle)


def test_no_bundle_and_an_empty_one_are_refused(tmp_path: Path) -> None:
    with pytest.raises(AlteredError, match="no bundle"):
        seals.of_folder(tmp_path / "none")
    with pytest.raises(AlteredError, match="empty"):
        seals.of_folder(tmp_path)
