"""candidate → reviewed: count whose rows stand there with their yes, against their no, or with neither."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from loanbook import lake
from loanbook.schema import Purpose, consents
from loanbook.settings import Settings


def count(settings: Settings, published: Mapping[str, Path], purpose: Purpose) -> dict[str, Any]:
    """Count the rows of each table that hangs on a consent by their customer's word, as it is published.

    A purpose that asks for nobody's yes adds nothing. A table that isn't published isn't named.
    """
    hangs = {table: column for table, column in consents.REFUSED.items() if table in published}
    asked = consents.ASKED.get(purpose)
    if asked is not None and "customers" in published:
        hangs["customers"] = asked
    return {table: _words(settings, published, table, column) for table, column in hangs.items()}


def _words(settings: Settings, published: Mapping[str, Path], table: str, column: str) -> dict[str, Any]:
    query = (
        f"SELECT count(*) FILTER (c.{column}), count(*) FILTER (NOT c.{column}), "
        f"count(*) FILTER (c.{column} IS NULL) FROM {table} AS t LEFT JOIN customers AS c USING (customer_id)"
    )
    with lake.connect(settings) as connection:
        lake.offer(connection, published)
        yes, no, unsaid = connection.execute(query).fetchall()[0]
    return {"by": column, "yes": int(yes), "no": int(no), "unsaid": int(unsaid)}
