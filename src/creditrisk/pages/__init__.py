"""JSON in, HTML out: pages that a person reads; no network, no script, nothing from the rooms above."""
