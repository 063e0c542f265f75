"""raw → validated: propose a dataset for raw tables that nobody has described."""
