#!/usr/bin/env python3
"""Judges the whole road in real time: real Mosquitto, real mosquitto_pub, somebody else's modems, and the gateway between.

    tests/judge/mosquitto_chaos.py                     200 messages and 50 inbound, nothing disturbed
    tests/judge/mosquitto_chaos.py --chaos             the same, with the gateway killed -9 five times and the broker
                                                       (persistence on) restarted three times by SIGTERM
    tests/judge/mosquitto_chaos.py --chaos --seed N    the same moments and messages again

Needs what chaos.py needs. Writes proof/judge.json, or proof/judge-chaos.json. Exit 1 when a promise is broken.
"""
import random
import sys
import time

from judge import command, texts
from judge.proof import Proof
from judge.run import Run, carry_out, folder

# A message of which a part is through goes on at once; only an uncertain one waits for evidence.
STALL_S = 30
CHUNK = 20


class Road(Run):
    """So many messages, and faults at moments of the seed."""

    stall_s = STALL_S

    def __init__(self, a, work):
        super().__init__(a, work)
        self.out = [texts.message(self.rng, i) for i in range(a.messages)]
        samples = (texts.UCS2_SAMPLE, texts.GSM7_SAMPLE)
        self.come = [(i % a.modems, f"+49171{8000000 + i}", f"in-{i:03} {self.rng.choice(samples)}") for i in range(a.inbound)]
        parts = sum(m.parts for m in self.out)
        self.expected_s = max(5.0, parts * (a.latency_ms / 1000 + 0.02) / a.modems)
        self.disturbs, self.settle_s = bool(a.kills), a.timeout

    def most_extra(self):
        """A killed gateway may have had one part in the air on each modem."""
        return self.gateway.kills * self.a.modems

    def publisher(self):
        # Undisturbed: all at once, as a script would. Else spread, so that faults meet commands under way too.
        pause = self.expected_s * 0.7 * CHUNK / len(self.out) if self.a.kills or self.a.restarts else 0
        for at in range(0, len(self.out), CHUNK):
            self.publish(self.out[at:at + CHUNK])
            time.sleep(pause)

    def injector(self):
        for modem, sender, text in self.come:
            self.inject(modem, sender, text)
            time.sleep(self.expected_s * 0.8 / len(self.come))

    def faults(self):
        moments = [(self.rng.uniform(0.05, 0.95) * self.expected_s, "kill") for _ in range(self.a.kills)]
        moments += [(self.rng.uniform(0.05, 0.95) * self.expected_s, "broker") for _ in range(self.a.restarts)]
        begin = time.monotonic()
        for moment, what in sorted(moments):
            time.sleep(max(0.0, begin + moment - time.monotonic()))
            if what == "kill":
                self.gateway.kill()
                self.gateway.start()
            else:
                self.broker.restart(self.rng.uniform(0.1, 1.5))


def parser(doc, proof):
    # The default seed is a new one, printed.
    p = command.parser(doc, proof, seed=random.SystemRandom().randrange(10**6), modems=2, latency_ms=200)
    p.add_argument("--messages", type=int, default=200)
    p.add_argument("--inbound", type=int, default=50)
    # An ambiguous part waits 120 s for its report before it is sent again, and may be met by a second kill.
    p.add_argument("--timeout", type=float, default=400, help="seconds to wait for everything to settle")
    return p


def arguments():
    p = parser(__doc__, "judge.json")
    p.add_argument("--chaos", action="store_true", help="five kills and three broker restarts")
    p.add_argument("--kills", type=int)
    p.add_argument("--restarts", type=int)
    a = p.parse_args()
    if a.chaos and a.proof == p.get_default("proof"):
        a.proof = a.proof.with_name("judge-chaos.json")
    a.kills = (5 if a.chaos else 0) if a.kills is None else a.kills
    a.restarts = (3 if a.chaos else 0) if a.restarts is None else a.restarts
    return a


def main():
    a = arguments()
    code = command.unable(a)
    if code is not None:
        return code
    print(f"mosquitto_chaos: seed {a.seed}, {a.messages} messages, {a.inbound} inbound, {a.modems} modems at {a.latency_ms} ms, "
          f"{a.kills} kills, {a.restarts} broker restarts", flush=True)
    proof = Proof(a.proof, seed=a.seed, messages=a.messages, inbound=a.inbound, modems=a.modems, latency_ms=a.latency_ms,
                  kills=a.kills, restarts=a.restarts)
    if proof.rounds:
        print(f"  done before, on this commit: {a.proof}")
    else:
        proof.add(carry_out(Road(a, folder("judge")), "road"))
    proof.tell("mosquitto_chaos")
    print(f"  again: {command.again('--seed', a.seed)}")
    return 0 if proof.rounds[0]["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
