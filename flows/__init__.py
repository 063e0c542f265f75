"""How it moves: one verb per file, no arithmetic."""
