#!/usr/bin/env python3
"""The gateway over a queue of a million messages (RELIABILITY R-06): how soon it answers, how soon it sends, and its memory.

    make million                                        fills the queue (benches/queue.rs), then this
    tests/judge/million.py --state DIR [--queue FILE]   over a state directory that was filled; it is used up
    QUEUED=50000 make million                           a smaller one

Each start is measured twice: with the database in the page cache, and without it, as after a boot. The queue is started over
with a broker and one modem of somebody else, and killed. Needs what mosquitto_chaos.py needs. Writes proof/million.json; exit 1
when a bar is missed.
"""
import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from judge import Failed, ROOT, wait_for
from judge.broker import Broker
from judge.command import hurry, unable
from judge.gateway import Gateway
from judge.modems import Modems
from judge.proof import commit

PROOF = ROOT / "proof" / "million.json"
API_S, FIRST_S, RSS_MIB, TIMES = 2.0, 5.0, 64, 2.0
# It sends meanwhile, and the bridge follows.
RUN_S = 20
START_S = 120


def ask(path, request):
    """The answer on the control socket, or None while nobody answers."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(START_S)
        try:
            s.connect(str(path))
            s.sendall(json.dumps(request).encode() + b"\n")
            return json.loads(s.makefile().readline() or "null")
        except (FileNotFoundError, ConnectionRefusedError):
            return None


def forget(folder):
    """Out of the page cache, as after a boot."""
    for file in folder.iterdir():
        fd = os.open(file, os.O_RDONLY)
        os.fsync(fd)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(fd)


def highest_rss_mib(pid):
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return round(int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024, 1)


def one_start(gateway, modems, how):
    """Seconds to the first answer and to the first AT+CMGS, and the memory after some time of sending."""
    begin, begin_ns = time.monotonic(), time.time_ns()
    gateway.start()
    is_over = lambda: ask(gateway.socket, {"do": "info"}) or gateway.process.poll() is not None
    info = wait_for("an answer on the control socket", START_S, is_over, 0.005)
    if info is True:
        raise Failed(f"the gateway ended with {gateway.process.returncode}")
    api_s = time.monotonic() - begin

    def first():
        lines = (e for e in modems.events() if e["event"] == "cmd" and e["ts_ns"] > begin_ns)
        return next((e["ts_ns"] for e in lines if e["line"].startswith("AT+CMGS")), None)
    first_s = (wait_for("a first AT+CMGS", START_S, first) - begin_ns) / 1e9
    time.sleep(RUN_S)
    rss = highest_rss_mib(gateway.process.pid)
    gateway.process.send_signal(signal.SIGKILL)
    gateway.process.wait()
    row = {"how": how, "queued": info["data"]["queue"]["queued"], "api_s": round(api_s, 3), "first_cmgs_s": round(first_s, 3),
           "rss_mib": rss}
    print(f"  {row}", flush=True)
    return row


class Silent(Gateway):
    """Not started yet."""

    def start(self):
        if hasattr(self, "is_made"):
            super().start()
        self.is_made = True


def measure(a, work):
    os.rename(a.state, work / "state")
    broker = Broker(work, False)
    modems = Modems(a.modemsim, work, 1, 500, a.seed, ["--trace"])
    gateway = Silent(a.gateway, work, modems.ttys, broker.port)
    rows = []
    try:
        for how in ("cached", "not cached", "cached", "not cached"):
            if how != "cached":
                forget(work / "state")
            rows.append(one_start(gateway, modems, how))
    finally:
        if hasattr(gateway, "process"):
            gateway.process.kill()
            gateway.process.wait()
        modems.stop()
        broker.stop()
    return rows


def missed(rows, queue):
    """What is over its bar."""
    found = [f"{what} {row[key]} > {bar} ({row['how']})" for row in rows
             for what, key, bar in (("API after s", "api_s", API_S), ("first AT+CMGS after s", "first_cmgs_s", FIRST_S),
                                    ("resident MiB", "rss_mib", RSS_MIB)) if row[key] > bar]
    return found + [f"p99 of {what}: {times} times that of {queue['beside']}"
                    for what, times in queue.get("p99_ratio", {}).items() if times > TIMES]


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--gateway", default=os.environ.get("GSMGATE_BIN") or str(ROOT / "target/release/gsmgate"))
    p.add_argument("--modemsim", default=os.environ.get("MODEMSIM") or shutil.which("modemsim"))
    p.add_argument("--state", type=lambda text: Path(text).resolve(), required=True)
    p.add_argument("--queue", type=Path, help="what benches/queue.rs printed")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--proof", type=Path, default=PROOF)
    return p.parse_args()


def main():
    a = arguments()
    cannot = unable(a)
    if cannot is not None:
        return cannot
    begin, scheduled = time.monotonic(), hurry()
    queue = json.loads(a.queue.read_text().splitlines()[-1]) if a.queue else {}
    # On the disk of the state directory, so that it need not be copied.
    work = Path(tempfile.mkdtemp(prefix="gsmgate-million-", dir=a.state.parent))
    try:
        rows = measure(a, work)
    finally:
        shutil.rmtree(work)
    over = missed(rows, queue)
    proof = {"commit": commit(), "seed": a.seed, "seconds": round(time.monotonic() - begin, 1),
             "scheduled": scheduled, "queue": queue, "starts": rows, "missed": over}
    a.proof.parent.mkdir(exist_ok=True)
    a.proof.write_text(json.dumps(proof, indent=1) + "\n")
    print(json.dumps(proof))
    for line in over:
        print(f"  MISSED {line}")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
