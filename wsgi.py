"""What `flask` and gunicorn load."""

import gc

gc.disable()  # what is loaded now stays: looking through it for garbage took a quarter of the start

from app.factory import create_app  # noqa: E402

app = create_app()
gc.enable()  # and not frozen: what is frozen is not closed at the end, and SQLite would leave its last pages in the -wal file
