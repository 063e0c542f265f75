"""held → ruled: every row accounted for: what is held and why, what people ruled, where a row came from."""
