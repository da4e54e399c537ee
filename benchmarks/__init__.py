"""What is fast, right and small, measured beside what our users would pick instead. `python -m benchmarks --help`."""
