"""candidate → reviewed: what a validation team asks for, made from the evidence and what it binds."""
