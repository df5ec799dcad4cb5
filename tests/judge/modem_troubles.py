#!/usr/bin/env python3
"""Traffic over Mosquitto and foreign modems in trouble: they hang, garble, vanish, chatter, refuse, lose the network and run
out of memory, behind a SIM with a PIN. Nothing is lost, and what goes out twice is told of.

    tests/judge/modem_troubles.py --profile huawei      or simcom, quectel, generic; all four without it
    tests/judge/modem_troubles.py --seed 7              replays

In real time. Needs what chaos.py needs. Writes proof/troubles.json. Exit 1 when a promise is broken.
"""
import argparse
import json
import shlex
import sys
import time

from judge import command
from judge.proof import Proof
from judge.run import carry_out, folder
from mosquitto_chaos import Road, parser

PROFILES = ("huawei", "simcom", "quectel", "generic")
PIN = "4711"
# Slots of a memory; less than comes in at once.
SLOTS = 5
# What modems say by themselves; none of it is an answer.
CHATTER = ("RING", '+CREG: 1,"00C3","A1B2"', "^RSSI:20", "^BOOT:20952548,0,0,0,72", "+CSQN: 20,99", "+QIND: SMS DONE",
           '+CMTI: "SM",99', "*PSUTTZ: 2026", "NO CARRIER", "\x00\xff garbage")


class Troubled(Road):
    """A run over modems of one profile; each trouble once, at a moment of the seed, and its end."""

    # A submit whose end was spoilt is waited for as long as the network may take, 180 s, and its late end 120 s more:
    # meanwhile the other parts of a message wait for this SIM. Then so long for a report.
    stall_s, quiet_s = 320, 150

    def __init__(self, a, work, profile):
        super().__init__(a, work)
        pin_file = work / "pin"
        pin_file.write_text(PIN)
        self.simulator = ("--profile", profile, "--pin", PIN, "--storage-size", str(SLOTS))
        self.each_modem = f'pin_file = "{pin_file}"\npin_force = true\n'
        self.disturbs, self.commands = True, []

    def most_extra(self):
        """Every one is told of all the same."""
        return len(self.asked)

    def faults(self):
        at = {what: self.rng.uniform(0.1, 0.9) * self.expected_s
              for what in ("hang", "garble", "disconnect", "urc", "fail", "reg")}
        moments = [(at["hang"], "hang 0 12000"), (at["garble"], "garble 1 4"), (at["disconnect"], "disconnect 0 3000"),
                   (at["fail"], "fail all 0.5 38"), (at["fail"] + 4, "fail all 0"),
                   (at["reg"], "reg 1 2"), (at["reg"] + 6, "reg 1 1")]
        moments += [(at["urc"] + n / 10, f"urc {n % 2} {text}") for n, text in enumerate(CHATTER)]
        begin = time.monotonic()
        for moment, command_line in sorted(moments):
            time.sleep(max(0.0, begin + moment - time.monotonic()))
            self.commands.append(command_line)
            self.modems.ctl(command_line)


def main():
    p = parser(__doc__, "troubles.json")
    p.add_argument("--profile", choices=PROFILES)
    a = argparse.Namespace(**vars(p.parse_args()), kills=0, restarts=0)
    unable = command.unable(a)
    if unable is not None:
        return unable
    proof = Proof(a.proof, seed=a.seed, messages=a.messages, inbound=a.inbound, modems=a.modems)
    for name in [a.profile] if a.profile else PROFILES:
        if proof.has(name):
            print(f"modem_troubles: {name} was done before, on this commit: {a.proof}")
            continue
        print(f"modem_troubles: {name}, seed {a.seed}, {a.messages} messages, {a.inbound} inbound", flush=True)
        run = Troubled(a, folder("judge"), name)
        proof.add(carry_out(run, name))
        print("  simulator:", shlex.join(run.simulator), "; then:", json.dumps(run.commands))
    proof.tell("modem_troubles")
    print(f"  again: {command.again('--seed', a.seed)}")
    return 0 if all(r["ok"] for r in proof.rounds) else 1


if __name__ == "__main__":
    sys.exit(main())
