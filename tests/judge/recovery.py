#!/usr/bin/env python3
"""Measures how soon the gateway is back (RELIABILITY R-08): after kill -9, and when the broker is there again.

    tests/judge/recovery.py --kills 200 --workers 6

Each trial is a kill under load and then an outage of the broker, in real time: nothing runs faster here. Measured are, from
the start after a kill, the control socket's first answer; from the kill, the first AT+CMGS of each SIM; from the moment the
broker runs again, the first event that reaches it, and then events a second. What was sent meanwhile is judged as ever.

Needs what chaos.py needs. Writes proof/recovery.json with every measurement. Exit 1 when a promise is broken or the 95th of a
hundred is over its bar.
"""
import os
import sys
import time

from judge import command, texts, wait_for
from judge.broker import NAME
from judge.proof import Proof
from judge.run import Run, by_workers, carry_out, folder

# What is measured, its bar in seconds, and in words.
BARS = {"api_s": (1, "control socket answers, from the start"), "slot_s": (10, "first AT+CMGS of a SIM, from the kill"),
        "drain_s": (5, "first event at the broker, from its start")}
EVENTS_A_SECOND = 200
LIMIT_S = 60
WAITING, CHUNK = 200, 20
LIFE_S = (0.2, 1.5)
# Events that are enough to tell a rate from.
BACKLOG = 50
PUBLISHED = f"Received PUBLISH from gsmgate-{NAME} ".encode()


class Trials(Run):
    settle_s = 400
    broker_config = "log_type all\n"

    def __init__(self, a, work):
        super().__init__(a, work)
        self.measured = {"api_s": [], "slot_s": [], "drain_s": [], "outage_s": [], "events_a_s": []}

    def publisher(self):
        self.keep_busy(WAITING, CHUNK, lambda i: texts.message(self.rng, i, (60, 40, 0, 0)))

    def injector(self):
        while not self.over.is_set():
            self.inject_next()
            time.sleep(self.rng.uniform(0.1, 1))

    def faults(self):
        try:
            wait_for("the first messages", LIMIT_S, lambda: len(self.unsent) >= WAITING / 2)
            for _ in range(self.a.kills):
                time.sleep(self.rng.uniform(*LIFE_S))
                self.kill()
                time.sleep(self.rng.uniform(*LIFE_S))
                self.outage(self.rng.uniform(0.5, self.a.outage_s))
        finally:
            self.over.set()

    def kill(self):
        for _ in self.modems.news():
            pass
        self.gateway.kill()
        killed_ns = time.time_ns()
        begin = time.monotonic()
        self.gateway.start()
        wait_for("the control socket", LIMIT_S, self.gateway.answers, 0.005)
        self.measured["api_s"].append(round(time.monotonic() - begin, 3))
        first = {}

        def all_send():
            for e in self.modems.news():
                if e["event"] == "submit" and e["cmd_ns"] > killed_ns:
                    first.setdefault(e["modem"], (e["cmd_ns"] - killed_ns) / 1e9)
            return len(first) == self.a.modems
        wait_for("AT+CMGS of every SIM", LIMIT_S, all_send, 0.02)
        self.measured["slot_s"] += [round(s, 3) for s in first.values()]

    def outage(self, span_s):
        self.broker.stop()
        time.sleep(span_s)
        backlog = self.gateway.backlog()
        self.broker.start()
        begin = time.monotonic()
        wait_for("an event", LIMIT_S, lambda: PUBLISHED in self.broker.said(), 0.005)
        first = time.monotonic()
        self.broker.restarts += 1
        self.measured["drain_s"].append(round(first - begin, 3))
        self.measured["outage_s"].append(round(span_s, 1))
        if backlog >= BACKLOG:
            wait_for("the backlog", LIMIT_S, lambda: self.broker.said().count(PUBLISHED) >= backlog, 0.005)
            self.measured["events_a_s"].append(round(backlog / (time.monotonic() - first)))

    def counts(self):
        return super().counts() | {"measured": self.measured}


def one_round(a, number):
    return carry_out(Trials(a, folder("recovery")), number)


def share(values, of_a_hundred):
    """The value that so many of a hundred do not exceed."""
    return sorted(values)[min(len(values) - 1, len(values) * of_a_hundred // 100)] if values else None


def summary(rounds):
    """Of each measurement how many, the middle, the 95th of a hundred, the worst, and whether the bar is kept."""
    out = {}
    for name, (bar, what) in BARS.items():
        values = [value for r in rounds for value in r["measured"][name]]
        out[name] = {"what": what, "trials": len(values), "p50": share(values, 50), "p95": share(values, 95),
                     "most": max(values, default=None), "bar": bar, "kept": bool(values) and share(values, 95) <= bar}
    rates = [value for r in rounds for value in r["measured"]["events_a_s"]]
    out["events_a_s"] = {"what": "events a second after an outage", "trials": len(rates), "p50": share(rates, 50),
                         "p5": share(rates, 5), "bar": EVENTS_A_SECOND, "kept": not rates or share(rates, 5) >= EVENTS_A_SECOND}
    return out


def arguments():
    p = command.parser(__doc__, "recovery.json", latency_ms=250)
    p.add_argument("--kills", type=int, default=200)
    p.add_argument("--workers", type=int, default=6)
    p.add_argument("--outage-s", type=float, default=20, help="longest outage of the broker")
    return p.parse_args()


def main():
    a = arguments()
    unable = command.unable(a)
    if unable is not None:
        return unable
    proof = Proof(a.proof, seed=a.seed, kills=a.kills, workers=a.workers, modems=a.modems, latency_ms=a.latency_ms,
                  outage_s=a.outage_s)
    print(f"recovery: {a.kills} kills and outages by {a.workers} workers, {len(proof.rounds)} of them done, seed {a.seed}, "
          f"{a.modems} SIMs each; load of the machine {os.getloadavg()[0]:.1f}", flush=True)
    for result in by_workers(a, proof, "kills", one_round):
        measured = [r for r in [*proof.rounds, result] if "measured" in r]
        proof.add(result, measured=summary(measured), load=os.getloadavg()[0])
    bars = summary([r for r in proof.rounds if "measured" in r])
    proof.tell("recovery")
    for name, bar in bars.items():
        print(f"  {'ok  ' if bar['kept'] else 'FAIL'} {name:12} {bar}")
    print(f"  again: {command.again()}")
    return 0 if all(r["ok"] for r in proof.rounds) and all(bar["kept"] for bar in bars.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
