"""Large contents are files beside the database; those that are there stay where they are."""


def up(migrator, db):
    db.execute_sql("ALTER TABLE content ADD COLUMN in_file BOOLEAN NOT NULL DEFAULT false")
    db.execute_sql("CREATE INDEX content_in_file ON content (sha256) WHERE in_file")
