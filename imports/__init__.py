"""A workbook becomes rows, and back: a pure pipeline that knows registers but none by name."""
