"""The store on PostgreSQL: any number of processes of one node share it."""

from kizuna.store.postgres.database import PostgresDatabase

__all__ = ["PostgresDatabase"]
