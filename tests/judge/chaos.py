#!/usr/bin/env python3
"""Kills the gateway thousands of times while it sends and receives, and judges what the world saw (RELIABILITY R-01).

    tests/judge/chaos.py --kills 10000 --seed 1        eight SIMs, half of the messages with on_uncertain hold; modems hang,
                                                       garble and vanish, the broker restarts
    tests/judge/chaos.py --kills 300 --seed 1 --plain  nothing but kills

Rounds of some hundred kills, each with a new state directory, and each judged for itself by what the modems' own log and the
broker saw; a round is what its seed makes it, and goes on where an earlier run ended. Time runs faster in the gateway
(--speed, printed), so that waits of minutes do not keep SIMs out of the kills. A kill counts only when something was at
stake: a part armed, a command not yet kept, or a message that came in and was not yet kept; it is told which.

Needs what mosquitto_chaos.py needs. Writes proof/chaos.json. Exit 1 when a promise is broken.
"""
import argparse
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import mosquitto_chaos as judge

PROOF = judge.ROOT / "proof" / "chaos.json"
SPEED = 100
# From one kill to the next, in seconds: as long as a start takes, and then as far as the traffic has come.
LIFE_S = (0.03, 0.35)
# Messages that are kept waiting, so that every SIM always has something to do.
WAITING = 120
# A round's messages may wait for their evidence one after the other.
SETTLE_S = 120
FINAL = ("delivered", "unknown")


class Round(judge.Run):
    """So many kills, and traffic for as long as they last."""

    def __init__(self, a, work):
        super().__init__(a, work)
        self.disturbs, self.stall_s = True, 10**9
        self.stakes, self.over = Counter(), threading.Event()
        self.hold, self.published = set(), 0
        self.asked, self.injected = [], []

    def most_extra(self):
        return 10**9

    def publisher(self):
        """Commands as fast as they are carried out; every other one is never to be sent twice."""
        made = judge.messages(self.rng, 4000)
        while not self.over.is_set() and made:
            self.witness.poll()
            open_ones = sum(1 for m in self.asked if self.witness.last_state(m["id"]) not in (*FINAL, "sent"))
            if open_ones >= WAITING:
                time.sleep(0.05)
                continue
            chunk = [made.pop(0) for _ in range(judge.CHUNK)]
            self.hold |= {m["id"] for m in chunk[::2]}
            self.asked += chunk
            self.repeats += self.publish([self.as_command(n, m) for n, m in enumerate(chunk)])
            self.published += len(chunk)

    def as_command(self, n, message):
        """Every third without a report: nothing tells then what became of it."""
        message = dict(message, report=n % 3 != 0)
        return dict(message, on_uncertain="hold") if message["id"] in self.hold else message

    def publish(self, chunk):
        keys = ("id", "to", "text", "on_uncertain", "report")
        lines = "".join(json.dumps({k: m[k] for k in keys if k in m}, ensure_ascii=False) + "\n" for m in chunk)
        for repeats in range(40):
            try:
                done = subprocess.run(["mosquitto_pub", "-p", str(self.broker.port), "-t", f"{judge.BASE}/send", "-q", "1",
                                       "-l"], input=lines.encode(), capture_output=True, timeout=judge.PUBLISH_S)
                if done.returncode == 0:
                    return repeats
            except subprocess.TimeoutExpired:
                pass
            time.sleep(0.2)
        raise judge.Failed("mosquitto_pub did not get through in 40 tries")

    def injector(self):
        n = 0
        while not self.over.is_set():
            modem, sender = n % self.a.modems, f"+49171{8000000 + n}"
            text = f"in-{n:05} {self.rng.choice((judge.UCS2_SAMPLE, judge.GSM7_SAMPLE))}"
            self.injected.append((modem, sender, text))
            self.modems.ctl(f"inject {modem} {sender} {text}")
            n += 1
            time.sleep(self.rng.uniform(0.02, 0.2))

    def faults(self):
        try:
            for n in range(self.a.kills):
                time.sleep(self.rng.uniform(*LIFE_S))
                self.kill(n)
                if not self.a.plain:
                    self.trouble(n)
        finally:
            self.over.set()
            for modem in range(self.a.modems):
                self.modems.ctl(f"garble {modem} 0")

    def kill(self, n):
        if self.gateway.process.poll() is not None:
            raise judge.Failed(f"the gateway ended by itself with {self.gateway.process.returncode}")
        self.gateway.process.kill()
        self.gateway.process.wait()
        self.gateway.kills += 1
        at_stake = self.at_stake()
        self.stakes["armed"] += bool(at_stake["armed"])
        self.stakes["command"] += at_stake["command"]
        self.stakes["inbound"] += at_stake["inbound"]
        self.stakes["nothing"] += not any(at_stake.values())
        self.stakes["counted"] += any(at_stake.values())
        self.stakes["parts armed"] += at_stake["armed"]
        if n % 50 == 49:
            print(f"    {n + 1} kills, {len(self.asked)} messages, {len(self.injected)} inbound, {dict(self.stakes)}", flush=True)
        self.gateway.start()

    def at_stake(self):
        """From a copy of the files as the kill left them: opening them would mend them."""
        with tempfile.TemporaryDirectory() as copy:
            for name in ("gsmgate.db", "gsmgate.db-wal"):
                if (self.work / "state" / name).exists():
                    shutil.copy(self.work / "state" / name, copy)
            db = sqlite3.connect(f"{copy}/gsmgate.db")
            count = lambda sql: db.execute(sql).fetchone()[0]
            try:
                return {"armed": count("SELECT count(*) FROM attempts WHERE live = 0"),
                        "command": self.published > count("SELECT count(*) FROM messages"),
                        "inbound": len(self.injected) > count("SELECT count(*) FROM inbound_pdus")}
            except sqlite3.OperationalError:
                # Killed before the tables were made.
                return {"armed": 0, "command": self.published > 0, "inbound": bool(self.injected)}
            finally:
                db.close()

    def trouble(self, n):
        modem = self.rng.randrange(self.a.modems)
        what = self.rng.choices(("nothing", "hang", "garble", "disconnect", "lock", "broker"), (76, 8, 6, 5, 4, 1))[0]
        if what == "hang":
            self.modems.ctl(f"hang {modem} {self.rng.randrange(50, 500)}")
        elif what == "garble":
            self.modems.ctl(f"garble {modem} {self.rng.choice((0, 1, 1, 2))}")
        elif what == "disconnect":
            self.modems.ctl(f"disconnect {modem} {self.rng.randrange(50, 300)}")
        elif what == "lock":
            threading.Thread(target=self.lock, args=(self.rng.uniform(0.05, 0.5),)).start()
        elif what == "broker":
            self.broker.restart(self.rng.uniform(0.05, 0.5))

    def lock(self, span_s):
        """Another program holds the database for a while (F-47)."""
        try:
            db = sqlite3.connect(f"file:{self.work}/state/gsmgate.db?mode=rw", uri=True, timeout=0.2)
            db.execute("BEGIN IMMEDIATE")
            time.sleep(span_s)
            db.rollback()
            db.close()
        except sqlite3.OperationalError:
            # The gateway was quicker, or has no database yet.
            pass

    def is_settled(self):
        if self.gateway.process.poll() is not None:
            self.problems.append(f"the gateway ended by itself with {self.gateway.process.returncode}")
            return True
        self.witness.poll()
        out = all(self.witness.last_state(m["id"]) in (*FINAL, "sent") for m in self.asked)
        texts = {body.get("text") for body in self.witness.inbound()}
        return out and all(text in texts for _, _, text in self.injected)

    def links(self):
        """Tries of each message as the gateway remembers them: uncertain ones, and those that repeat one."""
        db = sqlite3.connect(f"file:{self.work}/state/gsmgate.db?mode=ro", uri=True)
        rows = db.execute("SELECT m.id, count(a.uncertain), count(a.resend_of) FROM messages m JOIN attempts a USING (message) "
                          "GROUP BY m.id")
        return {name: (uncertain, repeats) for name, uncertain, repeats in rows}


def unlogged(events):
    """Recipients with more reports than accepted submits. This simulator forgets the log line of a submit whose line hung up,
    and reports it delivered all the same: the network has had it."""
    balance = Counter()
    for e in events:
        balance[e.get("da")] += (e["event"] == "dlr") - (e["event"] == "submit" and e["ok"])
    return {da for da, n in balance.items() if n > 0}


def judge_round(run):
    """What the judge of one run finds, but for messages that are held: one that ended as unknown may have left or not."""
    events = run.modems.events()
    links = run.links()
    out = judge.defaultdict(list, parts=0, extra={}, states=Counter())
    judge.judge_outbound(run, events, out)
    held_lost = [m for m in out["lost"] if m in run.hold and run.witness.last_state(m) == "unknown"]
    ghosts = unlogged(events)
    reported = {m["id"] for m in run.asked if m["to"] in ghosts}
    out["unlogged"] = len(reported)
    out["lost"] = [m for m in out["lost"] if m not in held_lost and m not in reported]
    out["held_unknown"] = sum(run.witness.last_state(m) == "unknown" for m in run.hold)
    out["held_twice"] = [m for m in out["extra"] if m in run.hold]
    judge.judge_links(run, out)
    for message, extra in out["extra"].items():
        uncertain, repeats = links.get(message, (0, 0))
        if extra > uncertain or extra > repeats:
            out["unexplained"].append(f"{message}: {extra} extra, {uncertain} uncertain tries, {repeats} repeats")
    for m in run.asked:
        out["states"][run.witness.last_state(m["id"]) or "none"] += 1
        if run.witness.last_state(m["id"]) not in (*FINAL, "sent"):
            out["undelivered"].append(f"{m['id']}: {run.witness.last_state(m['id'])}")
    judge.judge_inbound(run, events, out)
    judge.judge_log(run, out)
    out["problems"] = run.problems
    return out


BROKEN = ("strangers", "lost", "wrong", "held_twice", "unexplained", "undelivered", "inbound_lost", "inbound_twice",
          "inbound_wrong", "deleted_unread", "left_on_sims", "seq_gaps", "refused", "panics", "problems")


def one_round(a, number):
    """The result of one round, to be added to the proof; its folder is kept when something is broken."""
    mine = argparse.Namespace(**vars(a))
    mine.seed, mine.kills = a.seed * 1000 + number, min(a.round, a.kills - number * a.round)
    mine.messages, mine.inbound, mine.timeout, mine.restarts, mine.persistence = 0, 0, SETTLE_S, 1, "on"
    work = Path(tempfile.mkdtemp(prefix="gsmgate-chaos-"))
    run, begin, result = Round(mine, work), time.monotonic(), None
    try:
        run.start()
        run.drive()
        # A fresh message passes when all faults are over (I-32).
        fresh = dict(id="fresh", to="+4915199999999", text="fresh", kind="gsm7", parts=1)
        run.asked.append(fresh)
        run.publish([fresh])
        judge.wait_for("a fresh message", SETTLE_S, lambda: run.is_settled() and run.witness.last_state("fresh") in FINAL)
        run.gateway.stop()
        run.witness.poll()
        out = judge_round(run)
        counts = {k: len(out[k]) if isinstance(out[k], list) else out[k] for k in BROKEN}
        result = {"round": number, "seed": mine.seed, "ok": not any(out[k] for k in BROKEN), "kills": run.gateway.kills,
                  "stakes": dict(run.stakes), "messages": len(run.asked), "held": len(run.hold), "parts": out["parts"],
                  "inbound": len(run.injected), "broker_restarts": run.broker.restarts, "ambiguous_messages": out["ambiguous"],
                  "extra_submits": sum(out["extra"].values()), "held_unknown": out["held_unknown"], "unlogged": out["unlogged"],
                  "states": dict(out["states"]), "seconds": round(time.monotonic() - begin, 1), **counts}
        for key in BROKEN:
            if out[key]:
                print(f"  FAIL {key}: {out[key] if not isinstance(out[key], list) else out[key][:5]}")
    except judge.Failed as error:
        print(f"  FAIL {error}; {run.problems}")
    finally:
        run.stop()
        if result and result["ok"] and not a.keep:
            shutil.rmtree(work)
        else:
            print(f"  kept: {work}")
    return result


def commit():
    out = subprocess.run(["git", "rev-parse", "HEAD"], cwd=judge.ROOT, capture_output=True, text=True)
    return out.stdout.strip()


def total(rounds):
    numbers = Counter()
    for r in rounds:
        numbers.update({k: v for k, v in r.items() if isinstance(v, (int, float)) and k not in ("round", "seed", "ok")})
        numbers.update({f"kills with {k}": v for k, v in r["stakes"].items()})
    return {k: round(v, 1) for k, v in numbers.items()}


def load(a):
    """Rounds of an earlier run of the same commit, seed and settings."""
    same = {"commit": commit(), "seed": a.seed, "round": a.round, "speed": a.speed, "plain": a.plain, "modems": a.modems}
    try:
        before = json.loads(a.proof.read_text())
        if before["made_of"] == same:
            return same, before["rounds"]
    except (OSError, ValueError, KeyError):
        pass
    return same, []


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--gateway", default=os.environ.get("GSMGATE_BIN") or str(judge.ROOT / "target/release/gsmgate"))
    p.add_argument("--modemsim", default=os.environ.get("MODEMSIM") or shutil.which("modemsim"))
    p.add_argument("--kills", type=int, default=300)
    p.add_argument("--round", type=int, default=250, help="kills in a round")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--modems", type=int, default=8)
    p.add_argument("--latency-ms", type=int, default=40)
    p.add_argument("--speed", type=int, default=SPEED, help="how many times as fast the gateway's time runs")
    p.add_argument("--plain", action="store_true", help="no faults but kills")
    p.add_argument("--proof", type=Path, default=PROOF)
    p.add_argument("--keep", action="store_true")
    return p.parse_args()


def main():
    a = arguments()
    unable = judge.unable(a)
    if unable is not None:
        return unable
    os.environ["GSMGATE_TEST_TIME_SCALE"] = str(a.speed)
    made_of, rounds = load(a)
    print(f"chaos: {a.kills} kills in rounds of {a.round}, seed {a.seed}, {a.modems} SIMs, time runs {a.speed} times as fast"
          + (f"; {len(rounds)} rounds are done" if rounds else ""), flush=True)
    for number in range(len(rounds), -(-a.kills // a.round)):
        print(f"  round {number}", flush=True)
        result = one_round(a, number)
        if result is None or not result["ok"]:
            print(f"FAIL in round {number}; again: {' '.join(sys.argv)} --seed {a.seed} (rounds that passed are kept)")
            return 1
        rounds.append(result)
        a.proof.parent.mkdir(exist_ok=True)
        a.proof.write_text(json.dumps({"made_of": made_of, "total": total(rounds), "rounds": rounds}, indent=1) + "\n")
    for name, value in total(rounds).items():
        print(f"  {name:36} {value}")
    print(json.dumps({"judge": "chaos", "ok": True, **made_of, **total(rounds)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
