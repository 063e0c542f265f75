"""How a view and its features are declared: type and source columns of each, owner and purpose of all."""

from datetime import timedelta

from feast import Entity, FeatureView, Field, FileSource
from feast.types import Float64, PrimitiveFeastType, String

# A value older than this is unknown, not stale.
YEARS = timedelta(days=3650)
PULL = timedelta(days=365)
ACCOUNT = timedelta(days=180)
MONTHLY = timedelta(days=31)  # the book is looked at anew each month


def number(name: str, *columns: str) -> Field:
    return _field(name, Float64, columns)


def category(name: str, *columns: str) -> Field:
    return _field(name, String, columns)


def _field(name: str, kind: PrimitiveFeastType, columns: tuple[str, ...]) -> Field:
    return Field(name=name, dtype=kind, tags={"from": ",".join(columns)})


def view(
    entity: Entity,
    source: FileSource,
    ttl: timedelta,
    owner: str,
    fields: list[Field],
    purpose: str = "underwriting",
) -> FeatureView:
    return FeatureView(
        name=source.name.removesuffix("_table"),
        entities=[entity],
        ttl=ttl,
        source=source,
        schema=fields,
        owner=owner,
        tags={"purpose": purpose},
    )
