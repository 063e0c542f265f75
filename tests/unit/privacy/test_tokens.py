from __future__ import annotations

import hmac
import re
import unicodedata
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from loanbook import lake
from loanbook.errors import PrivacyError
from loanbook.privacy import keyring, tokens, vault
from loanbook.privacy.tokens import Sealer
from loanbook.schema import TABLES, Column, Privacy, Purpose
from loanbook.settings import Settings

from .conftest import PEOPLE, batches

PHONE, SHARED = TABLES["customers"].column("phone"), TABLES["links"].column("shared_key")
SERVED = Column("phone", "VARCHAR", Privacy.IDENTIFYING, frozenset({Purpose.SERVICING}), "the same phone")
BLOCK = tokens.BLOCK
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)


@pytest.fixture(scope="module")
def armed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Sealer, Settings]:
    settings = Settings(home=tmp_path_factory.mktemp("home"), threads=2)
    return tokens.open(settings), settings


def asked(settings: Settings, sealer: Sealer, sql: str, *values: str | None) -> list[str | None]:
    with lake.connect(settings) as connection:
        sealer.arm(connection)
        rows = connection.execute(
            f"SELECT {sql} FROM (SELECT unnest($1::VARCHAR[]) AS v, generate_subscripts($1, 1) AS n) "
            f"ORDER BY n",
            [list(values)],
        ).fetchall()
    return [row[0] for row in rows]


def variables(settings: Settings) -> list[bytes]:
    """Every byte string that could give a key away: the keys and what DuckDB is given of them."""
    found = []
    for key in keyring.opened(settings).uses.values():
        padded = key.ljust(BLOCK, b"\0")
        found += [key, *(bytes(byte ^ by for byte in padded) for by in (tokens.INNER, tokens.OUTER))]
    return found


@hypothesis_settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(values=st.lists(st.none() | TEXTS, min_size=1, max_size=20))
def test_duckdb_makes_the_tokens_that_pythons_hmac_makes(
    armed: tuple[Sealer, Settings], values: list[str | None]
) -> None:
    sealer, settings = armed
    key = keyring.opened(settings).uses["fraud"]

    made = asked(settings, sealer, sealer.token(PHONE, "v"), *values)

    for value, token in zip(values, made, strict=True):
        if value is None:
            assert token is None
            continue
        said = hmac.new(key, value.strip(" ").encode(), "sha256").hexdigest()
        assert token == f"tok_{said[:32]}" == sealer.token_of(PHONE, value)


def test_only_spaces_around_a_value_are_taken_off(armed: tuple[Sealer, Settings]) -> None:
    sealer, settings = armed
    spaced = asked(
        settings, sealer, sealer.token(PHONE, "v"), "1 2", "  1 2 ", "1  2", "\t1 2", "1 2\u3000", ""
    )

    assert spaced[0] == spaced[1]
    assert len(set(spaced)) == 5
    assert all(token and re.fullmatch(r"tok_[0-9a-f]{32}", token) for token in spaced)


def test_the_same_value_has_the_same_token_in_every_table_of_its_purpose(
    armed: tuple[Sealer, Settings],
) -> None:
    sealer, settings = armed
    (pair,) = asked(
        settings, sealer, f"{sealer.token(PHONE, 'v')} = {sealer.token(SHARED, 'v')}", "13800000001"
    )

    assert pair is True


def test_tokens_of_two_purposes_cannot_be_joined(armed: tuple[Sealer, Settings]) -> None:
    sealer, settings = armed
    values = [f"138{n:08}" for n in range(500)]

    one, other = (
        set(asked(settings, sealer, sealer.token(column, "v"), *values)) for column in (PHONE, SERVED)
    )

    assert len(one) == len(other) == 500
    assert not one & other


def test_two_homes_give_other_tokens(armed: tuple[Sealer, Settings], tmp_path: Path) -> None:
    there = tokens.open(Settings(home=tmp_path))

    assert there.token_of(PHONE, "1") != armed[0].token_of(PHONE, "1")


@pytest.mark.parametrize(
    ("privacy", "purposes"),
    [
        (Privacy.IDENTIFYING, {Purpose.FRAUD, Purpose.SERVICING}),
        (Privacy.IDENTIFYING, set()),
        (Privacy.PERSONAL, {Purpose.FRAUD}),
    ],
)
def test_a_column_without_exactly_one_purpose_has_no_token(
    armed: tuple[Sealer, Settings], privacy: Privacy, purposes: set[Purpose]
) -> None:
    column = Column("phone", "VARCHAR", privacy, frozenset(purposes), "a phone")

    for make in (armed[0].token, armed[0].token_of):
        with pytest.raises(PrivacyError, match="exactly one purpose"):
            make(column, "v")


def test_every_identifying_column_of_the_schema_has_a_token(armed: tuple[Sealer, Settings]) -> None:
    columns = [
        column
        for table in TABLES.values()
        for column in table.columns
        if column.privacy is Privacy.IDENTIFYING
    ]

    assert len(columns) >= 8
    assert all(column.reversible <= (column.name in TABLES["customers"].names) for column in columns)
    for column in columns:
        assert armed[0].token(column, "v")


def test_a_column_that_is_no_text_has_a_token_too(armed: tuple[Sealer, Settings]) -> None:
    sealer, settings = armed

    assert asked(settings, sealer, sealer.token(PHONE, "v::BIGINT"), "138") == [sealer.token_of(PHONE, "138")]


@pytest.mark.parametrize(
    "around",
    ["SELECT error({})", "SELECT ({})::INTEGER", "SELECT nosuch, {}", "SELECT {}, (", "SELECT abs({})"],
)
def test_no_error_and_no_sql_shows_a_byte_of_a_key(armed: tuple[Sealer, Settings], around: str) -> None:
    sealer, settings = armed
    sql = around.format(sealer.token(PHONE, "'138'"))
    with lake.connect(settings) as connection:
        sealer.arm(connection)
        with pytest.raises(duckdb.Error) as failed:
            connection.execute(sql)

    said = f"{sql} {failed.value}".lower()
    for secret in variables(settings):
        assert secret.hex() not in said
        assert repr(secret)[2:18].lower() not in said
        assert "".join(f"\\x{byte:02x}" for byte in secret[:4]) not in said
    assert repr(sealer).count("\\x") == 0


def test_a_disarmed_connection_makes_no_token(armed: tuple[Sealer, Settings]) -> None:
    sealer, settings = armed
    with lake.connect(settings) as connection:
        sealer.arm(connection)
        sealer.disarm(connection)
        left = connection.execute("SELECT count(*) FROM duckdb_variables()").fetchall()
        token = connection.execute(f"SELECT {sealer.token(PHONE, chr(39) + '1' + chr(39))}").fetchall()

    assert left == [(0,)]
    assert token == [(None,)]


@pytest.mark.parametrize("sql", ["SELECT GETVARIABLE('x')", "FROM Duckdb_Variables ( )"])
def test_a_mapping_that_asks_for_the_keys_is_known(sql: str) -> None:
    assert tokens.ASKS_FOR_KEYS.search(sql)
    assert not tokens.ASKS_FOR_KEYS.search("SELECT variable, duckdb_variables_of_mine FROM raw.getvariables")


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        (None, None),
        ("", ""),
        ("Ann Lee-9, o'Neil 2nd", "AAA AAA-9, A'AAAA 9AA"),
        ("azAZ09@[`{", "AAAA99@[`{"),
        ("张伟1号", "AA9A"),
        ("Zoë Šimečková", "AAA AAAAAAAAA"),
        ("１２", "99"),
        ("a\ufffdb", "A\ufffdA"),
        ("aï¿½b", "A\ufffdA"),
        ("李锟斤拷1", "A\ufffd9"),
        ("cafÃ©", "AAAÃ©"),
        ("naÃ¯ve â€“ ª", "AAÃ¯AA â€“ ª"),
        ("e\u0301", "A\u0301"),
        ("\t a\n", "\t A\n"),
    ],
)
def test_a_shape_shows_how_a_text_looks_and_not_what_it_says(
    armed: tuple[Sealer, Settings], value: str | None, shape: str | None
) -> None:
    sealer, settings = armed

    assert asked(settings, sealer, tokens.shape("v"), value) == [shape]


@hypothesis_settings(max_examples=60, deadline=None)
@given(values=st.lists(TEXTS, min_size=1, max_size=20))
def test_a_shape_tells_no_letter_and_no_digit_and_breaks_the_same_rules(
    armed: tuple[Sealer, Settings], values: list[str]
) -> None:
    sealer, settings = armed
    lost, garbled = "\ufffd|ï¿½|锟斤拷", "[ÂÃ][\u0080-\u00bf]|â€|[\u0080-\u009f]"

    shapes = asked(settings, sealer, tokens.shape("v"), *values)

    for value, shape in zip(values, shapes, strict=True):
        assert shape is not None
        kept = set(shape) - {"A", "9", *tokens.TELLING}
        assert not [one for one in kept if unicodedata.category(one)[0] == "L" and ord(one) < 0x2FFFF]
        assert bool(re.search(lost, value)) == ("\ufffd" in shape)
        assert bool(re.search(garbled, re.sub(lost, "\ufffd", value))) == bool(re.search(garbled, shape))


def test_who_was_erased_is_known_again_in_duckdb(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, threads=2)
    vault.keep(settings, "it's", batches(PEOPLE))
    assert tokens.open(settings).erased("it's", "v") is None

    token = vault.forget(settings, "it's", "C1")
    sealer = tokens.open(settings)
    condition = sealer.erased("it's", "v")

    assert condition is not None
    assert asked(settings, sealer, condition, "C1", "C2", None) == [True, False, False]
    assert asked(settings, sealer, sealer.remnant("it's", "v"), "C1") == [token]
    assert asked(settings, sealer, sealer.erased("world", "v") or "", "C1") == [False]
