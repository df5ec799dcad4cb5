PRAGMA page_size = 1024; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA application_id = 1196641607; PRAGMA user_version = 3;
BEGIN TRANSACTION;
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
INSERT INTO "attempts" VALUES(1,1,1,NULL,1,'/dev/ttyUSB0',1,X'EBD67352E511466135AEADFD79CD1BB9F3845A0C31B21599C44AB0CDF64DA0F1',166,'asked for by the client',NULL,1796059415230,2,NULL,1796059415230,1796059595230,1796059415245,175,175,NULL,NULL,NULL,NULL);
INSERT INTO "attempts" VALUES(2,2,1,NULL,2,'/dev/ttyUSB1',1,X'DECE3164F168C2CD1635986BB7072C6E25A99D0EBC32507A675DD0ACB7193308',166,'asked for by the client',NULL,1796059415368,2,NULL,1796059415368,1796059595368,1796059415381,193,193,NULL,NULL,NULL,NULL);
INSERT INTO "attempts" VALUES(3,2,2,NULL,2,'/dev/ttyUSB1',1,X'EA21848BBB67B5FF5E5D319575FE36C56E211527B2BDA9E44712083C91932333',166,'asked for by the client',NULL,1796059415368,2,NULL,1796059415381,1796059595381,1796059415393,194,194,NULL,NULL,NULL,NULL);
INSERT INTO "attempts" VALUES(4,5,1,NULL,1,'/dev/ttyUSB0',1,X'BDC403758B4F2ED27321B8F1CB611093D3E363F11CEC960CDC84625836134CE3',166,'asked for by the client',NULL,1796059415521,2,NULL,1796059415521,1796059595521,1796059415534,176,176,NULL,NULL,NULL,NULL);
INSERT INTO "attempts" VALUES(5,6,1,NULL,1,'/dev/ttyUSB0',1,X'7DD4867ADD9E05493BB8766AA0D73F8554AADB15F43AD13039F3A39FD8C6054A',167,'asked for by the client',NULL,1796059415551,1,0,1796059415551,1796059595551,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE bodies (
    message INTEGER PRIMARY KEY,
    parts   BLOB NOT NULL
) STRICT;
INSERT INTO "bodies" VALUES(1,X'000B616E206F6C642074657874');
INSERT INTO "bodies" VALUES(2,X'00996C6F6E67206C6F6E67206C6F6E67206C6F6E67206C6F6E67206C6F6E67206C6F6E67206C6F6E67206C6F6E67206C6F6E67206C6F6E67206C6F6E67206C6F6E67206C6F6E67206C6F6E67206C6F6E67206C6F6E67206C6F6E67206C6F6E67206C6F6E67206C6F6E67206C6F6E67206C6F6E67206C6F6E67206C6F6E67206C6F6E67206C6F6E67206C6F6E67206C6F6E67206C6F6E67206C6F6E009367206C6F6E67206C6F6E67206C6F6E67206C6F6E67206C6F6E67206C6F6E67206C6F6E67206C6F6E67206C6F6E67206C6F6E67206C6F6E67206C6F6E67206C6F6E67206C6F6E67206C6F6E67206C6F6E67206C6F6E67206C6F6E67206C6F6E67206C6F6E67206C6F6E67206C6F6E67206C6F6E67206C6F6E67206C6F6E67206C6F6E67206C6F6E67206C6F6E67206C6F6E6720');
INSERT INTO "bodies" VALUES(3,X'0011776169747320666F72206974732053494D');
INSERT INTO "bodies" VALUES(4,X'0012776169747320666F722069747320686F7572');
INSERT INTO "bodies" VALUES(5,X'00067365636F6E64');
INSERT INTO "bodies" VALUES(6,X'000A6F6E2074686520616972');
CREATE TABLE concat_references (
    recipient TEXT PRIMARY KEY,
    last      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "concat_references" VALUES('+49170555000',1);
CREATE TABLE cursors (
    bridge TEXT PRIMARY KEY,
    seq    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE epochs (
    epoch      INTEGER PRIMARY KEY,
    started_at INTEGER NOT NULL,
    boot_id    TEXT NOT NULL
) STRICT;
INSERT INTO "epochs" VALUES(1,1796059410214,'abc');
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
INSERT INTO "events" VALUES(1,1796059415225,0,1,0,NULL,0,0,NULL,NULL,NULL,NULL,NULL,NULL,0,0,NULL);
INSERT INTO "events" VALUES(2,1796059415230,0,1,1,0,1,0,1,NULL,NULL,NULL,NULL,NULL,0,0,NULL);
INSERT INTO "events" VALUES(3,1796059415245,0,1,2,1,1,1,1,NULL,NULL,NULL,NULL,NULL,0,0,NULL);
INSERT INTO "events" VALUES(4,1796059415256,0,1,3,2,1,1,1,NULL,NULL,NULL,NULL,0,0,0,NULL);
INSERT INTO "events" VALUES(5,1796059415366,0,2,0,NULL,0,0,NULL,NULL,NULL,NULL,NULL,NULL,0,0,NULL);
INSERT INTO "events" VALUES(6,1796059415368,0,2,1,0,2,0,2,NULL,NULL,NULL,NULL,NULL,0,0,NULL);
INSERT INTO "events" VALUES(7,1796059415393,0,2,2,1,2,2,2,NULL,NULL,NULL,NULL,NULL,0,0,NULL);
INSERT INTO "events" VALUES(8,1796059415404,0,2,3,2,2,2,2,NULL,NULL,NULL,NULL,0,0,0,NULL);
INSERT INTO "events" VALUES(9,1796059415509,0,3,0,NULL,0,0,NULL,NULL,NULL,NULL,NULL,NULL,0,0,NULL);
INSERT INTO "events" VALUES(10,1796059415515,0,4,0,NULL,0,0,NULL,NULL,NULL,NULL,NULL,NULL,0,0,NULL);
INSERT INTO "events" VALUES(11,1796059415520,0,5,0,NULL,0,0,NULL,NULL,NULL,NULL,NULL,NULL,0,0,NULL);
INSERT INTO "events" VALUES(12,1796059415521,0,5,1,0,1,0,1,NULL,NULL,NULL,NULL,NULL,0,0,NULL);
INSERT INTO "events" VALUES(13,1796059415534,0,5,2,1,1,1,1,NULL,NULL,NULL,NULL,NULL,0,0,NULL);
INSERT INTO "events" VALUES(14,1796059415543,0,5,3,2,1,1,1,NULL,NULL,NULL,NULL,0,0,0,NULL);
INSERT INTO "events" VALUES(15,1796059415551,0,6,0,NULL,0,0,NULL,NULL,NULL,NULL,NULL,NULL,0,0,NULL);
INSERT INTO "events" VALUES(16,1796059415551,0,6,1,0,1,0,1,NULL,NULL,NULL,NULL,NULL,0,0,NULL);
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
CREATE TABLE left_alone (
    sim    INTEGER NOT NULL REFERENCES sims,
    sha256 BLOB NOT NULL,
    PRIMARY KEY (sim, sha256)
) STRICT, WITHOUT ROWID;
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
INSERT INTO "messages" VALUES(1,'ended',X'3B8A591762E5EC79BADD2225649A701965717242A2A88F3D813C8D12B9140567','+49170555000',NULL,NULL,1,0,1,'sim0',1796059415225,1796145815225,0,'',3,1796059415225,NULL,'sim0',NULL,1796405015225,1,1,0,0,X'09000000010000000100000000000000');
INSERT INTO "messages" VALUES(2,'two-parts',X'2D7000987168E4E410B0A8350A6213A5D165536452AAC027AC4BC704F6F0D1CE','+49170555000',NULL,NULL,1,0,1,'sim1',1796059415366,1796145815366,1,'',3,1796059415366,NULL,'sim1',NULL,1796405015366,2,2,0,0,X'0900000001000000020000000000000009000000010000000300000000000000');
INSERT INTO "messages" VALUES(3,'waits',X'676ED55816DEBB130EDC530C853912390469DE62D0B9BF5A808250839FE59F91','+49170555000',NULL,NULL,1,0,1,'sim1',1796059415509,1796145815509,0,'',0,1796059415509,1796059415509,'sim1',1796145815509,0,NULL,0,0,0,X'00000000000000000000000000000000');
INSERT INTO "messages" VALUES(4,'planned',X'2814188C4D653797967EE6F33A92D53C1C566F1ABE90A027513BE420A5B3C2BD','+49170555000',NULL,NULL,1,0,1,'sim0',1796059415515,1811937600000,0,'',0,1811851200000,1811851200000,'sim0',1811937600000,0,NULL,0,0,0,X'00000000000000000000000000000000');
INSERT INTO "messages" VALUES(5,'second',X'51F46373F1099035C9EC1A7739884CEC51270928CE63AF041DAB224CB3915A58','+49170555000',NULL,NULL,1,0,1,'sim0',1796059415520,1796145815520,0,'',3,1796059415520,NULL,'sim0',NULL,1796405015520,1,1,0,0,X'09000000010000000400000000000000');
INSERT INTO "messages" VALUES(6,'on-the-air',X'598E3E95C01A13F985C84A6C3999113030C257A386B90F0CC9FC5696B165C3B1','+49170555000',NULL,NULL,1,0,1,'sim0',1796059415551,1796145815551,0,'',1,1796059415551,NULL,'sim0',1796145815551,0,1,1,0,0,X'02000000010000000500000000000000');
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value ANY NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "meta" VALUES('log_id','c100a314eafc80b7');
CREATE TABLE notices (
    notice  INTEGER PRIMARY KEY,
    modem   TEXT NOT NULL,
    sim     TEXT,
    -- 0 recovery, 1 alarm, 2 call, 3 broadcast, 4 ussd
    kind    INTEGER NOT NULL,
    subject TEXT NOT NULL,
    number  TEXT,
    text    TEXT,
    detail  TEXT NOT NULL
) STRICT;
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
CREATE TABLE parked (
    bridge TEXT NOT NULL,
    seq    INTEGER NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (bridge, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE pins (
    -- ICCID; "imei:" and the modem's while that cannot be read.
    sim   TEXT NOT NULL,
    -- SHA-256 of the event log's identity, a blank and the PIN.
    pin   BLOB NOT NULL,
    modem TEXT NOT NULL,
    -- 0 tried, 1 accepted, 2 refused.
    mark  INTEGER NOT NULL,
    PRIMARY KEY (sim, pin)
) STRICT, WITHOUT ROWID;
CREATE TABLE refusals (
    refusal     INTEGER PRIMARY KEY,
    code        INTEGER NOT NULL,
    detail      TEXT NOT NULL,
    field       TEXT,
    id          TEXT,
    correlation TEXT
) STRICT;
CREATE TABLE sims (
    sim        INTEGER PRIMARY KEY,
    iccid      TEXT NOT NULL UNIQUE,
    label      TEXT NOT NULL,
    first_seen INTEGER NOT NULL,
    -- Service centre's clock minus ours, in milliseconds, from its status reports; NULL: not known.
    skew       INTEGER
) STRICT;
INSERT INTO "sims" VALUES(1,'8949000000000000000','sim0',1796059410234,-230);
INSERT INTO "sims" VALUES(2,'8949000000000000018','sim1',1796059410235,-368);
CREATE INDEX messages_id ON messages (id);
CREATE INDEX messages_due ON messages (lane, priority, due_at, state) WHERE due_at IS NOT NULL;
CREATE INDEX messages_watch ON messages (watch_at) WHERE watch_at IS NOT NULL;
CREATE UNIQUE INDEX attempts_live ON attempts (sim, live) WHERE live IS NOT NULL;
CREATE INDEX attempts_report ON attempts (sim, report_key) WHERE report_key IS NOT NULL;
CREATE INDEX orphan_reports_open ON orphan_reports (at) WHERE published = 0;
CREATE INDEX inbound_pdus_sha ON inbound_pdus (sha256);
CREATE INDEX inbound_pdus_inbound ON inbound_pdus (inbound, seq) WHERE inbound IS NOT NULL;
CREATE INDEX inbound_open ON inbound (sim, sender, reference, wide, total) WHERE have < total;
CREATE INDEX inbound_partial ON inbound (partial_at) WHERE partial_at IS NOT NULL;
COMMIT;
