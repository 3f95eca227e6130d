-- Stores a batch of appends in one transaction. {schema} is the schema's name.
--
-- An append is called a request here, and named by its index, as are its writes, guards, answer and events:
-- write_request[7] = 3 says that the seventh write belongs to the third request. No two requests of a batch touch
-- the same stream or idempotency key, except that several may guard the same stream.
--
-- Arrays are read by index, not unnested: PL/pgSQL keeps its array arguments unpacked, so that an element costs a
-- pointer, where unnested arrays are copied into tuplestores, sorted and joined.
CREATE FUNCTION {schema}.append(
    partitions smallint[],        -- those of the batch, each once, ascending
    request_partition int[],      -- an index into partitions
    request_workspace uuid[],
    request_command uuid[],
    request_metadata bytea[],
    request_events int[],         -- how many
    write_request int[],
    write_stream text[],
    write_subject uuid[],
    write_expected int[],
    write_events int[],           -- how many
    guard_request int[],
    guard_stream text[],
    guard_expected int[],
    answer_request int[],
    answer_caller uuid[],
    answer_key text[],
    answer_fingerprint bytea[],
    answer_answer bytea[],
    answers_kept_us bigint,       -- an answer older than this is forgotten
    event_request int[],
    event_write int[],
    event_behind int[],           -- how many of its request's events come behind it
    event_version int[],
    event_type text[],
    event_schema_version int[],
    event_payload bytea[],
    event_digest bytea[],
    event_numbered int[],         -- an index into numbers, null for an event that asks for none
    numbered_event int[],         -- the same the other way round
    OUT codes "char"[],           -- by request: o(k), c(onflict), r(epeated), a(nswered)
    OUT positions bigint[],       -- by request: of its last event, or the head where it has none
    OUT recorded bigint[],        -- by request
    OUT numbers bigint[],         -- by numbered event
    OUT write_actual int[],       -- by write: the version found
    OUT guard_actual int[]        -- by guard: the version found
) LANGUAGE plpgsql AS $$
DECLARE
    heads bigint[];
    chains bytea[];
    now_us bigint;
    conflicting int[];
    repeated int[] := '{}';
    answered int[];
    stored bigint;
    event int;
    former record;
BEGIN
    -- 1. Lock the counters, in order, so that batches over the same partitions wait and never deadlock.
    --    Every later statement takes a newer snapshot, and so sees what the former holder has committed.
    SELECT array_agg(p.head ORDER BY p.partition), array_agg(p.chain ORDER BY p.partition),
           greatest(max(p.recorded_us), (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)
      INTO heads, chains, now_us
      FROM (SELECT * FROM {schema}.partition
             WHERE partition = ANY (partitions) ORDER BY partition FOR UPDATE) p;

    -- 2. What is there? Correlated subqueries with LIMIT 1, never a join: the log may be of any size.
    write_actual := ARRAY(
        SELECT coalesce((SELECT e.version FROM {schema}.event e
                          WHERE e.stream = write_stream[w] ORDER BY e.version DESC LIMIT 1), 0)
          FROM generate_series(1, cardinality(write_stream)) w);
    guard_actual := ARRAY(
        SELECT coalesce((SELECT e.version FROM {schema}.event e
                          WHERE e.stream = guard_stream[g] ORDER BY e.version DESC LIMIT 1), 0)
          FROM generate_series(1, cardinality(guard_stream)) g);

    -- 3. Who is refused? In the order that the kernel's port gives: repeated, answered, conflict.
    IF write_actual = write_expected AND guard_actual = guard_expected AND cardinality(answer_request) = 0 THEN
        codes := array_fill('o'::"char", ARRAY[cardinality(request_command)]);
    ELSE
        conflicting := ARRAY(
            SELECT write_request[w] FROM generate_series(1, cardinality(write_request)) w
             WHERE write_actual[w] <> write_expected[w]
             UNION
            SELECT guard_request[g] FROM generate_series(1, cardinality(guard_request)) g
             WHERE guard_actual[g] <> guard_expected[g]);
        repeated := ARRAY(
            SELECT write_request[w] FROM generate_series(1, cardinality(write_request)) w
             WHERE write_request[w] = ANY (conflicting)
             GROUP BY write_request[w]
            HAVING bool_and(write_events[w] = (
                SELECT count(*) FROM {schema}.event e
                 WHERE e.stream = write_stream[w] AND e.version > write_expected[w]
                   AND e.version <= write_expected[w] + write_events[w]
                   AND e.command_id = request_command[write_request[w]])));
        answered := ARRAY(
            SELECT answer_request[a] FROM generate_series(1, cardinality(answer_request)) a
             WHERE EXISTS (SELECT FROM {schema}.answer k
                            WHERE k.caller = answer_caller[a] AND k.key = answer_key[a]
                              AND k.recorded_us >= now_us - answers_kept_us));
        codes := ARRAY(
            SELECT CASE WHEN r = ANY (repeated) THEN 'r' WHEN r = ANY (answered) THEN 'a'
                        WHEN r = ANY (conflicting) THEN 'c' ELSE 'o' END::"char"
              FROM generate_series(1, cardinality(request_command)) r);
    END IF;

    -- 4. The events of the accepted follow the heads of their partitions, in the order of the batch.
    positions := ARRAY(
        SELECT heads[request_partition[r]]
               + sum(CASE WHEN codes[r] = 'o' THEN request_events[r] ELSE 0 END)
                     OVER (PARTITION BY request_partition[r] ORDER BY r)
          FROM generate_series(1, cardinality(request_command)) r
         ORDER BY r);
    recorded := array_fill(now_us, ARRAY[cardinality(request_command)]);

    -- 5. Numbers follow the last one of their workspace.
    IF cardinality(numbered_event) > 0 THEN
        WITH wanted AS MATERIALIZED (
            SELECT n, request_workspace[event_request[numbered_event[n]]] AS workspace,
                   codes[event_request[numbered_event[n]]] = 'o' AS accepted
              FROM generate_series(1, cardinality(numbered_event)) n
        ), given AS (
            INSERT INTO {schema}.number AS k (workspace, last)
            SELECT w.workspace, count(*) FROM wanted w WHERE w.accepted GROUP BY w.workspace
                ON CONFLICT (workspace) DO UPDATE SET last = k.last + excluded.last
            RETURNING k.workspace, k.last
        )
        SELECT array_agg(CASE WHEN w.accepted THEN g.last + 1 - w.behind END ORDER BY w.n)
          INTO numbers
          FROM (SELECT *, row_number() OVER (PARTITION BY workspace, accepted ORDER BY n DESC) AS behind
                  FROM wanted) w
          LEFT JOIN given g USING (workspace);
    END IF;

    -- 6. Store the events.
    INSERT INTO {schema}.event (position, recorded_us, number, version, schema_version, partition, workspace,
                                command_id, subject, stream, type, payload, metadata)
    SELECT positions[event_request[e]] - event_behind[e], now_us, numbers[event_numbered[e]], event_version[e],
           event_schema_version[e], partitions[request_partition[event_request[e]]],
           request_workspace[event_request[e]], request_command[event_request[e]],
           write_subject[event_write[e]], write_stream[event_write[e]], event_type[e], event_payload[e],
           request_metadata[event_request[e]]
      FROM generate_series(1, cardinality(event_request)) e
     WHERE codes[event_request[e]] = 'o';
    GET DIAGNOSTICS stored = ROW_COUNT;

    -- 7. Chain them, one link for each partition, as sigdep.kernel.chain defines it; and move the counters.
    IF stored > 0 THEN
        WITH linked AS MATERIALIZED (
            SELECT request_partition[event_request[e]] AS p, max(positions[event_request[e]]) AS last,
                   sha256(chains[request_partition[event_request[e]]] || int8send(now_us)
                          || string_agg(event_digest[e]
                                        || int8send(positions[event_request[e]] - event_behind[e])
                                        || int4send(event_version[e])
                                        || int8send(coalesce(numbers[event_numbered[e]], 0)), '' ORDER BY e)) AS hash
              FROM generate_series(1, cardinality(event_request)) e
             WHERE codes[event_request[e]] = 'o'
             GROUP BY request_partition[event_request[e]]
        ), inserted AS (
            INSERT INTO {schema}.link (last_position, partition, hash)
            SELECT l.last, partitions[l.p], l.hash FROM linked l
        )
        UPDATE {schema}.partition p SET head = l.last, chain = l.hash, recorded_us = now_us
          FROM linked l
         WHERE p.partition = partitions[l.p];
        PERFORM pg_notify('{schema}_appended', '');
    END IF;

    -- 8. Keep the answers, in order, for the same reason as above. Another process may have been faster with one of
    --    these keys in another partition: then the whole batch rolls back, and finds the key used when it comes again.
    IF cardinality(answer_request) > 0 THEN
        INSERT INTO {schema}.answer AS k (position, recorded_us, partition, caller, key, fingerprint, answer)
        SELECT positions[answer_request[a]], now_us, partitions[request_partition[answer_request[a]]],
               answer_caller[a], answer_key[a], answer_fingerprint[a], answer_answer[a]
          FROM generate_series(1, cardinality(answer_request)) a
         WHERE codes[answer_request[a]] = 'o'
         ORDER BY answer_caller[a], answer_key[a]
            ON CONFLICT (caller, key) DO UPDATE
           SET position = excluded.position, recorded_us = excluded.recorded_us, partition = excluded.partition,
               fingerprint = excluded.fingerprint, answer = excluded.answer
         WHERE k.recorded_us < now_us - answers_kept_us;
        GET DIAGNOSTICS stored = ROW_COUNT;
        IF stored <> (SELECT count(*) FROM generate_series(1, cardinality(answer_request)) a
                       WHERE codes[answer_request[a]] = 'o') THEN
            RAISE EXCEPTION 'Another process has used an idempotency key of this batch.'
                USING ERRCODE = 'serialization_failure';
        END IF;
    END IF;

    -- 9. A repeat hears what was answered at first.
    IF repeated <> '{}' THEN
        FOR event IN SELECT e FROM generate_series(1, cardinality(event_request)) e
                      WHERE codes[event_request[e]] = 'r' ORDER BY e LOOP
            SELECT e.position, e.recorded_us, e.number INTO former FROM {schema}.event e
             WHERE e.stream = write_stream[event_write[event]] AND e.version = event_version[event];
            positions[event_request[event]] := former.position;
            recorded[event_request[event]] := former.recorded_us;
            IF event_numbered[event] IS NOT NULL THEN
                numbers[event_numbered[event]] := former.number;
            END IF;
        END LOOP;
    END IF;
END $$;
