-- Where a partition ends only ever moves on: a counter that is set back lets nobody append to it any more. A condition of
-- a trigger is looked at without a call: an append does not notice it.
CREATE TRIGGER append_only BEFORE UPDATE ON {schema}.partition FOR EACH ROW
    WHEN (NEW.head <= OLD.head OR NEW.recorded_us < OLD.recorded_us OR NEW.chain = OLD.chain
          OR NEW.partition <> OLD.partition)
    EXECUTE FUNCTION {schema}.refuse_to_change();
CREATE TRIGGER never_removed BEFORE DELETE OR TRUNCATE ON {schema}.partition
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.refuse_to_change();
ALTER TABLE {schema}.partition ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE {schema}.partition ENABLE ALWAYS TRIGGER never_removed;
