"""The program `creditrisk`: commands by theme, and the one tree that holds them."""

from creditrisk.cli.tree import app, entry_point, main, stage_main

__all__ = ["app", "entry_point", "main", "stage_main"]
