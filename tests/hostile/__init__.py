"""Spoilt files over both books: what each comes to, proved by the real ingestion."""
