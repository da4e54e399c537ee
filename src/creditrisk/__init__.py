"""From raw loan tables to a probability of default that may be used."""

__version__ = "0.1.0"
