"""The words: what can go wrong, as one family.

LoanbookError
├── SettingsError            where we run is misdescribed
├── DatasetError             a dataset folder is wrong
├── RawFileError             a delivered file is missing, empty, cut short, or not what was declared
├── MappingError             a mapping's SQL fails or speaks of what the schema doesn't know
├── BatchBlocked             the data is judged unfit as a whole
│   └── DriftedSource        a source delivers another kind of data than before
├── QuarantineError          a held row can't be released, repaired or rejected so
├── PrivacyError             what is private can't be kept so
│   └── MasterKeyError       the master key is missing, wrong or open to others
├── StorageError             the lake can't be read or written
├── FeatureError             a feature table or its declaration is wrong
│   └── LeakError            a feature knows what came later
├── TrainingError            a model can't be made from what is there
│   └── ImmatureError        an outcome was asked for before it is ripe
├── PolicyError              a policy file is wrong, or a value breaks it
├── GovernanceError          the way to champion is closed
│   ├── EvidenceError        evidence is missing, cut short or altered
│   ├── GateError            a gate failed or could not run
│   ├── UnsignedError        too few valid approvals
│   ├── SelfApprovalError    who trained tried to approve
│   ├── SignatureError       a signature, key or signer doesn't hold
│   ├── ReproductionError    made again, a version is another
│   ├── AlteredError         a bundle's bytes are not those that were signed
│   ├── PolicyChangedError   the policy is not the one that was signed
│   └── LedgerError          the ledger's chain is broken or can't be written
├── ScoringError             a book of applications can't be scored
├── WatchingError            production can't be judged
└── ServiceError             a server of ours doesn't start or answer
"""

from __future__ import annotations


class LoanbookError(Exception):
    """Say what is wrong, where, and what would be right."""

    def __init__(self, what: str, *, where: str = "", right: str = "") -> None:
        self.what, self.where, self.right = what, where, right
        place = f" ({where})" if where else ""
        super().__init__(f"{what}{place}" + (f". {right}" if right else ""))

    def __reduce__(self) -> tuple[object, ...]:
        """Survive pickling between processes with all three parts."""
        return _rebuilt, (type(self), self.what, self.where, self.right)


def _rebuilt(kind: type[LoanbookError], what: str, where: str, right: str) -> LoanbookError:
    return kind(what, where=where, right=right)


class SettingsError(LoanbookError):
    """Where we run is misdescribed."""


class DatasetError(LoanbookError):
    """A dataset folder is wrong."""


class RawFileError(LoanbookError):
    """A delivered file is missing, empty, cut short, or not what was declared."""


class MappingError(LoanbookError):
    """A mapping's SQL fails, or speaks of what the schema doesn't know."""


class BatchBlocked(LoanbookError):
    """The data is judged unfit as a whole."""


class DriftedSource(BatchBlocked):
    """A source delivers another kind of data than before."""


class QuarantineError(LoanbookError):
    """A held row can't be released, repaired or rejected so."""


class PrivacyError(LoanbookError):
    """What is private can't be kept so."""


class MasterKeyError(PrivacyError):
    """The master key is missing, wrong or open to others."""


class StorageError(LoanbookError):
    """The lake can't be read or written."""


class FeatureError(LoanbookError):
    """A feature table or its declaration is wrong."""


class LeakError(FeatureError):
    """A feature knows what came later."""


class TrainingError(LoanbookError):
    """A model can't be made from what is there."""


class ImmatureError(TrainingError):
    """An outcome was asked for before it is ripe."""


class PolicyError(LoanbookError):
    """A policy file is wrong, or a value breaks it."""


class GovernanceError(LoanbookError):
    """The way to champion is closed."""


class EvidenceError(GovernanceError):
    """Evidence is missing, cut short or altered."""


class GateError(GovernanceError):
    """A gate failed or could not run."""


class UnsignedError(GovernanceError):
    """Too few valid approvals."""


class SelfApprovalError(GovernanceError):
    """Who trained tried to approve."""


class SignatureError(GovernanceError):
    """A signature, key or signer doesn't hold."""


class ReproductionError(GovernanceError):
    """Made again, a version is another."""


class AlteredError(GovernanceError):
    """A bundle's bytes are not those that were signed."""


class PolicyChangedError(GovernanceError):
    """The policy is not the one that was signed."""


class LedgerError(GovernanceError):
    """The ledger's chain is broken or can't be written."""


class ScoringError(LoanbookError):
    """A book of applications can't be scored."""


class WatchingError(LoanbookError):
    """Production can't be judged."""


class ServiceError(LoanbookError):
    """A server of ours doesn't start or answer."""
