"""Messy workbooks made by code, each with what must come of it."""
