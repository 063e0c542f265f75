"""raw and features → refused: which columns know what came later."""
