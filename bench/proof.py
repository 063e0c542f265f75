"""`make proof`: accuracy, refusals, reconciliation."""

from bench import data, measuring, models, way

measuring.run({"way": way.rows, "data": data.rows, "models": models.rows}, "proof.json")
