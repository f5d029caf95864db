-- What devices told. Applied at every start; only ever added to.
CREATE TABLE IF NOT EXISTS device (
    device_id  integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tree       text NOT NULL UNIQUE,               -- aims/v1/{site}/{line}/{device}, percent-encoded as on the wire
    first_seen timestamptz NOT NULL DEFAULT now()
);

-- One row a ledger entry that was told: never changed, never doubled.
CREATE TABLE IF NOT EXISTS event (
    device_id   integer NOT NULL REFERENCES device,
    lane        text NOT NULL,
    seq         bigint NOT NULL,
    time        timestamptz NOT NULL,              -- when it happened, by the device's clock
    received    timestamptz NOT NULL DEFAULT now(),
    type        text NOT NULL,
    subject     text,
    boot        text NOT NULL,
    leaf        bigint NOT NULL,                   -- place in the device's ledger
    historical  boolean NOT NULL,
    digest      bytea NOT NULL,                    -- SHA-256 of the bytes on the wire but their `historical`
    data        jsonb NOT NULL,
    payload     bytea NOT NULL,                    -- as it was first received, byte for byte
    PRIMARY KEY (device_id, lane, seq)
);
CREATE INDEX IF NOT EXISTS event_time ON event (device_id, type, time);

-- The highest number up to which nothing is missing: what is acknowledged.
CREATE TABLE IF NOT EXISTS cursor (
    device_id  integer NOT NULL REFERENCES device,
    lane       text NOT NULL,
    contiguous bigint NOT NULL,
    PRIMARY KEY (device_id, lane)
);

-- The newest value of each topic that is never queued.
CREATE TABLE IF NOT EXISTS live (
    device_id integer NOT NULL REFERENCES device,
    topic     text NOT NULL,                       -- below the device
    time      timestamptz NOT NULL,
    data      jsonb NOT NULL,
    PRIMARY KEY (device_id, topic)
);

-- The same number with other content: a cloned device, or a disk that was put back.
CREATE TABLE IF NOT EXISTS conflict (
    device_id integer NOT NULL REFERENCES device,
    lane      text NOT NULL,
    seq       bigint NOT NULL,
    digest    bytea NOT NULL,
    payload   bytea NOT NULL,
    received  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (device_id, lane, seq, digest)
);

-- What can't be read; nothing is thrown away for its form.
CREATE TABLE IF NOT EXISTS unreadable (
    topic    text NOT NULL,
    why      text NOT NULL,
    digest   bytea NOT NULL PRIMARY KEY,
    payload  bytea NOT NULL,
    received timestamptz NOT NULL DEFAULT now()
);

CREATE OR REPLACE VIEW device_state AS
SELECT d.tree, l.data ->> 'online' AS online, l.data ->> 'version' AS version, l.time AS since,
       (SELECT max(e.received) FROM event e WHERE e.device_id = d.device_id) AS last_event
FROM device d LEFT JOIN live l ON l.device_id = d.device_id AND l.topic = 'status';

CREATE OR REPLACE VIEW alarm_state AS
SELECT DISTINCT ON (e.device_id, e.subject) d.tree, e.subject AS alarm, e.data ->> 'state' AS state,
       e.data ->> 'priority' AS priority, e.data ->> 'text' AS text, e.time
FROM event e JOIN device d USING (device_id)
WHERE e.type = 'jidoka.alarm.v1' ORDER BY e.device_id, e.subject, e.seq DESC;

CREATE OR REPLACE VIEW interlock_state AS
SELECT DISTINCT ON (e.device_id) d.tree, e.data ->> 'to' AS state, e.data ->> 'cause' AS cause,
       (e.data ->> 'm')::boolean AS m, (e.data ->> 'a')::boolean AS a, e.time
FROM event e JOIN device d USING (device_id)
WHERE e.type = 'jidoka.interlock.v1' ORDER BY e.device_id, e.seq DESC;
