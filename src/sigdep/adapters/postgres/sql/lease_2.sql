-- A process that is started again where another has died takes over from that one at once.

ALTER TABLE {schema}.lease
    ADD COLUMN place text NOT NULL DEFAULT '',           -- One process at a time runs there. Empty: nobody says so.
    ADD COLUMN incarnation bigint NOT NULL DEFAULT 0;    -- Tells the processes of one place apart: later, higher.
