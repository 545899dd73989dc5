"""The processes that encode slides: pools, retries, staging, stopping."""
