from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from loanbook import digests

finite = st.floats(allow_nan=False, allow_infinity=False)
json = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), finite, st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(), inner, max_size=4)),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(value=st.dictionaries(st.text(), json, max_size=6))
def test_the_order_of_keys_changes_no_digest(value: dict[str, Any]) -> None:
    assert digests.of_json(value) == digests.of_json(dict(reversed(value.items())))


def test_canonical_json_is_written_in_one_way() -> None:
    assert digests.canonical({"b": [1, 2.5, None], "a": "车"}) == '{"a":"车","b":[1,2.5,null]}'.encode()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"a": [float("-inf")]}])
def test_what_is_no_json_number_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="JSON"):
        digests.of_json(value)


@pytest.mark.parametrize("value", [{1, 2}, object(), b"bytes", {"a": Path("x")}])
def test_what_json_does_not_know_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        digests.of_json(value)


def test_one_two_and_true_are_three_things() -> None:
    assert len({digests.of_json(value) for value in (1, 2, True, 1.0, "1", None, [1], {"1": 1})}) == 8


def test_a_file_has_the_digest_that_sha256sum_prints(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"loan" * 300_000)

    assert digests.of_file(path) == hashlib.sha256(b"loan" * 300_000).hexdigest()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("a.py", "deep/b.py", "c.sql", "d.md"):
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "tree"


def test_a_tree_is_named_by_its_files_and_not_by_where_it_lies(tree: Path, tmp_path: Path) -> None:
    before = digests.of_tree(tree, [".py", ".sql"])

    assert digests.of_tree(tree.rename(tmp_path / "moved"), [".sql", ".py"]) == before


@pytest.mark.parametrize("change", ["byte", "name", "more", "less"])
def test_any_change_of_a_tree_changes_its_digest(tree: Path, change: str) -> None:
    before = digests.of_tree(tree, [".py", ".sql"])
    match change:
        case "byte":
            (tree / "deep" / "b.py").write_text("deep/b.pz")
        case "name":
            (tree / "a.py").rename(tree / "e.py")
        case "more":
            (tree / "f.py").touch()
        case "less":
            (tree / "c.sql").unlink()

    assert digests.of_tree(tree, [".py", ".sql"]) != before


def test_other_files_do_not_count(tree: Path) -> None:
    before = digests.of_tree(tree, [".py", ".sql"])
    (tree / "d.md").write_text("changed")

    assert digests.of_tree(tree, [".py", ".sql"]) == before
