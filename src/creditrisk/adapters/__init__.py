"""One file for each outside system: it does what a port asks, and tells failures in this project's words."""
