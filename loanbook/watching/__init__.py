"""production → verdict: whether the champion still holds."""
