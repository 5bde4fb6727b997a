"""The trace: what happened to every record, written by the database itself, sealed so that no change of it goes unseen."""
