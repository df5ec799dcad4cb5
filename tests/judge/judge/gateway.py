"""The product, as a black box that is started, killed and stopped; and its own account of what it did."""
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path

from .broker import NAME

STOP_S = 240
ANSWER_S = 5
# Tries that may not have ended yet.
YOUNG = 20_000
# A database that was not made yet, or that a killed gateway left to be recovered by the next one.
ABSENT = ("no such table", "unable to open", "readonly", "locked")


class Gateway:
    """`each_modem`: lines of every [[modem]]; `more`: further tables. Its time runs `speed` times as fast."""

    def __init__(self, binary, work, ttys, broker_port, each_modem="", more="", speed=1, env=()):
        self.binary, self.work, self.kills, self.speed, self.env = binary, work, 0, speed, dict(env)
        self.socket, self.config, self.state = work / "control.sock", work / "gsmgate.toml", work / "state"
        modems = "".join(f'\n[[modem]]\nport = "{tty}"\nlabel = "m{i}"\n{each_modem}' for i, tty in enumerate(ttys))
        self.config.write_text(f'[gateway]\nname = "{NAME}"\nstate_dir = "{self.state}"\n'
                               f'control_socket = "{self.socket}"\n\n[mqtt]\n'
                               f'url = "mqtt://127.0.0.1:{broker_port}"\n{more}{modems}')
        self.state.mkdir(exist_ok=True)
        # Tries that nobody knew the end of, and tries that repeat one, as the database told of them.
        self.odd_tries, self.looked_upto = {}, 0
        self.start()

    def start(self):
        faster = {"GSMGATE_TEST_TIME_SCALE": str(self.speed)} if self.speed != 1 else {}
        env = os.environ | faster | self.env
        with open(self.work / "gateway.log", "ab") as log:
            self.process = subprocess.Popen([self.binary, "run", "--config", str(self.config)], env=env, stdout=log, stderr=log)

    def kill(self):
        """At once; and not started again."""
        self.process.kill()
        self.process.wait()
        self.kills += 1

    def has_ended(self):
        return self.process.poll() is not None

    def stop(self):
        """Orderly; returns the exit code."""
        if not self.has_ended():
            self.process.terminate()
        return self.process.wait(STOP_S)

    def ask(self, request):
        """The reply of the control socket; None when it broke off."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(ANSWER_S)
            s.connect(str(self.socket))
            s.sendall(json.dumps(request).encode() + b"\n")
            line = s.makefile().readline()
            return json.loads(line) if line.endswith("\n") else None

    def answers(self):
        try:
            return self.ask({"do": "info"})
        except OSError:
            return None

    def panics(self):
        with open(self.work / "gateway.log", errors="replace") as log:
            return sum("panicked at" in line for line in log)

    def told(self, texts):
        """Those that its log has; short ones may be there by chance."""
        log = (self.work / "gateway.log").read_text(errors="replace")
        return [text for text in texts if len(text) >= 16 and text in log]

    def query(self, sql, *values):
        """What the database answers; nothing while it is not there yet, or not for others."""
        with suppress_absent():
            db = sqlite3.connect(f"file:{self.state}/gsmgate.db?mode=ro", uri=True, timeout=5)
            try:
                return db.execute(sql, values).fetchall()
            finally:
                db.close()
        return []

    def count(self, sql):
        rows = self.query(sql)
        return rows[0][0] or 0 if rows else 0

    def armed(self):
        """Parts in the air."""
        return self.count("SELECT count(*) FROM attempts WHERE live = 0")

    def backlog(self):
        """Events that no broker has acknowledged."""
        return self.count("SELECT (SELECT max(seq) FROM events) - (SELECT min(seq) FROM cursors)")

    def ids(self):
        """Of all messages that it knows."""
        return {name for name, in self.query("SELECT id FROM messages")}

    def look(self):
        """Takes odd tries in: of a long run the early ones are gone at its end."""
        rows = self.query("SELECT a.attempt, m.id, a.uncertain IS NOT NULL, a.resend_of IS NOT NULL FROM attempts a "
                          "JOIN messages m USING (message) "
                          "WHERE (a.uncertain IS NOT NULL OR a.resend_of IS NOT NULL) AND a.attempt > ?", self.looked_upto)
        self.odd_tries.update({attempt: (name, uncertain, repeats) for attempt, name, uncertain, repeats in rows})
        # Younger ones may become uncertain yet.
        self.looked_upto = max(self.looked_upto, self.count("SELECT max(attempt) FROM attempts") - YOUNG)

    def tries(self):
        """Of each message how many tries were uncertain, and how many repeat one."""
        self.look()
        out = {}
        for name, uncertain, repeats in self.odd_tries.values():
            before = out.get(name, (0, 0))
            out[name] = (before[0] + uncertain, before[1] + repeats)
        return out

    def lock(self, span_s):
        """Another program holds the database for a while (F-47), unless the gateway is quicker or has none yet."""
        with suppress(sqlite3.OperationalError):
            db = sqlite3.connect(f"file:{self.state}/gsmgate.db?mode=rw", uri=True, timeout=0.2)
            try:
                db.execute("BEGIN EXCLUSIVE")
                time.sleep(span_s)
                db.rollback()
            finally:
                db.close()

    def at_stake(self, published, injected, stored):
        """What a kill met, from a copy of the files as it left them: opening them would mend them. `published` commands,
        `injected` messages, and `stored` on the SIMs, as the judge knows them."""
        with tempfile.TemporaryDirectory() as copy:
            for name in ("gsmgate.db", "gsmgate.db-wal"):
                # Another program that held the database may be closing it, and takes the WAL in then.
                with suppress(FileNotFoundError):
                    shutil.copy(self.state / name, copy)
            db = sqlite3.connect(Path(copy) / "gsmgate.db")
            count = lambda sql: db.execute(sql).fetchone()[0] or 0
            try:
                kept = count("SELECT count(*) FROM inbound_pdus")
                return {"armed": count("SELECT count(*) FROM attempts WHERE live = 0"),
                        "claimed": count("SELECT count(*) FROM attempts WHERE live > 0"),
                        "command uncommitted": max(0, published - count("SELECT count(*) FROM messages")),
                        "inbound uncommitted": max(0, injected - kept),
                        # Committed, and still on the SIM.
                        "ack owed": max(0, stored - max(0, injected - kept)),
                        "event unpublished": count("SELECT max(seq) FROM events") - count("SELECT min(seq) FROM cursors")}
            except sqlite3.OperationalError as error:
                if "no such table" not in str(error):
                    raise
                # Killed before they were made.
                return {"command uncommitted": published, "inbound uncommitted": injected}
            finally:
                db.close()


@contextmanager
def suppress_absent():
    """Another mistake of ours, or of the tables, is one."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if not any(words in str(error) for words in ABSENT):
            raise
