"""raw → validated: mapping, snapshots, quality, quarantine, publishing."""
