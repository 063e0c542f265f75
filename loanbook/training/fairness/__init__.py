"""features → candidate: how a model falls on protected groups. The only room that sees the attribute."""
