"""Signing in: sessions that the server can end, guessing that is stopped, passwords, duties kept apart, the second step."""
