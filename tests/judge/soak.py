#!/usr/bin/env python3
"""A day of eight SIMs under load and faults, judged at its end, and watched for what grows (RELIABILITY R-07).

    tests/judge/soak.py                     24 hours at 48 times the world's speed: half an hour
    tests/judge/soak.py --hours 4           five minutes of it
    tests/judge/soak.py --speed 1 --hours 8 in real time; --latency-ms and --report-ms then as a network has them

One message in 4 s for each SIM (172,800 a day), 50,000 a day come in, reports, and a fault every 30 s: modems hang, garble,
vanish, refuse and lose the network, the broker restarts, another program holds the database. In the first quarter of an hour
the gateway is killed and restarted too; then one process lives to the end, and when it is an hour old its memory is measured
from. A day of [retention] has 400 s here: texts are kept for one, everything for seven, so that within that hour old things
go. All hours are the gateway's; modemsim's own times are the world's.

Needs what chaos.py needs. Writes proof/soak.json with the samples, and proof/soak.svg. Exit 1 when a promise is broken, or
a bar is missed: memory within 5 % from that hour on, no more file descriptors and threads at the end than then,
WAL up to 64 MiB, a database that has stopped growing.
"""
import os
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

from judge import command, picture, texts
from judge.proof import Proof
from judge.run import Run, carry_out, folder

EACH_S, INBOUND_A_DAY, FAULT_S = 4, 50_000, 30
HOUR_S = 3600
# Of texts::KINDS: most messages have one part.
SHARES = (60, 30, 5, 5)
# What waits to be sent, in messages: more than that is not published, and the rate is below what was wanted.
WAITING = 2000
# By then a message whose report the network has lost has ended too.
EXPIRES_S = 2 * HOUR_S
# Seconds that a day of [retention] has.
RETENTION_DAY_S = 400
KILLS_UNTIL_H, MEASURED_FROM_H, LASTING_FROM_H = 0.25, 1.25, 4
RSS_DRIFT, WAL_OCTETS, GROWTH = 0.05, 64 << 20, 1.1
# What happens each time, and how often of a hundred; the last two in the first quarter of an hour only.
TROUBLES = {"hang": 24, "garble": 14, "disconnect": 22, "refuse": 10, "no network": 8, "chatter": 14, "lock": 6, "broker": 2,
            "kill": 8, "restart": 6}
CHATTER = ("RING", '+CREG: 1,"00C3","A1B2"', "^RSSI:20", "+CSQN: 20,99", '+CMTI: "SM",99', "NO CARRIER")


def open_files(pid):
    """What is open, and how often."""
    kinds = Counter()
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            target = os.readlink(fd)
            kinds["modem" if target.startswith("/dev/pts/") else target.split(":")[0].rpartition("/")[2]] += 1
    return dict(sorted(kinds.items()))


def memory_octets(pid):
    """Resident, in all; and without what is only mapped from the binary."""
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return {key: int(fields[field].split()[0]) << 10 for key, field in (("rss", "VmRSS"), ("anonymous", "RssAnon"))}


def size(path):
    return path.stat().st_size if path.exists() else 0


class Day(Run):
    more_config = "\n[retention]\nbodies_days = 1\nhistory_days = 7\n"
    env = {"GSMGATE_TEST_RETENTION_DAY_S": str(RETENTION_DAY_S)}.items()
    settle_s, clock_drifts = 300, True

    def __init__(self, a, work):
        super().__init__(a, work)
        self.speed, self.span_s = a.speed, a.hours * HOUR_S / a.speed
        self.simulator = ("--dlr-delay-ms", str(a.report_ms))
        self.troubles, self.samples, self.wal_octets, self.restarts = Counter(), [], 0, 0
        self.throttled_s = 0.0

    def hour(self):
        return (time.monotonic() - self.begun) * self.speed / HOUR_S

    def is_over(self):
        return self.hour() >= self.a.hours

    def due(self, a_second, done):
        """How many are to be done by now at so many a second of the gateway's time."""
        return int(min(self.hour(), self.a.hours) * HOUR_S * a_second) - done

    def drive(self):
        self.idle = self.look()
        self.begun = time.monotonic()
        self.together(self.publisher, self.injector, self.faults, self.sampler)
        self.drove_s = time.monotonic() - self.begun

    def live(self):
        findings = super().live()
        for bar, (value, kept) in self.bars().items():
            if not kept:
                findings.add("problems", f"{bar}: {value}")
        return findings

    def fresh(self):
        super().fresh()
        self.at_end = self.look()

    def publisher(self):
        """As a clock says, unless too much waits already."""
        n = 0
        while not self.is_over():
            self.poll()
            wanted, room = self.due(self.a.modems / EACH_S, n), max(0, WAITING - len(self.unsent))
            self.throttled_s += 0.2 * (wanted > room)
            wanted = min(wanted, room)
            # As many as are acknowledged long before the broker's next restart.
            for _ in range(0, wanted, 200):
                chunk = [texts.message(self.rng, n + i, SHARES) for i in range(min(200, wanted))]
                for i, message in enumerate(chunk, n):
                    message.hold, message.report, message.expires_in = i % 4 == 0, i % 10 != 0, EXPIRES_S
                self.publish(chunk)
                n, wanted = n + len(chunk), wanted - len(chunk)
            time.sleep(0.2)

    def injector(self):
        while not self.is_over():
            for _ in range(self.due(INBOUND_A_DAY / 86_400, len(self.injected))):
                self.inject_next()
            time.sleep(0.1)

    def faults(self):
        n = 0
        while not self.is_over():
            if self.due(1 / FAULT_S, n) <= 0:
                time.sleep(0.05)
                continue
            n += 1
            kinds = list(TROUBLES)[:None if self.hour() < KILLS_UNTIL_H else -2]
            what = self.rng.choices(kinds, [TROUBLES[kind] for kind in kinds])[0]
            self.troubles[what] += 1
            self.trouble(what, self.rng.randrange(self.a.modems), self.rng.uniform(2, 40) / self.speed)
        for calm in ("garble all 0", "fail all 0", "reg all 1"):
            self.modems.ctl(calm)

    def trouble(self, what, modem, span_s):
        match what:
            case "hang" | "disconnect":
                self.modems.ctl(f"{what} {modem} {span_s * 1000:.0f}")
            case "garble":
                self.modems.ctl(f"garble {modem} {self.rng.choice((1, 1, 2))}")
            case "refuse":
                self.for_a_while(f"fail {modem} 0.5 38", span_s, f"fail {modem} 0")
            case "no network":
                self.for_a_while(f"reg {modem} 2", span_s, f"reg {modem} 1")
            case "chatter":
                self.modems.ctl(f"urc {modem} {self.rng.choice(CHATTER)}")
            case "lock":
                self.gateway.lock(span_s)
            case "broker":
                self.broker.restart(span_s)
            case "kill":
                self.gateway.kill()
                self.gateway.start()
            case "restart":
                self.restart()

    def for_a_while(self, command_then, span_s, command_after):
        self.modems.ctl(command_then)
        time.sleep(span_s)
        self.modems.ctl(command_after)

    def restart(self):
        if (code := self.gateway.stop()) != 0:
            self.problems.append(f"the gateway ended SIGTERM with {code}")
        self.gateway.start()
        self.restarts += 1

    # What is watched.

    def sampler(self):
        while not self.is_over():
            self.wal_octets = max(self.wal_octets, size(self.gateway.state / "gsmgate.db-wal"))
            if (time.monotonic() - self.begun) >= len(self.samples) * self.a.sample_s:
                try:
                    self.samples.append(self.look())
                    print(f"    {self.samples[-1]}", flush=True)
                except (OSError, KeyError):
                    # Just killed: the next second.
                    pass
            time.sleep(1)

    def look(self):
        pid, state = self.gateway.process.pid, self.gateway.state
        is_open = open_files(pid)
        self.gateway.look()
        return {"hour": round(self.hour(), 2) if hasattr(self, "begun") else 0, **memory_octets(pid),
                "fds": sum(is_open.values()), "open": is_open, "threads": len(os.listdir(f"/proc/{pid}/task")),
                "database": size(state / "gsmgate.db"), "wal": size(state / "gsmgate.db-wal"),
                "messages": self.published, "waiting": len(self.unsent), "inbound": len(self.injected),
                "faults": self.troubles.total(), "load": round(os.getloadavg()[0], 1), "process": pid}

    def bars(self):
        """Value and verdict of each; those that a short run cannot tell of are left out."""
        out = {"wal_octets_most": (self.wal_octets, self.wal_octets <= WAL_OCTETS)}
        for key in ("fds", "threads"):
            then = max(s[key] for s in [self.idle, *self.samples] if s["hour"] <= MEASURED_FROM_H)
            out[f"{key}_then_and_at_the_end"] = ([then, self.at_end[key]], self.at_end[key] <= then)
        for bar, since_h in (("rss_drift", MEASURED_FROM_H), ("rss_drift_second_half", self.samples[-1]["hour"] / 2)):
            measured = [s["rss"] for s in self.samples if s["hour"] >= max(since_h, MEASURED_FROM_H)]
            if len(measured) >= 6:
                some = max(1, len(measured) // 10)
                drift = (sum(measured[-some:]) / sum(measured[:some])) - 1
                out[bar] = (round(drift, 4), drift < RSS_DRIFT)
        late = [s["database"] for s in self.samples if s["hour"] >= LASTING_FROM_H]
        if len(late) >= 6:
            half = len(late) // 2
            growth = max(late[half:]) / max(late[:half])
            out["database_growth"] = (round(growth, 3), growth <= GROWTH)
        return out

    def counts(self):
        span_s = self.drove_s * self.speed
        return super().counts() | {
            "restarts": self.restarts, "troubles": dict(self.troubles), "hours": round(span_s / HOUR_S, 2),
            "drove_s": round(self.drove_s, 1), "throttled_s": round(self.throttled_s, 1),
            "a_day": {"out": round(self.published / span_s * 86_400), "in": round(len(self.injected) / span_s * 86_400)},
            "bars": {bar: {"value": value, "kept": kept} for bar, (value, kept) in self.bars().items()}}


def arguments():
    p = command.parser(__doc__, "soak.json")
    p.add_argument("--hours", type=float, default=24, help="of the gateway's time")
    p.add_argument("--speed", type=int, default=48, help="how many times as fast the gateway's time runs")
    p.add_argument("--report-ms", type=int, default=500, help="from a submit to its report, in real time")
    p.add_argument("--sample-s", type=float, default=15, help="between two samples, in real time")
    return p.parse_args()


def main():
    a = arguments()
    unable = command.unable(a)
    if unable is not None:
        return unable
    proof = Proof(a.proof, seed=a.seed, speed=a.speed, hours=a.hours, modems=a.modems, latency_ms=a.latency_ms,
                  report_ms=a.report_ms)
    if proof.has("day"):
        print(f"soak: done already, see {a.proof}")
        return 0
    print(f"soak: {a.hours} hours of {a.modems} SIMs, seed {a.seed}, time runs {a.speed} times as fast; load of the machine "
          f"{os.getloadavg()[0]:.1f}", flush=True)
    run = Day(a, folder("soak"))
    proof.add(carry_out(run, "day"), samples=run.samples)
    picture.draw(a.proof.with_suffix(".svg"), f"{a.hours:g} hours of {a.modems} SIMs", run.samples)
    proof.tell("soak")
    return 0 if proof.rounds[-1]["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
