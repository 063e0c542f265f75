"""`make bench`: speed and memory."""

from bench import measuring, way_speed

measuring.run({"way": way_speed.rows}, "bench.json")
