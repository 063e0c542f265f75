"""What may be known: tokens, vault, purposes, erasure."""
