"""What `flask` and gunicorn load."""

from app.factory import create_app

app = create_app()
