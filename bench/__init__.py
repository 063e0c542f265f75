"""The measured comparisons: `make bench` for speed and memory, `make proof` for everything else."""
