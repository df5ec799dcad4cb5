#!/usr/bin/env python3
"""Kills the gateway thousands of times while it sends and receives, and judges what the world saw (RELIABILITY R-01).

    tests/judge/chaos.py --kills 10000 --seed 1        eight SIMs, half of the messages with on_uncertain hold; modems hang,
                                                       garble and vanish, the broker restarts, the disk fills up
    tests/judge/chaos.py --kills 300 --seed 1 --plain  nothing but kills

Rounds of some hundred kills, each with a new state directory, and each judged for itself by what the modems' own log and the
broker saw; a round is what its seed makes it, and goes on where an earlier run ended. Time runs faster in the gateway
(--speed, printed), so that waits of minutes do not keep SIMs out of the kills. A kill counts only when something was at
stake, and it is told what: a part claimed or armed, a command or a message that came in and is not committed, one that is
committed and lies on its SIM still, an event that no subscriber has.

Where it may mount one, the state directory is a small tmpfs, and now and then it is full. Needs mosquitto, mosquitto_pub,
mosquitto_sub, a gateway (GSMGATE_BIN or --gateway) and the modem simulator `modemsim` (MODEMSIM or --modemsim); without the
simulator it says so and exits 0. Writes proof/chaos.json. Exit 1 when a promise is broken.
"""
import argparse
import os
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter

from judge import Failed, command, texts
from judge.proof import Proof
from judge.run import Run, carry_out, folder

SPEED = 100
# From one kill to the next, in seconds: as long as a start takes, and then as far as the traffic has come.
LIFE_S = (0.03, 0.35)
# Messages that are kept waiting, so that every SIM always has something to do.
WAITING, CHUNK = 120, 20
DISK = "64m"
# What happens beside a kill, and how often of a hundred.
TROUBLES = {"nothing": 74, "hang": 8, "garble": 6, "disconnect": 5, "lock": 4, "disk": 2, "broker": 1}


class Round(Run):
    """So many kills, and traffic for as long as they last."""

    def __init__(self, a, work):
        super().__init__(a, work)
        self.speed, self.tmpfs = a.speed, False
        self.stakes, self.troubles = Counter(), Counter()

    def start(self):
        state = self.work / "state"
        state.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=700", "gsmgate-chaos", str(state)]
        self.tmpfs = not self.a.plain and subprocess.run(mount, capture_output=True).returncode == 0
        super().start()

    def stop(self):
        super().stop()
        if self.tmpfs:
            # What it held may be wanted.
            shutil.copytree(self.work / "state", self.work / "state.kept", dirs_exist_ok=True)
            subprocess.run(["umount", str(self.work / "state")], check=False)

    def publisher(self):
        """Every other one is never to be sent twice, and every third without a report: nothing tells then what became of it."""
        def make(i):
            message = texts.message(self.rng, i)
            message.hold, message.report = i % 2 == 0, i % 3 != 0
            return message
        self.keep_busy(WAITING, CHUNK, make)

    def injector(self):
        while not self.over.is_set():
            self.inject_next()
            time.sleep(self.rng.uniform(0.02, 0.2))

    def faults(self):
        try:
            while self.stakes["counted"] < self.a.kills:
                time.sleep(self.rng.uniform(*LIFE_S))
                self.kill()
                if not self.a.plain:
                    self.trouble()
        finally:
            self.over.set()
            for modem in range(self.a.modems):
                self.modems.ctl(f"garble {modem} 0")

    def kill(self):
        if self.gateway.has_ended():
            raise Failed(f"the gateway ended by itself with {self.gateway.process.returncode}")
        self.gateway.kill()
        at_stake = self.gateway.at_stake(self.published, len(self.injected), self.modems.stored())
        self.stakes.update({what: bool(count) for what, count in at_stake.items()})
        self.stakes["nothing"] += not any(at_stake.values())
        self.stakes["counted"] += any(at_stake.values())
        self.stakes["parts armed"] += at_stake.get("armed", 0)
        if self.gateway.kills % 50 == 0:
            told = ", ".join(f"{count} {what}" for what, count in self.stakes.items())
            print(f"    {self.gateway.kills} kills, {len(self.asked)} messages, {len(self.injected)} inbound: {told}", flush=True)
        self.gateway.start()

    def trouble(self):
        modem = self.rng.randrange(self.a.modems)
        what = self.rng.choices(list(TROUBLES), TROUBLES.values())[0]
        span_s = self.rng.uniform(0.05, 0.5)
        self.troubles[what] += 1
        match what:
            case "hang" | "disconnect":
                self.modems.ctl(f"{what} {modem} {span_s * 1000:.0f}")
            case "garble":
                self.modems.ctl(f"garble {modem} {self.rng.choice((1, 1, 2))}")
            case "lock":
                threading.Thread(target=self.gateway.lock, args=(span_s,)).start()
            case "disk":
                threading.Thread(target=self.disk, args=(span_s,)).start()
            case "broker":
                self.broker.restart(span_s)

    def disk(self, span_s):
        """Another program takes all the room there is (F-42)."""
        if not self.tmpfs:
            return
        path = self.gateway.state / f"foreign-{threading.get_ident()}"
        with open(path, "wb") as file:
            for size in (1 << 20, 1 << 12):
                try:
                    while True:
                        os.write(file.fileno(), bytes(size))
                except OSError:
                    # Full.
                    pass
        time.sleep(span_s)
        path.unlink()

    def counts(self):
        return super().counts() | {"stakes": dict(self.stakes), "troubles": dict(self.troubles), "tmpfs": self.tmpfs}


def one_round(a, number):
    mine = argparse.Namespace(**vars(a))
    mine.seed, mine.kills = a.seed * 1000 + number, min(a.round, a.kills - number * a.round)
    return carry_out(Round(mine, folder("chaos")), number)


def arguments():
    p = command.parser(__doc__, "chaos.json")
    p.add_argument("--kills", type=int, default=300, help="that count")
    p.add_argument("--round", type=int, default=250, help="kills in a round")
    p.add_argument("--speed", type=int, default=SPEED, help="how many times as fast the gateway's time runs")
    p.add_argument("--plain", action="store_true", help="no faults but kills")
    return p.parse_args()


def main():
    a = arguments()
    unable = command.unable(a)
    if unable is not None:
        return unable
    proof = Proof(a.proof, seed=a.seed, round=a.round, speed=a.speed, plain=a.plain, modems=a.modems)
    done = len(proof.rounds)
    print(f"chaos: {a.kills} kills in rounds of {a.round}, seed {a.seed}, {a.modems} SIMs, time runs {a.speed} times as fast"
          + (f"; {done} rounds are done" if done else ""), flush=True)
    for number in range(-(-a.kills // a.round)):
        if proof.has(number):
            continue
        print(f"  round {number}", flush=True)
        result = one_round(a, number)
        if not result["ok"]:
            print(f"FAIL in round {number}; again: {command.again('--seed', a.seed)} (rounds that passed are kept)")
            return 1
        proof.add(result)
    proof.tell("chaos")
    return 0


if __name__ == "__main__":
    sys.exit(main())
