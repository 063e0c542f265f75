"""features → candidate: what is predicted as an amount; by quantiles."""
