"""The store on SQLite: one file beside the settings."""

from kizuna.store.sqlite.database import FILE, SqliteConnection, SqliteDatabase

__all__ = ["FILE", "SqliteConnection", "SqliteDatabase"]
