"""`python -m creditrisk.cli` is `creditrisk`."""

from creditrisk.cli import entry_point

if __name__ == "__main__":
    entry_point()
