"""Raw records in, decisions out: read by the contracts, engineered by the book's SQL, scored, chained, and replayed.

Each part is imported from its own module: who keeps decisions needs no database of features.
"""
