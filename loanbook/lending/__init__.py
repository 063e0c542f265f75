"""score → decision: what is done with a PD, by policy."""
