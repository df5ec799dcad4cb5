-- Instants are milliseconds since 1970 UTC. Numbers of states are those of src/model (never renumbered).

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value ANY NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sims (
    sim        INTEGER PRIMARY KEY,
    iccid      TEXT NOT NULL UNIQUE,
    label      TEXT NOT NULL,
    first_seen INTEGER NOT NULL,
    -- Service centre's clock minus ours, in milliseconds, from its status reports; NULL: not known.
    skew       INTEGER
) STRICT;

-- Messages that were on a SIM before it was ours, by their raw PDU: they are left there.
CREATE TABLE left_alone (
    sim    INTEGER NOT NULL REFERENCES sims,
    sha256 BLOB NOT NULL,
    PRIMARY KEY (sim, sha256)
) STRICT, WITHOUT ROWID;

-- Processes that opened the store.
CREATE TABLE epochs (
    epoch      INTEGER PRIMARY KEY,
    started_at INTEGER NOT NULL,
    boot_id    TEXT NOT NULL
) STRICT;

-- ---- outbound ----

-- One row a message, its parts packed into it: a step writes one page here, however many parts there are.
CREATE TABLE messages (
    message      INTEGER PRIMARY KEY,
    id           TEXT NOT NULL,
    digest       BLOB NOT NULL,
    recipient    TEXT NOT NULL,
    class        INTEGER,
    port         INTEGER,
    priority     INTEGER NOT NULL,
    hold         INTEGER NOT NULL,
    report       INTEGER NOT NULL,
    pinned       TEXT,
    accepted_at  INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    reference    INTEGER NOT NULL,
    tags         TEXT NOT NULL,
    -- Public state.
    state        INTEGER NOT NULL,
    -- READY parts are not sent, and an ambiguous one is not decided, before this instant.
    not_before   INTEGER NOT NULL,
    -- `not_before` while there is a READY or ambiguous part; else NULL.
    due_at       INTEGER,
    -- Label of the only SIM that may carry it now; empty: any.
    lane         TEXT NOT NULL,
    -- When to look whether it has expired or stops waiting for its report; NULL: nothing can happen to it by itself.
    watch_at     INTEGER,
    report_until INTEGER NOT NULL DEFAULT 0,
    -- The SIM that has carried it last.
    sim          INTEGER,
    tries        INTEGER NOT NULL DEFAULT 0,
    duplicate    INTEGER NOT NULL DEFAULT 0,
    -- Tries before this one were of an earlier run, by another SIM; 0: there was none.
    run_from     INTEGER NOT NULL DEFAULT 0,
    -- Sixteen octets a part: src/store/outbox/message.rs.
    parts        BLOB NOT NULL
) STRICT;
CREATE INDEX messages_id ON messages (id);
CREATE INDEX messages_due ON messages (lane, priority, due_at, state) WHERE due_at IS NOT NULL;
CREATE INDEX messages_watch ON messages (watch_at) WHERE watch_at IS NOT NULL;

-- Alphabet, length and user data of each part; gone before their message is.
CREATE TABLE bodies (
    message INTEGER PRIMARY KEY,
    parts   BLOB NOT NULL
) STRICT;

CREATE TABLE attempts (
    attempt    INTEGER PRIMARY KEY,
    message    INTEGER NOT NULL,
    seq        INTEGER NOT NULL,
    -- The part's try before this one.
    previous   INTEGER,
    sim        INTEGER NOT NULL,
    port       TEXT NOT NULL,
    epoch      INTEGER NOT NULL,
    sha256     BLOB NOT NULL,
    validity   INTEGER,
    routing    TEXT NOT NULL,
    resend_of  INTEGER,
    claimed_at INTEGER NOT NULL,
    state      INTEGER NOT NULL,
    -- 0 while ARMED, its own number while CLAIMED, NULL when ended.
    live       INTEGER,
    armed_at   INTEGER,
    deadline   INTEGER,
    ended_at   INTEGER,
    mr         INTEGER,
    -- What a status report finds it by: TP-MR, or 256 while that is not known; NULL: no report can be about it.
    report_key INTEGER,
    blame      INTEGER,
    cause      INTEGER,
    code       INTEGER,
    uncertain  INTEGER
) STRICT;
-- RELIABILITY W-1: one ARMED try a SIM.
CREATE UNIQUE INDEX attempts_live ON attempts (sim, live) WHERE live IS NOT NULL;
CREATE INDEX attempts_report ON attempts (sim, report_key) WHERE report_key IS NOT NULL;

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
    -- TP-SCTS of the first part, in seconds; NULL when it is no time.
    scts        INTEGER,
    revision    INTEGER NOT NULL DEFAULT 0,
    same_as     TEXT,
    -- When to publish what is there; NULL: complete or published.
    partial_at  INTEGER
) STRICT;
CREATE INDEX inbound_open ON inbound (sim, sender, reference, wide, total) WHERE have < total;
CREATE INDEX inbound_partial ON inbound (partial_at) WHERE partial_at IS NOT NULL;

-- ---- what bridges publish ----

CREATE TABLE events (
    seq       INTEGER PRIMARY KEY,
    at        INTEGER NOT NULL,
    -- 0 status, 1 inbound, 2 raw, 3 orphan, 4 refused
    kind      INTEGER NOT NULL,
    -- The row it is about: messages, inbound, inbound_pdus, orphan_reports, refusals.
    ref       INTEGER NOT NULL,
    -- Status: the public state, the one before, tries, parts sent, SIM, failure, TP-ST, duplicate, restarted.
    -- Inbound: the revision in `state`, and which parts are missing.
    state     INTEGER,
    previous  INTEGER,
    attempt   INTEGER,
    sent      INTEGER,
    sim       INTEGER,
    blame     INTEGER,
    cause     INTEGER,
    code      INTEGER,
    uncertain INTEGER,
    report    INTEGER,
    duplicate INTEGER,
    restarted INTEGER,
    missing   BLOB
) STRICT;

CREATE TABLE refusals (
    refusal     INTEGER PRIMARY KEY,
    code        INTEGER NOT NULL,
    detail      TEXT NOT NULL,
    field       TEXT,
    id          TEXT,
    correlation TEXT
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
