"""`make proof`: accuracy, refusals, reconciliation."""

from bench import data, measuring, way

measuring.run({"way": way.rows, "data": data.rows}, "proof.json")
