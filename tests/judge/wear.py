#!/usr/bin/env python3
"""What the gateway writes, and how it bears a slow disk (RELIABILITY R-12, R-13), by strace on the release gateway.

    make wear                               all of it, five minutes
    tests/judge/wear.py --only wear         syncs and octets of each message; the rest is `slow`

Octets are those passed to write calls on files of the state directory, cursors and checkpoints included. A slow disk is one
whose syncs return so much later. Needs what mosquitto_chaos.py needs, and strace. Writes proof/wear.json; exit 1 when a bar is
missed.
"""
import argparse
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from judge import Failed, ROOT, wait_for
from judge.broker import BASE, Broker
from judge.command import hurry, unable
from judge.gateway import Gateway
from judge.modems import Modems
from judge.proof import commit
from judge.witness import Witness
from million import ask

PROOF = ROOT / "proof" / "wear.json"
MODEMS, LONE, BUSY, BUSY_IN = 4, 40, 2000, 400
IDLE_S = 120
# Until what is written behind the last event has been written: cursors after a second, the WAL is copied back after five.
REST_S = 8
CLIENTS = 24
MEMORY = Path("/dev/shm")
FILES = "fsync,fdatasync,sync_file_range,write,pwrite64,writev,pwritev,pwritev2"
SYNCS = "fsync,fdatasync"
# A call of one thread that another's comes between stands in two lines.
BEGUN = re.compile(r"^(\d+) +(\d+\.\d+) (\w+)\(\d+<([^>]*)>")
ENDED = re.compile(r"= (\d+)(?: \(\w+\))?$")
# A part has four syncs; its report is not of it.
BARS = {"lone syncs": 4, "lone report syncs": 2, "busy syncs": 4, "busy with reports syncs": 4, "lone inbound syncs": 2,
        "busy inbound syncs": 2, "lone KiB": 32, "lone with report KiB": 32, "busy KiB": 16, "busy with reports KiB": 16,
        "idle writes a minute": 1, "p99 of accept at 5 ms": 25}
LEAST = {"accepts/s at 30 ms, one client": 20, "accepts/s at 30 ms": 20, "accepts/s": 1000}


class Traced(Gateway):
    """Under strace, which is no parent of it: signals reach the gateway itself."""

    def __init__(self, *args, strace=(), core=None, **more):
        self.strace, self.core = list(strace), core
        super().__init__(*args, **more)

    def start(self):
        log = open(self.work / "gateway.log", "ab")
        command = ["strace", "-D", "-f", "--seccomp-bpf", *self.strace, self.binary, "run", "--config", str(self.config)]
        core = ["taskset", "-c", str(self.core)] if self.core is not None else []
        self.process = subprocess.Popen(core + command, stdout=log, stderr=log)


class World:
    """A gateway under strace, with a broker, modems and a subscriber."""

    def __init__(self, a, latency_ms, strace, modems=MODEMS, core=None, folder=None):
        self.work = Path(tempfile.mkdtemp(prefix="gsmgate-wear-", dir=folder or a.dir))
        self.n = 0
        self.broker = Broker(self.work, False)
        self.modems = Modems(a.modemsim, self.work, modems, latency_ms, a.seed)
        self.witness = Witness().subscribe(self.broker.port, self.work)
        self.gateway = Traced(a.gateway, self.work, self.modems.ttys, self.broker.port, strace=strace(self.work), core=core)
        wait_for("modems that are ready", 60, lambda: self.ready() == modems)

    def ready(self):
        self.witness.poll()
        return self.witness.ready()

    def message(self, report):
        self.n += 1
        text = f"{self.n:06} the quick brown fox jumps over the lazy dog"
        return {"id": f"w{self.n}", "to": f"+49151{self.n:07}", "text": text, "report": report}

    def send(self, report=False):
        """One, over the control socket: durable when it is answered."""
        body = self.message(report)
        answer = ask(self.gateway.socket, {"do": "send", "with": body})
        if not answer or answer["status"] != "ok":
            raise Failed(f"not accepted: {answer}")
        return body["id"]

    def wait(self, ids, state, limit_s=120):
        def are():
            self.witness.poll()
            return all(self.witness.last_state(i) == state for i in ids)
        wait_for(f"{len(ids)} messages that are {state}", limit_s, are, 0.02)

    def stop(self, keep=False):
        self.gateway.stop()
        self.witness.stop()
        self.modems.stop()
        self.broker.stop()
        if not keep:
            shutil.rmtree(self.work)


def lone_sends(world, report):
    for _ in range(LONE):
        world.wait([world.send(report)], "delivered" if report else "sent")
        time.sleep(0.1)
    return LONE


def busy_sends(world, report, count=BUSY):
    bodies = [world.message(report) for _ in range(count)]
    lines = "".join(json.dumps(body) + "\n" for body in bodies)
    subprocess.run(["mosquitto_pub", "-p", str(world.broker.port), "-t", f"{BASE}/send", "-q", "1", "-l"],
                   input=lines.encode(), check=True, timeout=120)
    world.wait([body["id"] for body in bodies], "delivered" if report else "sent")
    return count


def inbound(world, count, is_lone):
    texts = []
    for n in range(count):
        world.n += 1
        texts.append(f"{world.n:06} hello from outside")
        world.modems.ctl(f"inject {n % MODEMS} +49171{world.n:07} {texts[-1]}")
        if is_lone:
            came(world, texts[-1:])
            time.sleep(0.1)
    came(world, texts)
    return count


def came(world, texts):
    def all_here():
        world.witness.poll()
        return set(texts) <= {inbound.text for inbound in world.witness.inbound}
    wait_for("inbound messages", 60, all_here, 0.02)


PHASES = {
    "lone": lambda w: lone_sends(w, False), "lone with report": lambda w: lone_sends(w, True),
    "lone inbound": lambda w: inbound(w, LONE, True), "busy": lambda w: busy_sends(w, False),
    "busy with reports": lambda w: busy_sends(w, True), "busy inbound": lambda w: inbound(w, BUSY_IN, False),
}


def calls(trace, state):
    """(second, call, file, octets) of what was done on files of the state directory."""
    under_way = {}
    with open(trace, errors="replace") as file:
        for line in map(str.strip, file):
            begun, ended = BEGUN.match(line), ENDED.search(line)
            if begun and not ended:
                under_way[begun[1]] = begun
            elif not begun and " resumed>" in line:
                begun = under_way.pop(line.split()[0], None)
            if begun and ended and begun[4].startswith(state):
                yield float(begun[2]), begun[3], begun[4], int(ended[1])


def wear(a):
    """Syncs and octets of a message in each phase, and what an idle gateway writes."""
    world = World(a, 20, lambda work: ["-y", "-ttt", "-s", "0", "-e", f"trace={FILES}", "-o", str(work / "trace")])
    spans = {}
    try:
        time.sleep(REST_S)
        for name, phase in PHASES.items():
            begin = time.time()
            n = phase(world)
            time.sleep(REST_S)
            spans[name] = (begin, time.time(), n)
        begin = time.time()
        time.sleep(IDLE_S)
        spans["idle"] = (begin, time.time(), IDLE_S / 60)
        time.sleep(1)
        made = list(calls(world.work / "trace", str(world.work / "state")))
    finally:
        world.stop(a.keep)
    out = {}
    for name, (begin, end, n) in spans.items():
        mine = [call for call in made if begin <= call[0] < end]
        syncs, writes = ([c for c in mine if ("sync" in c[1]) == is_sync] for is_sync in (True, False))
        if name == "idle":
            out["idle writes a minute"], out["idle syncs a minute"] = round(len(writes) / n, 2), round(len(syncs) / n, 2)
            continue
        out[f"{name} syncs"], out[f"{name} KiB"] = round(len(syncs) / n, 2), round(sum(c[3] for c in writes) / n / 1024, 2)
    if not made:
        raise Failed("strace saw nothing")
    for what in ("syncs", "KiB"):
        out[f"lone report {what}"] = round(out[f"lone with report {what}"] - out[f"lone {what}"], 2)
    return out


def delayed(delay_ms):
    inject = ["-e", f"inject={SYNCS}:delay_exit={delay_ms * 1000}"] if delay_ms else []
    return lambda work: ["-e", f"trace={SYNCS}", *inject, "-o", "/dev/null"]


def accepts(world, clients, seconds):
    """Accepted in a second by so many clients, each of which waits for its answer; what each took, in ms."""
    end, took, lock = time.monotonic() + seconds, [], threading.Lock()

    def client(number):
        mine = []
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(world.gateway.socket))
            lines = s.makefile("rw")
            while time.monotonic() < end:
                body = {"id": f"c{number}-{len(mine)}-{world.n}", "to": f"+4916{number:02}{len(mine):06}", "text": "slow disk",
                        "report": False}
                begin = time.monotonic()
                lines.write(json.dumps({"do": "send", "with": body}) + "\n")
                lines.flush()
                if json.loads(lines.readline())["status"] != "ok":
                    raise Failed("not accepted")
                mine.append((time.monotonic() - begin) * 1000)
        with lock:
            took.extend(mine)
    world.n += 1
    threads = [threading.Thread(target=client, args=(n,)) for n in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took.sort()
    return round(len(took) / seconds, 1), round(took[int(len(took) * 0.99)], 1), round(took[len(took) // 2], 2)


def rate(world):
    """Parts a second of one SIM, whose network takes no time, once nothing is accepted beside."""
    busy_sends(world, False, 300)
    submits = sorted(e["ts_ns"] for e in world.modems.events() if e["event"] == "submit" and e["ok"])[-100:]
    return round((len(submits) - 1) / (submits[-1] - submits[0]) * 1e9, 1)


def slow(a):
    out = {}
    for delay, name in ((0, ""), (5, " at 5 ms"), (30, " at 30 ms")):
        # Four SIMs send meanwhile, each a message a second. One core, as on the smallest boards; two without a delay.
        # A sync that is made longer takes as long as it is said to: in memory, where there is nothing beside.
        one = {"core": 0, "folder": MEMORY if MEMORY.is_dir() else None} if delay else {}
        world = World(a, 1000, delayed(delay), **one)
        try:
            out[f"accepts/s{name}, one client"], out[f"p99 of accept{name}"], out[f"median of accept{name}"] = \
                accepts(world, 1, 20)
            out[f"accepts/s{name}"], out[f"p99 of accept{name}, {CLIENTS} clients"], _ = accepts(world, CLIENTS, 10)
        finally:
            # A queue of thousands is not waited for.
            world.gateway.process.kill()
            world.gateway.process.wait()
            world.stop(a.keep)
        world = World(a, 0, delayed(delay), modems=1, **one)
        try:
            out[f"parts/s of a SIM{name}"] = rate(world)
        finally:
            world.stop(a.keep)
    return out


def probe(folder):
    out = subprocess.run([sys.executable, str(ROOT / "benches/probe.py"), str(folder)], capture_output=True, text=True)
    return json.loads(out.stdout)["median_ms"]


def missed(figures):
    """What is beyond its bar."""
    over = [f"{name}: {figures[name]}, at most {bar}" for name, bar in BARS.items() if figures.get(name, 0) > bar]
    return over + [f"{name}: {figures[name]}, at least {bar}" for name, bar in LEAST.items() if figures.get(name, bar) < bar]


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--gateway", default=os.environ.get("GSMGATE_BIN") or str(ROOT / "target/release/gsmgate"))
    p.add_argument("--modemsim", default=os.environ.get("MODEMSIM") or shutil.which("modemsim"))
    p.add_argument("--only", choices=("wear", "slow"), nargs="+", default=["wear", "slow"])
    p.add_argument("--dir", type=Path, default=Path(tempfile.gettempdir()), help="on the disk that is meant")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--proof", type=Path, default=PROOF)
    p.add_argument("--keep", action="store_true")
    return p.parse_args()


def main():
    a = arguments()
    cannot = unable(a)
    if cannot is not None:
        return cannot
    if not shutil.which("strace"):
        print("missing: strace", file=sys.stderr)
        return 2
    begin, figures = time.monotonic(), {"scheduled": hurry(), "probe ms": probe(a.dir)}
    for part in a.only:
        figures |= {"wear": wear, "slow": slow}[part](a)
    over = missed(figures)
    proof = {"commit": commit(), "seed": a.seed, "seconds": round(time.monotonic() - begin), "figures": figures, "missed": over}
    a.proof.parent.mkdir(exist_ok=True)
    a.proof.write_text(json.dumps(proof, indent=1) + "\n")
    for name, value in figures.items():
        print(f"  {name:40} {value}")
    for line in over:
        print(f"  MISSED {line}")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
