"""Django's admin with django-import-export over the same table. Runs in an environment of its own."""
