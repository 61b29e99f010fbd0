-- A STAND-IN for TimescaleDB, for tests on a plain PostgreSQL 14 or later. It is not TimescaleDB.
--
-- In: a database without the extension. Out: what AIR uses of TimescaleDB 2.x, under the same
-- names: time_bucket over date, timestamp and timestamptz (with time zone and origin),
-- create_hypertable (which only notes the table and makes its index), and the views of
-- timescaledb_information that learning reads. Deliberately absent: chunks on disk and their
-- exclusion, compression, continuous aggregates (their view is there and empty), gapfill, and
-- buckets of whole numbers. The real server is in deploy/docker-compose.yml.

CREATE SCHEMA timescaledb_stand_in;
CREATE SCHEMA timescaledb_information;
GRANT USAGE ON SCHEMA timescaledb_stand_in, timescaledb_information TO PUBLIC;

-- ------------------------------------------------------------------------------- time_bucket

-- A width in whole months, or 0 where it has none; what cannot be a width is refused in the
-- extension's words. Of a constant it is computed once a query.
CREATE FUNCTION timescaledb_stand_in.months(width interval) RETURNS integer
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  months CONSTANT integer := extract(year FROM width) * 12 + extract(month FROM width);
BEGIN
  IF months <> 0 AND width <> make_interval(months => months) THEN
    RAISE EXCEPTION 'month intervals cannot have day or time component';
  ELSIF width <= interval '0' THEN
    RAISE EXCEPTION 'period must be greater than 0';
  END IF;
  RETURN months;
END $$;

-- The same for dates, whose buckets are whole days or months.
CREATE FUNCTION timescaledb_stand_in.whole_days(width interval) RETURNS interval
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
  IF timescaledb_stand_in.months(width) = 0 AND extract(epoch FROM width) % 86400 <> 0 THEN
    RAISE EXCEPTION 'interval must be a multiple of a day';
  END IF;
  RETURN width;
END $$;

-- Months are counted from the origin's month and begin on its first day; days and times are
-- multiples of the width from the origin, also before it.
CREATE FUNCTION public.time_bucket(bucket_width interval, ts timestamp, origin timestamp)
RETURNS timestamp LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT CASE timescaledb_stand_in.months(bucket_width)
    WHEN 0 THEN
      date_bin(bucket_width, ts, origin)
    ELSE
      date_trunc('month', origin) + make_interval(months => (
        floor(((extract(year FROM ts) - extract(year FROM origin)) * 12
               + extract(month FROM ts) - extract(month FROM origin))
              / timescaledb_stand_in.months(bucket_width))
        * timescaledb_stand_in.months(bucket_width))::integer)
  END
$$;

-- Without an origin months count from January 2000, and all else from Monday 3 January 2000.
CREATE FUNCTION public.time_bucket(bucket_width interval, ts timestamp)
RETURNS timestamp LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT public.time_bucket(bucket_width, ts,
    CASE timescaledb_stand_in.months(bucket_width)
      WHEN 0 THEN timestamp '2000-01-03' ELSE timestamp '2000-01-01' END)
$$;

CREATE FUNCTION public.time_bucket(bucket_width interval, ts date, origin date)
RETURNS date LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT public.time_bucket(
    timescaledb_stand_in.whole_days(bucket_width), ts::timestamp, origin::timestamp)::date
$$;

CREATE FUNCTION public.time_bucket(bucket_width interval, ts date)
RETURNS date LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT public.time_bucket(bucket_width, ts,
    CASE timescaledb_stand_in.months(bucket_width)
      WHEN 0 THEN date '2000-01-03' ELSE date '2000-01-01' END)
$$;

-- Without a zone instants are bucketed on the clock of UTC.
CREATE FUNCTION public.time_bucket(bucket_width interval, ts timestamptz)
RETURNS timestamptz LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT public.time_bucket(bucket_width, ts AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'
$$;

CREATE FUNCTION public.time_bucket(bucket_width interval, ts timestamptz, origin timestamptz)
RETURNS timestamptz LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT public.time_bucket(bucket_width, ts AT TIME ZONE 'UTC', origin AT TIME ZONE 'UTC')
    AT TIME ZONE 'UTC'
$$;

-- With a zone both the instant and the origin are taken to the local clock, and the start of the
-- bucket back from it.
CREATE FUNCTION public.time_bucket(
  bucket_width interval, ts timestamptz, timezone text,
  origin timestamptz DEFAULT NULL, "offset" interval DEFAULT NULL)
RETURNS timestamptz LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT (public.time_bucket(
      bucket_width,
      (ts AT TIME ZONE timezone) - coalesce("offset", interval '0'),
      coalesce(origin AT TIME ZONE timezone,
        CASE timescaledb_stand_in.months(bucket_width)
          WHEN 0 THEN timestamp '2000-01-03' ELSE timestamp '2000-01-01' END))
    + coalesce("offset", interval '0')) AT TIME ZONE timezone
$$;

-- ------------------------------------------------------------------------------ hypertables

CREATE TABLE timescaledb_stand_in.hypertable (
  relation regclass PRIMARY KEY,
  column_name name NOT NULL,
  time_interval interval NOT NULL
);
GRANT SELECT ON timescaledb_stand_in.hypertable TO PUBLIC;

CREATE FUNCTION public.create_hypertable(
  relation regclass, time_column_name name, chunk_time_interval interval DEFAULT '7 days')
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO timescaledb_stand_in.hypertable
    VALUES (relation, time_column_name, chunk_time_interval);
  EXECUTE format('CREATE INDEX ON %s (%I DESC)', relation, time_column_name);
END $$;

-- The chunks there would be: one for each interval from 1970 that lies between the table's ends.
CREATE FUNCTION timescaledb_stand_in.chunks()
RETURNS TABLE (relation regclass, number bigint, range_start timestamptz, range_end timestamptz)
LANGUAGE plpgsql STABLE AS $$
DECLARE
  h timescaledb_stand_in.hypertable;
  lowest timestamptz;
  highest timestamptz;
BEGIN
  FOR h IN SELECT * FROM timescaledb_stand_in.hypertable LOOP
    EXECUTE format('SELECT min(%1$I)::timestamptz, max(%1$I)::timestamptz FROM %2$s',
                   h.column_name, h.relation) INTO lowest, highest;
    CONTINUE WHEN lowest IS NULL;
    RETURN QUERY
      SELECT h.relation, row_number() OVER (ORDER BY s), s, s + h.time_interval
      FROM generate_series(public.time_bucket(h.time_interval, lowest, timestamptz 'epoch'),
                           highest, h.time_interval) AS s;
  END LOOP;
END $$;

CREATE VIEW timescaledb_information.hypertables AS
SELECT n.nspname AS hypertable_schema, c.relname AS hypertable_name,
       pg_get_userbyid(c.relowner) AS owner, 1::smallint AS num_dimensions,
       (SELECT count(*) FROM timescaledb_stand_in.chunks() k WHERE k.relation = h.relation)
         AS num_chunks,
       false AS compression_enabled, NULL::name[] AS tablespaces,
       h.column_name AS primary_dimension, a.atttypid::regtype AS primary_dimension_type
FROM timescaledb_stand_in.hypertable h
JOIN pg_class c ON c.oid = h.relation
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = h.column_name;

CREATE VIEW timescaledb_information.dimensions AS
SELECT n.nspname AS hypertable_schema, c.relname AS hypertable_name, 1::bigint AS dimension_number,
       h.column_name, a.atttypid::regtype AS column_type, 'Time'::text AS dimension_type,
       h.time_interval, NULL::bigint AS integer_interval, NULL::name AS integer_now_func,
       NULL::smallint AS num_partitions
FROM timescaledb_stand_in.hypertable h
JOIN pg_class c ON c.oid = h.relation
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = h.column_name;

CREATE VIEW timescaledb_information.chunks AS
SELECT n.nspname AS hypertable_schema, c.relname AS hypertable_name,
       '_timescaledb_internal'::name AS chunk_schema,
       format('_hyper_%s_%s_chunk', c.oid, k.number)::name AS chunk_name,
       h.column_name AS primary_dimension, a.atttypid::regtype AS primary_dimension_type,
       k.range_start, k.range_end, NULL::bigint AS range_start_integer,
       NULL::bigint AS range_end_integer, false AS is_compressed, NULL::name AS chunk_tablespace,
       NULL::timestamptz AS chunk_creation_time
FROM timescaledb_stand_in.chunks() k
JOIN timescaledb_stand_in.hypertable h ON h.relation = k.relation
JOIN pg_class c ON c.oid = h.relation
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = h.column_name;

CREATE VIEW timescaledb_information.continuous_aggregates AS
SELECT NULL::name AS hypertable_schema, NULL::name AS hypertable_name, NULL::name AS view_schema,
       NULL::name AS view_name, NULL::name AS view_owner, NULL::boolean AS materialized_only,
       NULL::boolean AS compression_enabled, NULL::name AS materialization_hypertable_schema,
       NULL::name AS materialization_hypertable_name, NULL::text AS view_definition,
       NULL::boolean AS finalized
WHERE false;

GRANT SELECT ON ALL TABLES IN SCHEMA timescaledb_information TO PUBLIC;
