-- Stores a batch of appends in one transaction. {schema} is the schema's name.
--
-- An append is called a request here, and named by its index, as are its writes, guards, answer and events:
-- write_request[7] = 3 says that the seventh write belongs to the third request. No two requests of a batch touch
-- the same stream or idempotency key, except that several may guard the same stream.
--
-- Requests come in the order of their partitions, writes and events in that of their requests, so that each of them
-- has a range of the events. Ranges, and the parts of what is joined to one bytea, are given by their ends, led by 0:
-- the events of write w are those from write_ends[w] + 1 to write_ends[w + 1].
--
-- Arrays are read by index, not unnested: PL/pgSQL keeps its array arguments unpacked, so that an element costs a
-- pointer, where unnested arrays are copied into tuplestores, sorted and joined. What is of one size or plenty comes
-- joined: each element of an array costs the client more than its bytes.
CREATE FUNCTION {schema}.append(
    partitions smallint[],        -- those of the batch, each once, ascending
    partition_ends int[],         -- of its events
    request_partition int[],      -- an index into partitions
    request_workspace uuid[],
    request_command uuid[],
    request_metadata bytea,
    request_metadata_ends int[],
    request_ends int[],           -- of its events
    write_request int[],
    write_stream text[],
    write_subject uuid[],
    write_expected int[],
    write_ends int[],             -- of its events
    guard_request int[],
    guard_stream text[],
    guard_expected int[],
    answer_request int[],
    answer_caller uuid[],
    answer_key text[],
    answer_fingerprint bytea[],
    answer_answer bytea[],
    answers_kept_us bigint,       -- an answer older than this is forgotten
    kind_type text[],             -- the different types of the batch's events
    kind_schema_version int[],
    event_write int[],
    event_kind int[],
    event_payload bytea,
    event_payload_ends int[],
    event_digest bytea,           -- 32 bytes of each
    event_number int[],           -- an index into numbers; 0, or nothing, for an event that asks for none
    numbered_event int[],         -- the same the other way round
    OUT codes "char"[],           -- by request: o(k), c(onflict), r(epeated), a(nswered); null: all are ok
    OUT positions bigint[],       -- by request: of its last event, or the head where it has none
    OUT recorded_us bigint,
    OUT repeated_us bigint[],     -- by request: when a repeated one was recorded; null: none is
    OUT repeated_numbers bigint[], -- those that repeated requests were given at first
    OUT repeated_number_request int[], -- and to whom each of them belongs
    OUT numbers bigint[],         -- by numbered event
    OUT write_actual int[],       -- by write: the version found
    OUT guard_actual int[]        -- by guard: the version found
) LANGUAGE plpgsql AS $$
DECLARE
    heads bigint[];
    chains bytea[];
    accepted boolean[];           -- by request
    conflicting int[];
    repeated int[];
    answered int[];
    stored bigint;
    again record;
BEGIN
    -- 1. Lock the counters, in order, so that batches over the same partitions wait and never deadlock.
    --    Every later statement takes a newer snapshot, and so sees what the former holder has committed.
    SELECT array_agg(p.head), array_agg(p.chain),
           greatest(max(p.recorded_us), (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)
      INTO heads, chains, recorded_us
      FROM (SELECT * FROM {schema}.partition
             WHERE partition = ANY (partitions) ORDER BY partition FOR UPDATE) p;

    -- 2. What is there? Correlated subqueries with LIMIT 1, never a join: the log may be of any size.
    write_actual := ARRAY(
        SELECT coalesce((SELECT e.version FROM {schema}.event e
                          WHERE e.stream = write_stream[w] ORDER BY e.version DESC LIMIT 1), 0)
          FROM generate_series(1, cardinality(write_stream)) w);
    guard_actual := '{}';
    IF guard_stream <> '{}' THEN
        guard_actual := ARRAY(
            SELECT coalesce((SELECT e.version FROM {schema}.event e
                              WHERE e.stream = guard_stream[g] ORDER BY e.version DESC LIMIT 1), 0)
              FROM generate_series(1, cardinality(guard_stream)) g);
    END IF;

    -- 3. Who is refused? In the order that the kernel's port gives: repeated, answered, conflict. The events of the
    --    others follow the heads of their partitions, in the order of the batch.
    IF write_actual = write_expected AND guard_actual = guard_expected AND cardinality(answer_request) = 0 THEN
        accepted := array_fill(true, ARRAY[cardinality(request_command)]);
        positions := ARRAY(
            SELECT heads[request_partition[r]] - partition_ends[request_partition[r]] + request_ends[r + 1]
              FROM generate_series(1, cardinality(request_command)) r);
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
            HAVING bool_and(write_ends[w + 1] - write_ends[w] = (
                SELECT count(*) FROM {schema}.event e
                 WHERE e.stream = write_stream[w] AND e.version > write_expected[w]
                   AND e.version <= write_expected[w] + write_ends[w + 1] - write_ends[w]
                   AND e.command_id = request_command[write_request[w]])));
        answered := ARRAY(
            SELECT answer_request[a] FROM generate_series(1, cardinality(answer_request)) a
             WHERE EXISTS (SELECT FROM {schema}.answer k
                            WHERE k.caller = answer_caller[a] AND k.key = answer_key[a]
                              AND k.recorded_us >= append.recorded_us - answers_kept_us));
        codes := ARRAY(
            SELECT CASE WHEN r = ANY (repeated) THEN 'r' WHEN r = ANY (answered) THEN 'a'
                        WHEN r = ANY (conflicting) THEN 'c' ELSE 'o' END::"char"
              FROM generate_series(1, cardinality(request_command)) r);
        accepted := ARRAY(SELECT code = 'o' FROM unnest(codes) code);
        positions := ARRAY(
            SELECT heads[request_partition[r]]
                   + sum(CASE WHEN accepted[r] THEN request_ends[r + 1] - request_ends[r] ELSE 0 END)
                         OVER (PARTITION BY request_partition[r] ORDER BY r)
              FROM generate_series(1, cardinality(request_command)) r
             ORDER BY r);
    END IF;

    -- 4. Numbers follow the last one of their workspace.
    IF cardinality(numbered_event) > 0 THEN
        WITH wanted AS MATERIALIZED (
            SELECT n, request_workspace[write_request[event_write[numbered_event[n]]]] AS workspace,
                   accepted[write_request[event_write[numbered_event[n]]]] AS accepted
              FROM generate_series(1, cardinality(numbered_event)) n
        ), given AS (
            INSERT INTO {schema}.number AS k (workspace, last)
            SELECT w.workspace, count(*) FROM wanted w WHERE w.accepted GROUP BY w.workspace
                ON CONFLICT (workspace) DO UPDATE SET last = k.last + excluded.last
            RETURNING k.workspace, k.last
        )
        SELECT array_agg(CASE WHEN w.accepted THEN g.last + 1 - w.behind END ORDER BY w.n)
          INTO numbers
          FROM (SELECT *, row_number() OVER (PARTITION BY workspace, wanted.accepted ORDER BY n DESC) AS behind
                  FROM wanted) w
          LEFT JOIN given g USING (workspace);
    END IF;

    -- 5. Store the events.
    INSERT INTO {schema}.event (position, recorded_us, number, version, schema_version, partition, workspace,
                                command_id, subject, stream, type, payload, metadata)
    SELECT positions[r] - request_ends[r + 1] + e, append.recorded_us, numbers[event_number[e]],
           write_expected[w] - write_ends[w] + e, kind_schema_version[event_kind[e]],
           partitions[request_partition[r]], request_workspace[r], request_command[r], write_subject[w],
           write_stream[w], kind_type[event_kind[e]],
           substr(event_payload, event_payload_ends[e] + 1, event_payload_ends[e + 1] - event_payload_ends[e]),
           substr(request_metadata, request_metadata_ends[r] + 1,
                  request_metadata_ends[r + 1] - request_metadata_ends[r])
      FROM generate_series(1, cardinality(event_write)) e
     CROSS JOIN LATERAL (SELECT event_write[e] AS w, write_request[event_write[e]] AS r) its
     WHERE accepted[r];
    GET DIAGNOSTICS stored = ROW_COUNT;

    -- 6. Chain them, one link for each partition, as sigdep.kernel.chain defines it; and move the counters.
    --    The aggregates take what generate_series gives in its order.
    IF stored > 0 THEN
        SELECT array_agg(heads[p] + amount), array_agg(sha256(chains[p] || int8send(append.recorded_us) || places))
          INTO heads, chains
          FROM generate_series(1, cardinality(partitions)) p
         CROSS JOIN LATERAL (
            SELECT count(*) AS amount,
                   string_agg(substr(event_digest, 32 * e - 31, 32)
                              || int8send(positions[r] - request_ends[r + 1] + e)
                              || int4send(write_expected[w] - write_ends[w] + e)
                              || int8send(coalesce(numbers[event_number[e]], 0)), '') AS places
              FROM generate_series(partition_ends[p] + 1, partition_ends[p + 1]) e
             CROSS JOIN LATERAL (SELECT event_write[e] AS w, write_request[event_write[e]] AS r) its
             WHERE accepted[r]) events;
        INSERT INTO {schema}.link (last_position, partition, hash)
        SELECT heads[p], partitions[p], chains[p]
          FROM generate_series(1, cardinality(partitions)) p WHERE chains[p] IS NOT NULL;
        UPDATE {schema}.partition k SET head = heads[p], chain = chains[p], recorded_us = append.recorded_us
          FROM generate_series(1, cardinality(partitions)) p
         WHERE k.partition = partitions[p] AND chains[p] IS NOT NULL;
        PERFORM pg_notify('{schema}_appended', '');
    END IF;

    -- 7. Keep the answers, in order, for the same reason as above. Another process may have been faster with one of
    --    these keys in another partition: then the whole batch rolls back, and finds the key used when it comes again.
    IF cardinality(answer_request) > 0 THEN
        INSERT INTO {schema}.answer AS k (position, recorded_us, partition, caller, key, fingerprint, answer)
        SELECT positions[answer_request[a]], append.recorded_us, partitions[request_partition[answer_request[a]]],
               answer_caller[a], answer_key[a], answer_fingerprint[a], answer_answer[a]
          FROM generate_series(1, cardinality(answer_request)) a
         WHERE accepted[answer_request[a]]
         ORDER BY answer_caller[a], answer_key[a]
            ON CONFLICT (caller, key) DO UPDATE
           SET position = excluded.position, recorded_us = excluded.recorded_us, partition = excluded.partition,
               fingerprint = excluded.fingerprint, answer = excluded.answer
         WHERE k.recorded_us < append.recorded_us - answers_kept_us;
        GET DIAGNOSTICS stored = ROW_COUNT;
        IF stored <> (SELECT count(*) FROM unnest(answer_request) r WHERE accepted[r]) THEN
            RAISE EXCEPTION 'Another process has used an idempotency key of this batch.'
                USING ERRCODE = 'serialization_failure';
        END IF;
    END IF;

    -- 8. A repeat hears what was answered at first.
    IF repeated <> '{}' THEN
        repeated_us := array_fill(NULL::bigint, ARRAY[cardinality(request_command)]);
        FOR again IN
            SELECT r, former.*
              FROM generate_series(1, cardinality(event_write)) e
             CROSS JOIN LATERAL (SELECT event_write[e] AS w, write_request[event_write[e]] AS r) its
             CROSS JOIN LATERAL (
                SELECT f.position, f.recorded_us, f.number FROM {schema}.event f
                 WHERE f.stream = write_stream[w] AND f.version = write_expected[w] - write_ends[w] + e LIMIT 1) former
             WHERE codes[r] = 'r' ORDER BY e
        LOOP
            positions[again.r] := again.position;
            repeated_us[again.r] := again.recorded_us;
            IF again.number IS NOT NULL THEN
                repeated_numbers := repeated_numbers || again.number;
                repeated_number_request := repeated_number_request || again.r;
            END IF;
        END LOOP;
    END IF;
END $$;
