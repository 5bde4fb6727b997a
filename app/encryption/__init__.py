"""Sensitive values at rest: encrypted before they reach the database, by keys whose key is not in it."""
