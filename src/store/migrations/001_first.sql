-- Instants are milliseconds since 1970 UTC. Numbers of states are those of src/model (never renumbered).

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value ANY NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sims (
    sim        INTEGER PRIMARY KEY,
    iccid      TEXT NOT NULL UNIQUE,
    label      TEXT NOT NULL,
    first_seen INTEGER NOT NULL
) STRICT;

-- ---- outbound ----

CREATE TABLE messages (
    message     INTEGER PRIMARY KEY,
    id          TEXT NOT NULL,
    digest      BLOB NOT NULL,
    recipient   TEXT NOT NULL,
    class       INTEGER,
    port        INTEGER,
    priority    INTEGER NOT NULL,
    hold        INTEGER NOT NULL,
    report      INTEGER NOT NULL,
    pinned      TEXT,
    -- The SIM that has carried parts of it; with several parts the rest must follow.
    sim         INTEGER REFERENCES sims,
    accepted_at INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    -- When there is something to give to a lane or to decide; NULL: nothing.
    due_at      INTEGER,
    -- When it expires, or stops waiting for its report; NULL: never.
    watch_at    INTEGER,
    total       INTEGER NOT NULL,
    reference   INTEGER NOT NULL,
    state       INTEGER NOT NULL,
    attempts    INTEGER NOT NULL DEFAULT 0,
    duplicate   INTEGER NOT NULL DEFAULT 0,
    tags        TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX messages_id ON messages (id);
CREATE INDEX messages_due ON messages (priority, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX messages_watch ON messages (watch_at) WHERE watch_at IS NOT NULL;

CREATE TABLE parts (
    message  INTEGER NOT NULL REFERENCES messages ON DELETE CASCADE,
    seq      INTEGER NOT NULL,
    state    INTEGER NOT NULL,
    alphabet INTEGER NOT NULL,
    payload  BLOB NOT NULL,
    tries    INTEGER NOT NULL DEFAULT 0,
    blamed   INTEGER NOT NULL DEFAULT 0,
    resends  INTEGER NOT NULL DEFAULT 0,
    -- The latest try.
    attempt  INTEGER,
    PRIMARY KEY (message, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE attempts (
    attempt    INTEGER PRIMARY KEY,
    message    INTEGER NOT NULL,
    seq        INTEGER NOT NULL,
    sim        INTEGER NOT NULL REFERENCES sims,
    port       TEXT NOT NULL,
    epoch      INTEGER NOT NULL,
    sha256     BLOB NOT NULL,
    validity   INTEGER,
    routing    TEXT NOT NULL,
    resend_of  INTEGER,
    state      INTEGER NOT NULL,
    claimed_at INTEGER NOT NULL,
    armed_at   INTEGER,
    deadline   INTEGER,
    ended_at   INTEGER,
    mr         INTEGER,
    blame      INTEGER,
    cause      INTEGER,
    code       INTEGER,
    uncertain  INTEGER,
    -- 1 while a status report can still be matched to it.
    awaiting   INTEGER NOT NULL DEFAULT 0
) STRICT;
-- RELIABILITY W-1: one ARMED try a SIM.
CREATE UNIQUE INDEX attempts_armed ON attempts (sim) WHERE state = 1;
CREATE INDEX attempts_awaiting ON attempts (sim, mr) WHERE awaiting = 1;
CREATE INDEX attempts_message ON attempts (message, seq);

CREATE TABLE concat_references (
    recipient TEXT PRIMARY KEY,
    last      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Status reports that fit no try yet: they may come before the +CMGS of their message.
CREATE TABLE orphan_reports (
    orphan    INTEGER PRIMARY KEY,
    sim       INTEGER NOT NULL REFERENCES sims,
    mr        INTEGER NOT NULL,
    recipient TEXT NOT NULL,
    scts      INTEGER,
    status    INTEGER NOT NULL,
    raw       BLOB NOT NULL,
    at        INTEGER NOT NULL,
    published INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX orphan_reports_open ON orphan_reports (at) WHERE published = 0;

-- ---- inbound ----

-- Every PDU as it came, before anything else is done with it.
CREATE TABLE inbound_pdus (
    pdu         INTEGER PRIMARY KEY,
    sim         INTEGER NOT NULL REFERENCES sims,
    memory      TEXT,
    slot        INTEGER,
    sha256      BLOB NOT NULL,
    raw         BLOB NOT NULL,
    epoch       INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    -- The message it is a part of, and which; NULL: raw, or a copy of another.
    inbound     INTEGER REFERENCES inbound,
    seq         INTEGER,
    -- Why it is raw, or not published.
    reason      TEXT
) STRICT;
CREATE INDEX inbound_pdus_sha ON inbound_pdus (sha256);
CREATE INDEX inbound_pdus_inbound ON inbound_pdus (inbound, seq) WHERE inbound IS NOT NULL;

CREATE TABLE inbound (
    inbound     INTEGER PRIMARY KEY,
    id          TEXT NOT NULL,
    sim         INTEGER NOT NULL REFERENCES sims,
    -- TON and NPI in front: the same digits of another type are another sender.
    sender      TEXT NOT NULL,
    -- Reassembly key of a message in several parts, with SIM, sender and total.
    reference   INTEGER,
    wide        INTEGER,
    total       INTEGER NOT NULL,
    have        INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    revision    INTEGER NOT NULL DEFAULT 0,
    same_as     TEXT,
    -- When to publish what is there; NULL: complete or published.
    partial_at  INTEGER
) STRICT;
CREATE INDEX inbound_open ON inbound (sim, sender, reference, wide, total) WHERE have < total;
CREATE INDEX inbound_partial ON inbound (partial_at) WHERE partial_at IS NOT NULL;

-- ---- what bridges publish ----

CREATE TABLE events (
    seq      INTEGER PRIMARY KEY,
    at       INTEGER NOT NULL,
    -- 0 status, 1 inbound, 2 raw, 3 orphan, 4 refused
    kind     INTEGER NOT NULL,
    -- The row it is about: messages, inbound, inbound_pdus, orphan_reports, refusals.
    ref      INTEGER NOT NULL,
    -- status: public state, the one before, tries, parts sent, SIM, failure, TP-ST, duplicate; inbound: revision, missing
    state    INTEGER,
    previous INTEGER,
    attempt  INTEGER,
    sent     INTEGER,
    sim      INTEGER,
    blame    INTEGER,
    cause    INTEGER,
    code     INTEGER,
    uncertain INTEGER,
    report   INTEGER,
    duplicate INTEGER,
    missing  BLOB
) STRICT;

CREATE TABLE refusals (
    refusal     INTEGER PRIMARY KEY,
    code        INTEGER NOT NULL,
    detail      TEXT NOT NULL,
    field       TEXT,
    id          TEXT,
    transaction_ TEXT
) STRICT;

CREATE TABLE cursors (
    bridge TEXT PRIMARY KEY,
    seq    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Events that a bridge could not hand over and went past.
CREATE TABLE parked (
    bridge TEXT NOT NULL,
    seq    INTEGER NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (bridge, seq)
) STRICT, WITHOUT ROWID;
