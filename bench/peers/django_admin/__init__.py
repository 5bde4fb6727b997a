"""Django's admin over the same table: forty registered models. Runs in an environment of its own."""
