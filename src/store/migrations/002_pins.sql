-- What became of a PIN in a SIM, so that a wrong one is entered only once.
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
