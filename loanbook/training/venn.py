"""features → candidate: how sure a single PD is, by inductive Venn-Abers. The one door to venn-abers.

A PD is calibrated twice by isotonic regression on the calibration sample: once as if this applicant were
good, once as if bad. One of the two is a calibrated probability, whatever the score's shape, as long as the
applicant is drawn like the sample (Vovk, Petej and Fedorova 2015, arXiv 1511.00213).
"""

from __future__ import annotations

import warnings

import numpy as np
import numpy.typing as npt

from loanbook.errors import TrainingError

Vector = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


def bounds(score: Vector, bad: Flags, asked: Vector) -> tuple[Vector, Vector]:
    """Give the lower and the upper PD of each score asked for, from the calibration sample's."""
    from venn_abers import VennAbers

    if bad.all() or not bad.any():
        raise TrainingError(f"Venn-Abers needs bads and goods, and has {int(bad.sum())} of {len(bad)}")
    with warnings.catch_warnings():
        # venn-abers 1.5 divides 0 by 0 on its way and skips what comes of it; what it gives is tested against
        # the two isotonic fits. Drop when it stops.
        warnings.simplefilter("ignore", RuntimeWarning)
        calibrator = VennAbers().fit(_two(score), bad.astype(int))
    _, pairs = calibrator.predict_proba(_two(asked))
    return np.asarray(pairs[:, 0], dtype=float), np.asarray(pairs[:, 1], dtype=float)


def _two(pd: Vector) -> Vector:
    return np.column_stack([1 - pd, pd])
