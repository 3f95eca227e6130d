-- A build that is read from before it is the live one has its indexes early.

ALTER TABLE {schema}.build ADD COLUMN indexed boolean NOT NULL DEFAULT false;
