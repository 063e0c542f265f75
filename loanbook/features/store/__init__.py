"""validated → features: Feast declares, joins and serves feature tables. The one door to Feast."""

from loanbook.features.freshness import Freshness, freshness
from loanbook.features.store.declared import Feature, Service, View, service, views
from loanbook.features.store.joining import history
from loanbook.features.store.opening import declare, environment, place
from loanbook.features.store.serving import forget, materialize, read_online, reader

__all__ = [
    "Feature",
    "Freshness",
    "Service",
    "View",
    "declare",
    "environment",
    "forget",
    "freshness",
    "history",
    "materialize",
    "place",
    "read_online",
    "reader",
    "service",
    "views",
]
