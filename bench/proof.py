"""`make proof`: accuracy, refusals, reconciliation."""

from bench import measuring, way

measuring.run({"way": way.rows}, "proof.json")
