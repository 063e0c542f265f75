"""`make bench`: speed and memory."""

from bench import data_speed, measuring, models_speed, way_speed

measuring.run({"way": way_speed.rows, "data": data_speed.rows, "models": models_speed.rows}, "bench.json")
