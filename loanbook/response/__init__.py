"""features → candidate: what is predicted as the answer of a balance and a default to a dose."""
