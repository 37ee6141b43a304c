"""Large contents are files beside the database, in a folder of its own; what is in rows stays there."""

from uuid import uuid4


def up(migrator, db):
    db.execute_sql("ALTER TABLE content ADD COLUMN in_file BOOLEAN NOT NULL DEFAULT false")
    db.execute_sql("CREATE INDEX content_in_file ON content (sha256) WHERE in_file")
    db.execute_sql("CREATE TABLE content_folder (name VARCHAR(32) NOT NULL PRIMARY KEY)")
    named = f"INSERT INTO content_folder (name) VALUES ({db.param})"  # noqa: S608  a mark
    db.execute_sql(named, (uuid4().hex,))
