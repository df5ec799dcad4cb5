#!/usr/bin/env python3
"""Traffic over Mosquitto and foreign modems in trouble: they hang, garble, vanish, chatter, refuse, lose the network and run
out of memory, behind a SIM with a PIN. Nothing is lost, and what goes out twice is told of.

    tests/judge/modem_troubles.py --profile huawei      or simcom, quectel, generic; all four without it
    tests/judge/modem_troubles.py --seed 7              replays

Needs what mosquitto_chaos.py needs. Exit 1 when a promise is broken.
"""
import json
import os
import random
import shlex
import shutil
import sys
import tempfile
import time
from pathlib import Path

import mosquitto_chaos as judge

PROFILES = ("huawei", "simcom", "quectel", "generic")
PIN = "4711"
# Slots of a memory; less than comes in at once.
SLOTS = 5
# What modems say by themselves; none of it is an answer.
CHATTER = ("RING", '+CREG: 1,"00C3","A1B2"', "^RSSI:20", "^BOOT:20952548,0,0,0,72", "+CSQN: 20,99", "+QIND: SMS DONE",
           '+CMTI: "SM",99', "*PSUTTZ: 2026", "NO CARRIER", "\x00\xff garbage")


class Troubled(judge.Run):
    """A run over modems of one profile; each trouble once, at a moment of the seed, and its end."""

    def __init__(self, a, work, profile):
        super().__init__(a, work)
        pin_file = work / "pin"
        pin_file.write_text(PIN)
        self.simulator = ("--profile", profile, "--pin", PIN, "--storage-size", str(SLOTS))
        self.each_modem = f'pin_file = "{pin_file}"\npin_force = true\n'
        self.disturbs, self.commands = True, []
        # A submit whose end was spoilt is waited for as long as the network may take, 180 s, and its late end 120 s more:
        # meanwhile the other parts of a message wait for this SIM. Then so long for a report.
        self.stall_s, self.quiet_s = 320, 150
        self.seen, self.seen_at = 0, time.monotonic()

    def most_extra(self):
        """Every one is told of all the same: judge_links looks."""
        return len(self.asked)

    def is_settled(self):
        """Also when nothing happens any more: a modem that began anew has no report for what went out before."""
        if super().is_settled():
            return True
        if len(self.witness.events) != self.seen:
            self.seen, self.seen_at = len(self.witness.events), time.monotonic()
        all_out = all(self.witness.last_state(m["id"]) in ("delivered", "sent") for m in self.asked)
        return all_out and time.monotonic() - self.seen_at > self.quiet_s

    def faults(self):
        at = {what: self.rng.uniform(0.1, 0.9) * self.expected_s
              for what in ("hang", "garble", "disconnect", "urc", "fail", "reg")}
        moments = [(at["hang"], "hang 0 12000"), (at["garble"], "garble 1 4"), (at["disconnect"], "disconnect 0 3000"),
                   (at["fail"], "fail all 0.5 38"), (at["fail"] + 4, "fail all 0"),
                   (at["reg"], "reg 1 2"), (at["reg"] + 6, "reg 1 1")]
        moments += [(at["urc"] + n / 10, f"urc {n % 2} {text}") for n, text in enumerate(CHATTER)]
        begin = time.monotonic()
        for moment, command in sorted(moments):
            time.sleep(max(0.0, begin + moment - time.monotonic()))
            self.commands.append(command)
            self.modems.ctl(command)


def main():
    profile = None
    if "--profile" in sys.argv:
        at = sys.argv.index("--profile")
        profile = sys.argv[at + 1]
        if profile not in PROFILES:
            print(f"--profile: {profile} is none of {', '.join(PROFILES)}", file=sys.stderr)
            return 2
        del sys.argv[at:at + 2]
    a = judge.arguments()
    unable = judge.unable(a)
    if unable is not None:
        return unable
    all_ok = True
    for name in [profile] if profile else PROFILES:
        work = Path(tempfile.mkdtemp(prefix="gsmgate-judge-"))
        run = Troubled(a, work, name)
        print(f"modem_troubles: {name}, seed {a.seed}, {a.messages} messages, {a.inbound} inbound", flush=True)
        all_ok &= judge.carry_out(run, f"modem_troubles {name}")
        print("  simulator:", shlex.join(run.simulator), "; then:", json.dumps(run.commands))
    return 0 if all_ok else 1


if __name__ == "__main__":
    sys.exit(main())
