"""The store on SQLite: one file beside the settings."""

from kizuna.store.sqlite.database import SqliteConnection, SqliteDatabase

__all__ = ["SqliteConnection", "SqliteDatabase"]
