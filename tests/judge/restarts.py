#!/usr/bin/env python3
"""Restarts the gateway in order, a thousand times under load: no part is ever in doubt (RELIABILITY R-09).

    tests/judge/restarts.py --restarts 1000 --workers 16

Each worker has a gateway of its own with two SIMs, whose network takes three seconds for a submit. SIGTERM at any moment,
also while the gateway starts; then nothing may be `uncertain`, nothing may go out twice, and each message is delivered. In
real time. Needs what chaos.py needs. Writes proof/restarts.json, worker by worker. Exit 1 when a promise is broken.
"""
import signal
import sys
import time

from judge import command, texts
from judge.proof import Proof
from judge.run import Run, by_workers, carry_out, folder

# Messages that wait, so that each SIM always has something to do.
WAITING, CHUNK = 6, 2
# From a start to the next SIGTERM.
LIFE_S = (0.0, 4.0)
# What is in the air ends before the gateway does.
STOP_S = 10
# A gateway of this age may not listen to signals yet, on a machine with much to do.
YOUNG_S = 3


class Restarts(Run):
    disturbs = False

    def __init__(self, a, work):
        super().__init__(a, work)
        self.restarts, self.in_the_air, self.too_young, self.slowest_s = 0, 0, 0, 0.0
        self.born = time.monotonic()

    def most_extra(self):
        return 0

    def publisher(self):
        def make(i):
            message = texts.message(self.rng, i, (60, 30, 5, 5))
            message.hold = i % 4 == 0
            return message
        self.keep_busy(WAITING, CHUNK, make)

    def injector(self):
        while not self.over.is_set():
            self.inject_next()
            time.sleep(self.rng.uniform(0.5, 2))

    def faults(self):
        try:
            while self.restarts < self.a.restarts:
                time.sleep(self.rng.uniform(*LIFE_S))
                self.restart()
        finally:
            self.over.set()

    def restart(self):
        self.in_the_air += self.gateway.armed() > 0
        begin = time.monotonic()
        code = self.gateway.stop()
        if code == -signal.SIGTERM and begin - self.born < YOUNG_S:
            # Before it listens to signals nothing is in the air.
            self.too_young += 1
        elif code != 0:
            self.problems.append(f"the gateway ended SIGTERM with {code}")
        took_s = time.monotonic() - begin
        self.slowest_s = max(self.slowest_s, took_s)
        if took_s > STOP_S:
            self.problems.append(f"SIGTERM took {took_s:.1f} s")
        self.born = time.monotonic()
        self.gateway.start()
        self.restarts += 1

    def counts(self):
        return super().counts() | {"restarts": self.restarts, "in_the_air": self.in_the_air, "too_young": self.too_young,
                                   "slowest_stop_s": round(self.slowest_s, 2)}


def one_round(a, number):
    return carry_out(Restarts(a, folder("restarts")), number)


def arguments():
    p = command.parser(__doc__, "restarts.json", modems=2, latency_ms=3000)
    p.add_argument("--restarts", type=int, default=200)
    p.add_argument("--workers", type=int, default=16)
    return p.parse_args()


def main():
    a = arguments()
    unable = command.unable(a)
    if unable is not None:
        return unable
    proof = Proof(a.proof, seed=a.seed, restarts=a.restarts, workers=a.workers, modems=a.modems, latency_ms=a.latency_ms)
    print(f"restarts: {a.restarts} by {a.workers} workers, {len(proof.rounds)} of them done, seed {a.seed}, {a.modems} SIMs each, "
          f"{a.latency_ms:g} ms a submit", flush=True)
    for result in by_workers(a, proof, "restarts", one_round):
        proof.add(result)
    proof.tell("restarts")
    print(f"  again: {command.again()}")
    return 0 if all(r["ok"] for r in proof.rounds) else 1


if __name__ == "__main__":
    sys.exit(main())
