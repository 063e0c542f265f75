from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from loanbook.errors import AlteredError
from loanbook.training import bundle
from loanbook.training.candidates import Made


@pytest.fixture
def folder(made: Made, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made.bundle, tmp_path / "bundle"))


def test_a_bundle_survives_writing_and_reading(made: Made, folder: Path, tmp_path: Path) -> None:
    read = bundle.read(folder, expected=made.record["bundle"])

    assert bundle.write(read, tmp_path / "again") == made.record["bundle"]
    assert bundle.read(tmp_path / "again") == read


@pytest.mark.parametrize("name", bundle.FILES)
def test_one_changed_byte_in_any_file_is_refused(made: Made, folder: Path, name: str) -> None:
    path = folder / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))

    with pytest.raises(AlteredError, match="was signed"):
        bundle.read(folder, expected=made.record["bundle"])


@pytest.mark.parametrize("name", ["extra.txt", "deep/extra.pkl"])
def test_a_file_too_many_is_refused(made: Made, folder: Path, name: str) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).touch()

    with pytest.raises(AlteredError, match="was signed"):
        bundle.read(folder, expected=made.record["bundle"])


@pytest.mark.parametrize("name", bundle.FILES)
def test_a_file_too_few_is_refused_by_name(folder: Path, name: str) -> None:
    (folder / name).unlink()

    with pytest.raises(AlteredError, match=rf"lacks {name}"):
        bundle.read(folder)


def test_a_file_of_another_name_is_refused(made: Made, folder: Path) -> None:
    (folder / "card.json").rename(folder / "Card.json")

    with pytest.raises(AlteredError):
        bundle.read(folder, expected=made.record["bundle"])


def test_a_link_in_place_of_a_file_is_refused(made: Made, folder: Path, tmp_path: Path) -> None:
    (folder / "model.txt").rename(tmp_path / "model.txt")
    (folder / "model.txt").symlink_to(tmp_path / "model.txt")

    with pytest.raises(AlteredError, match="link"):
        bundle.read(folder, expected=made.record["bundle"])


def test_a_bundle_is_text_and_json_and_nothing_else(made: Made) -> None:
    assert sorted(path.name for path in made.bundle.iterdir()) == sorted(bundle.FILES)
    for path in made.bundle.glob("*.json"):
        json.loads(path.read_text(encoding="utf-8"))
    assert (made.bundle / "model.txt").read_text(encoding="ascii").startswith("tree\n")
