"""features → candidate: what is predicted as the difference that an offer makes."""
