-- What modems told that is no message; events of kind 5 are about them.
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
