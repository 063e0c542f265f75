"""The simulated lender: a latent person behind every row, and the truth kept apart from what is seen."""

from loanbook.world.simulate import WorldManifest, simulate
from loanbook.world.spec import DEFAULT_PLANTS, DRIFTS, Plant, WorldSpec

__all__ = ["DEFAULT_PLANTS", "DRIFTS", "Plant", "WorldManifest", "WorldSpec", "simulate"]
