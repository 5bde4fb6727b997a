"""django-import-export over the same columns, by command and in Django's admin. Runs in an environment of its own."""
