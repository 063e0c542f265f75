"""raw → validated: read a table or a query of a PostgreSQL, in one order, without a plain copy on disk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, cast

from loanbook.errors import RawFileError
from loanbook.intake import engine
from loanbook.intake.edges.spool import Held
from loanbook.intake.relations import NULL, Columns, Delivery
from loanbook.intake.sources import Database, RawSource

if TYPE_CHECKING:
    import psycopg

    Connection = psycopg.Connection[tuple[Any, ...]]

TIMEOUT = 15  # seconds until a server that doesn't answer is told
# Types of the server that ours can hold exactly; every other one arrives as text.
_KINDS = {
    "bool": "BOOLEAN", "int2": "SMALLINT", "int4": "INTEGER", "int8": "BIGINT", "float4": "FLOAT",
    "float8": "DOUBLE", "date": "DATE", "timestamp": "TIMESTAMP", "timestamptz": "TIMESTAMP",
}  # fmt: skip
_ASKED = "TimeZone=UTC -c DateStyle=ISO -c extra_float_digits=1 -c default_transaction_read_only=on"
_FORM = f"(FORMAT csv, HEADER, NULL '{NULL}', ENCODING 'UTF8')"
_RELATIONS = "SELECT relname FROM pg_catalog.pg_class WHERE relkind IN ('r', 'v', 'm', 'p', 'f')"
_OWN = (
    "SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) FROM pg_catalog.pg_class AS c "
    "JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace "
    "WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f') AND n.nspname !~ '^pg_' "
    "AND n.nspname <> 'information_schema' AND NOT c.relispartition ORDER BY 1"
)


def fetch(sources: Sequence[RawSource], environment: Mapping[str, str]) -> list[Delivery]:
    """Read what these sources ask for; those of one address at one moment. An optional table may be absent.

    Rows come ordered by their own text, so that the same content is the same delivery, and has the same
    row numbers, however the server keeps it.
    """
    asked: dict[str, list[tuple[RawSource, Database]]] = {}
    for source in sources:
        if source.database:
            asked.setdefault(source.database.address, []).append((source, source.database))
    found = []
    for pairs in asked.values():
        with _connected(pairs[0][1], environment) as connection:
            for source, database in pairs:
                found += _read(connection, source, database)
    return found


def _read(connection: Connection, source: RawSource, database: Database) -> list[Delivery]:
    """Copy one query's rows to where they are held."""
    place, held = f"postgresql:{database.table or source.name}", Held()
    with _told(connection, database, place):
        if source.optional and database.table and not _there(connection, database.table):
            return []
        query = _query(connection, database)
        columns = _columns(connection, query)
        ordered = f'SELECT * FROM ({query}\n) AS _all ORDER BY _all::text COLLATE "C"'
        with connection.cursor().copy(f"COPY ({ordered}) TO STDOUT {_FORM}") as rows:
            for part in rows:
                held.write(part)
    return [Delivery.remote(source.name, place, held.done(), columns)]


def tables(address: str, environment: Mapping[str, str]) -> tuple[str, ...]:
    """Name every table and view of a database that isn't its own, as `schema.table`."""
    database = Database(address)
    with _connected(database, environment) as connection, _told(connection, database, f"env:{address}"):
        return tuple(row[0] for row in connection.execute(_OWN).fetchall())


@contextmanager
def _connected(database: Database, environment: Mapping[str, str]) -> Iterator[Connection]:
    """Open the address that an environment variable holds; nothing of it is ever told."""
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    where = f"env:{database.address}"
    right = "Set it to postgresql://user:password@host:5432/database"
    address = environment.get(database.address)
    if not address:
        raise RawFileError(f"{database.address} is not set", where="environment", right=right)
    try:
        given = conninfo_to_dict(address)
    except psycopg.Error:
        raise RawFileError(f"{database.address} holds no address", where=where, right=right) from None
    given["options"] = f"{given.get('options') or ''} -c {_ASKED}".strip()
    given.setdefault("connect_timeout", TIMEOUT)
    try:
        connection = psycopg.connect(**cast(dict[str, Any], given))
    except (psycopg.Error, UnicodeError) as error:
        raise _unreachable(error, where, given.get("password"), address) from None
    with connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        yield connection


def _unreachable(error: Exception, where: str, password: object, address: str) -> RawFileError:
    """Say why a server isn't reached, without what opens it."""
    said = " ".join(str(error).split())
    for secret in (address, str(password or "")):
        said = said.replace(secret, "*****") if secret else said
    if "authentication failed" in said or "no password supplied" in said:
        what, right = "the server refuses the password", "Set the right one in that variable"
    elif "does not exist" in said:
        what, right = f"the server refuses: {said.rpartition('FATAL:')[2].strip()}", "Mend that variable"
    else:
        what, right = f"the server can't be reached: {said}", "Start it, or mend the address in that variable"
    return RawFileError(what, where=where, right=right)


@contextmanager
def _told(connection: Connection, database: Database, place: str) -> Iterator[None]:
    """Turn what the server answers into a sentence."""
    import psycopg

    try:
        yield
    except psycopg.errors.UndefinedTable as error:
        connection.rollback()
        right = f"It has {_near(connection, database)}"
        raise RawFileError(_primary(error), where=place, right=right) from None
    except psycopg.errors.InsufficientPrivilege as error:
        raise RawFileError(_primary(error), where=place, right="Grant SELECT to that user") from None
    except psycopg.OperationalError as error:
        raise RawFileError(
            f"the server broke off: {_primary(error)}", where=place, right="Run again when it stands"
        ) from None
    except psycopg.Error as error:
        raise RawFileError(
            f"the query fails: {_primary(error)}", where=place, right="Mend it in dataset.toml"
        ) from None


def _primary(error: psycopg.Error) -> str:
    return error.diag.message_primary or type(error).__name__


def _near(connection: Connection, database: Database) -> str:
    """Name the tables that look like the one that isn't there."""
    names = [row[0] for row in connection.execute(_RELATIONS)]
    asked = database.table.rpartition(".")[2]
    own = [name for name in names if not name.startswith(("pg_", "sql_"))]
    near = get_close_matches(asked, own, 3, 0.4) or sorted(own)[:12]
    return ", ".join(near) or "no table that this user sees"


def _query(connection: Connection, database: Database) -> str:
    """Write what is asked; a table's name is quoted where the server would fold it away."""
    if database.query:
        return database.query.strip().rstrip(";")
    return f"SELECT * FROM {_there(connection, database.table) or _quoted(database.table)}"


def _there(connection: Connection, table: str) -> str | None:
    """Find a table as it was written, or as it is spelt exactly; give the name by which it is asked."""
    sql = "SELECT coalesce(to_regclass(%s), to_regclass(%s))::text"
    with connection.transaction():
        rows = connection.execute(sql, [table, _quoted(table)]).fetchall()
    found: str | None = rows[0][0]
    return found


def _quoted(table: str) -> str:
    return ".".join(engine.ident(part) for part in table.split("."))


def _columns(connection: Connection, query: str) -> Columns:
    """Describe the query's columns in our types. One statement alone passes here."""
    asked = f"SELECT * FROM ({query}\n) AS _all LIMIT 0"
    cursor = connection.cursor()
    cursor.execute(asked, binary=True)  # the extended protocol takes no second statement
    return tuple((each.name, _kind(connection, each)) for each in cursor.description or ())


def _kind(connection: Connection, column: psycopg.Column) -> str:
    known = connection.adapters.types.get(column.type_code)
    name = known.name if known else ""
    if name == "numeric" and column.precision and column.precision <= 38:
        scale = column.scale or 0
        return f"DECIMAL({column.precision},{scale})" if 0 <= scale <= column.precision else "VARCHAR"
    return _KINDS.get(name, "VARCHAR")
