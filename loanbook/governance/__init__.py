"""candidate → champion: policy, gates, evidence, signatures, ledger, registry."""
