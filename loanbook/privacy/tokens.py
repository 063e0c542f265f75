"""What may be known: tokens in the place of what names a person, computed inside DuckDB.

A token is HMAC-SHA256 (RFC 2104) under the key of its column's one purpose: the same value gives the same
token in every table of that purpose, and tokens of two purposes can't be joined.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from loanbook.errors import PrivacyError
from loanbook.intake import engine
from loanbook.intake.engine import ident, text
from loanbook.privacy import keyring, vault
from loanbook.privacy.keyring import DIGITS, ERASED, ERASURE
from loanbook.schema import Column, Privacy, Purpose
from loanbook.settings import Settings

if TYPE_CHECKING:
    import duckdb

PREFIX = "tok_"
BLOCK = 64  # of SHA-256, in bytes
INNER, OUTER = 0x36, 0x5C
LOST = "\ufffd"
# A mapping's SQL runs beside the armed keys, and may not ask for them.
ASKS_FOR_KEYS = re.compile(r"\b(getvariable|duckdb_variables)\b", re.IGNORECASE)
# Letters by which a text read in the wrong encoding is known: they say nothing of whom it names.
TELLING = "ÂÃâªµº"
# U+FFFD itself, and what it becomes when its UTF-8 is read as Latin-1 or GBK
MOJIBAKE = ("ï¿½", "锟斤拷")


@dataclass(frozen=True)
class Sealer:
    """The keys of every purpose, one of which makes a token, and who was erased."""

    _keys: Mapping[str, bytes] = field(repr=False)
    _erased: frozenset[str] = field(repr=False)

    def arm(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Give a connection the keys, as variables: no SQL text and no error holds a byte of them."""
        for use, key in self._keys.items():
            padded = key.ljust(BLOCK, b"\0")
            for name, by in _names(use).items():
                connection.execute(f"SET VARIABLE {name} = $1", [bytes(byte ^ by for byte in padded)])

    def disarm(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Take the keys from a connection again."""
        for use in self._keys:
            for name in _names(use):
                connection.execute(f"RESET VARIABLE {name}")

    def token(self, column: Column, sql: str) -> str:
        """Write the SQL of a value's token: null of null, else tok_ and 32 hex digits."""
        return _token(PREFIX, purpose_of(column), f"trim(({sql})::VARCHAR, ' ')")

    def token_of(self, column: Column, value: str) -> str:
        """Give the token that `token` gives for this value."""
        key = self._keys[purpose_of(column)]
        return PREFIX + hmac.new(key, value.strip(" ").encode(), "sha256").hexdigest()[:DIGITS]

    def remnant(self, dataset: str, sql: str) -> str:
        """Write the SQL of what stands for a customer who was erased, as `Vault.token` gives it."""
        bound = dataset.replace("'", "''")
        return _token(ERASED, ERASURE, f"'{bound}|' || ({sql})")

    def erased(self, dataset: str, sql: str) -> str | None:
        """Write the SQL that tells whether a customer was erased; null where nobody was."""
        if not self._erased:
            return None
        told = ", ".join(f"'{token}'" for token in sorted(self._erased))
        return f"coalesce({self.remnant(dataset, sql)} IN ({told}), false)"


def open(settings: Settings) -> Sealer:
    """Unwrap the purposes' keys, or raise MasterKeyError before anything is written."""
    uses = keyring.opened(settings).uses
    sealing = {use: uses[use] for use in (*(purpose.value for purpose in Purpose), ERASURE)}
    return Sealer(sealing, vault.erased(settings))


def purpose_of(column: Column) -> Purpose:
    """Give the one purpose that a column's tokens serve, or raise PrivacyError."""
    if column.privacy is not Privacy.IDENTIFYING or len(column.purposes) != 1:
        raise PrivacyError(
            f"{column.name} is {column.privacy} and serves {len(column.purposes)} purposes",
            where="loanbook/schema/tables.py",
            right="Tokens are for an identifying column of exactly one purpose: else they join two",
        )
    return next(iter(column.purposes))


def shape(sql: str) -> str:
    """Write the SQL of how a text looks: A for a letter, 9 for a digit, U+FFFD for a lost character."""
    text = f"({sql})::VARCHAR"
    plain = f"translate(upper({text}), 'BCDEFGHIJKLMNOPQRSTUVWXYZ012345678', '{'A' * 25}{'9' * 9}')"
    whole = text
    for sign in MOJIBAKE:
        whole = f"replace({whole}, '{sign}', '{LOST}')"
    letters = f"regexp_replace({whole}, '[^\\P{{L}}{TELLING}]', 'A', 'g')"
    other = f"regexp_replace({letters}, '\\p{{Nd}}', '9', 'g')"
    return f"CASE WHEN strlen({text}) = length({text}) THEN {plain} ELSE {other} END"


def looks(column: str, broken: str) -> str:
    """Write the SQL that says `column like 9999-AA` where the condition holds, else null."""
    start = f"left({ident(column)}::VARCHAR, {engine.SHOWN})"
    return f"CASE WHEN {broken} THEN {text(column + ' like ')} || {shape(start)} END"


def _token(prefix: str, use: str, value: str) -> str:
    inner, outer = (f"getvariable('{name}')" for name in _names(use))
    return f"('{prefix}' || left(sha256({outer} || unhex(sha256({inner} || encode({value})))), {DIGITS}))"


def _names(use: str) -> dict[str, int]:
    """Name the two variables of a key, and what each is padded by."""
    return {f"seal_{use}_inner": INNER, f"seal_{use}_outer": OUTER}
