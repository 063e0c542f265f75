"""The governed lifecycle of a lender's models: what a lender knows, as plain Python."""
