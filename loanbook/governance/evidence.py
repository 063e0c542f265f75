"""candidate → champion: all that a decision on a version stands on, under one digest.

The evidence as text is the canonical JSON of its facts, so `sha256sum evidence.json` prints the
digest that people sign.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from loanbook import digests
from loanbook.errors import EvidenceError
from loanbook.governance import gates, reading
from loanbook.governance.policy import Policy
from loanbook.governance.reading import UnreadableFact

FORMAT = 1
IDENTITY = ("dataset", "line", "model", "trained_by", "trained_at", "requested_by")
SECTIONS = (
    "bundle", "data", "features", "code", "policy", "predictions", "split", "method", "samples",
    "metrics", "stability", "fairness", "maturity", "judged", "environment",
)  # fmt: skip
KEYS = frozenset({"format", "version", "seed", "threads", "gates", *IDENTITY, *SECTIONS})
BOUND = (("bundle", "digest"), ("predictions", "digest"), ("policy", "digest"))


@dataclass(frozen=True)
class Evidence:
    """The facts as plain JSON, and their SHA-256."""

    facts: Mapping[str, Any]
    digest: str

    @property
    def text(self) -> str:
        """Write it as it is hashed."""
        return digests.canonical(dict(self.facts)).decode()

    @property
    def line(self) -> str:
        """The line it speaks of."""
        return str(self.facts["line"])

    @property
    def model(self) -> str:
        """The registered model."""
        return str(self.facts["model"])

    @property
    def version(self) -> int:
        """The registered version."""
        return int(self.facts["version"])


def assemble(facts: Mapping[str, Any], policy: Policy) -> Evidence:
    """Run the policy's gates on the facts, add their answers as `gates`, and hash the whole.

    A number that is none (NaN, infinity) becomes null, which no gate passes. Facts that are missing,
    unknown, or no plain JSON raise EvidenceError, as does a policy other than the one they name.
    """
    if "gates" in facts:
        raise EvidenceError("the facts bring their own gates", right="The gates are run here")
    plain = _plain(facts, "facts")
    whole = {**plain, "gates": [result.as_json() for result in gates.run(policy, plain)]}
    check_shape(whole)
    if whole["policy"]["digest"] != policy.digest or whole["line"] != policy.line:
        raise EvidenceError(
            f"the facts name policy {whole['policy']['digest'][:12]} of {whole['line']}",
            where=f"policy {policy.digest[:12]} of {policy.line}",
            right="Review with the policy that the evidence binds",
        )
    return Evidence(MappingProxyType(whole), digests.of_json(whole))


def load(text: str | None, digest: str) -> Evidence:
    """Read evidence that must have this digest; missing, empty, cut or edited raises EvidenceError."""
    if not text:
        raise EvidenceError("the evidence is missing or empty", right="Review the version again")
    try:
        facts = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise EvidenceError(f"the evidence is no JSON: {error}", right="Review again") from None
    if not isinstance(facts, dict):
        raise EvidenceError("the evidence is no JSON object", right="Review the version again")
    found = digests.of_bytes(text.encode(errors="surrogatepass"))
    if found != digest:
        raise EvidenceError(
            f"the evidence hashes to {found[:12]}", right=f"Recorded is {digest[:12]}: review again"
        )
    evidence = Evidence(MappingProxyType(facts), digest)
    verify(evidence)
    return evidence


def verify(evidence: Evidence) -> None:
    """Hold evidence to its own digest and shape, or raise EvidenceError."""
    check_shape(evidence.facts)
    try:
        found = digests.of_json(dict(evidence.facts))
    except (TypeError, ValueError) as error:
        raise EvidenceError(f"the evidence is no plain JSON: {error}") from None
    if found != evidence.digest:
        raise EvidenceError(
            f"the evidence hashes to {found[:12]}",
            where=f"{evidence.model} version {evidence.version}",
            right=f"It says {evidence.digest[:12]}: review again",
        )


def check_shape(facts: Mapping[str, Any]) -> None:
    """Find every section there and nothing unknown, and what a signature binds readable."""
    lacking, unknown = KEYS - facts.keys(), facts.keys() - KEYS
    if lacking or unknown:
        wrong = ", ".join(sorted(lacking)) or ", ".join(sorted(map(str, unknown)))
        fault = "lacks" if lacking else "has unknown"
        raise EvidenceError(f"the evidence {fault} {wrong}", right="Assemble it again")
    if facts["format"] != FORMAT or isinstance(facts["format"], bool):
        raise EvidenceError(f"the evidence is of format {facts['format']!r}", right=f"Known is {FORMAT}")
    try:
        _check_kinds(facts)
    except UnreadableFact as reason:
        raise EvidenceError(f"the evidence can't be used: {reason}") from None


def _check_kinds(facts: Mapping[str, Any]) -> None:
    for name in IDENTITY:
        reading.text(facts, name)
    if not reading.count(facts, "version"):
        raise UnreadableFact("version is 0")
    for name in SECTIONS:
        if not isinstance(facts[name], Mapping):
            raise UnreadableFact(f"{name} is no mapping")
    for path in BOUND:
        reading.digest(facts, *path)
    files = reading.mapping(facts, "bundle", "files")
    if digests.of_json(dict(files)) != facts["bundle"]["digest"]:
        raise UnreadableFact("bundle.files don't add up to bundle.digest")
    if not isinstance(facts["gates"], list | tuple) or not facts["gates"]:
        raise UnreadableFact("gates holds nothing")


def _plain(value: object, where: str) -> Any:
    """Copy into plain JSON: NaN and infinity become null, everything else that JSON lacks is refused."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise EvidenceError("a key is no text", where=where)
        return {key: _plain(inner, f"{where}.{key}") for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner, f"{where}[{index}]") for index, inner in enumerate(value)]
    raise EvidenceError(f"{type(value).__name__} is no plain JSON", where=where)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number")
