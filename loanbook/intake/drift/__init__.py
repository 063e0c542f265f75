"""raw → validated: what a source looks like, and whether it changed."""
