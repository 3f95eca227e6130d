"""The tables of the event store in SQLite."""

from typing import Final

# Rows of all partitions go to the end of the file. With (partition, position) as the key of the table, the same load
# spread over 64 partitions was written at half the speed; with an index on it, a commit of 32 events over 26
# partitions still changed 26 pages of that index, and took half as long again. So `place` is that index, filled with
# a run of events at a time: those behind `placed.id` are not in it yet, and are few enough to be looked through.
_FIRST_SCHEMA: Final = """
CREATE TABLE event (
    id INTEGER PRIMARY KEY,
    partition INTEGER NOT NULL,
    position INTEGER NOT NULL,
    recorded_us INTEGER NOT NULL,
    workspace BLOB NOT NULL,
    stream TEXT NOT NULL,
    version INTEGER NOT NULL,
    command_id BLOB NOT NULL,
    type TEXT NOT NULL,
    schema_version INTEGER NOT NULL,
    payload BLOB NOT NULL,
    metadata BLOB NOT NULL,
    subject BLOB NOT NULL,
    number INTEGER,
    -- On the last event of each batch of its partition: the hash chain up to here.
    link BLOB,
    UNIQUE (stream, version)
) STRICT;

CREATE TABLE place (
    partition INTEGER NOT NULL,
    position INTEGER NOT NULL,
    id INTEGER NOT NULL,
    PRIMARY KEY (partition, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE placed (one INTEGER PRIMARY KEY CHECK (one = 1), id INTEGER NOT NULL) STRICT;
INSERT INTO placed VALUES (1, 0);

-- Where each partition ends.
CREATE TABLE head (
    partition INTEGER PRIMARY KEY,
    position INTEGER NOT NULL,
    recorded_us INTEGER NOT NULL,
    link BLOB NOT NULL
) STRICT;

-- The last number given out in each workspace. A column with an index on the events would cost more than the events.
CREATE TABLE workspace_number (
    workspace BLOB PRIMARY KEY,
    number INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE answer (
    id INTEGER PRIMARY KEY,
    caller BLOB NOT NULL,
    key TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    answer BLOB NOT NULL,
    partition INTEGER NOT NULL,
    position INTEGER NOT NULL,
    kept_us INTEGER NOT NULL,
    UNIQUE (caller, key)
) STRICT;

CREATE TABLE snapshot (
    stream TEXT PRIMARY KEY,
    subject BLOB NOT NULL,
    version INTEGER NOT NULL,
    schema TEXT NOT NULL,
    state BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER event_is_never_changed BEFORE UPDATE ON event
BEGIN SELECT RAISE(ABORT, 'The log is append-only: no event is ever changed.'); END;
CREATE TRIGGER event_is_never_removed BEFORE DELETE ON event
BEGIN SELECT RAISE(ABORT, 'The log is append-only: no event is ever removed.'); END;
CREATE TRIGGER event_is_never_replaced BEFORE INSERT ON event
WHEN EXISTS (SELECT 1 FROM event WHERE id = NEW.id)
    OR EXISTS (SELECT 1 FROM event WHERE stream = NEW.stream AND version = NEW.version)
BEGIN SELECT RAISE(ROLLBACK, 'The log is append-only: no event is ever replaced.'); END;

CREATE TRIGGER place_is_never_changed BEFORE UPDATE ON place
BEGIN SELECT RAISE(ABORT, 'The log is append-only: no event ever moves.'); END;
CREATE TRIGGER place_is_never_removed BEFORE DELETE ON place
BEGIN SELECT RAISE(ABORT, 'The log is append-only: no event is ever removed.'); END;

CREATE TRIGGER head_never_goes_back BEFORE UPDATE ON head WHEN NEW.position <= OLD.position
BEGIN SELECT RAISE(ABORT, 'The log is append-only: its end never goes back.'); END;
CREATE TRIGGER head_is_never_removed BEFORE DELETE ON head
BEGIN SELECT RAISE(ABORT, 'The log is append-only: its end is never removed.'); END;
"""

EVENT_MIGRATIONS: Final = (_FIRST_SCHEMA,)
"""Only ever extended."""
