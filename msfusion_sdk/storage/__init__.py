"""Parquet files that are complete or refused: written aside, sealed, checked on reading."""
