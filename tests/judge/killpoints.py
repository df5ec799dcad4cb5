#!/usr/bin/env python3
"""Kills the gateway before and after every system call that writes, in the scenarios of F-35 (RELIABILITY R-02).

    tests/judge/killpoints.py                          every point of every scenario; goes on where an earlier run ended
    tests/judge/killpoints.py --scenario send-3        one scenario
    tests/judge/killpoints.py --slice 3/40             every 40th point, from the 3rd on
    tests/judge/killpoints.py --scenario submit --point 'store-writer pwrite64 wal 7 before'

A point is the n-th call of one kind, by one thread, on one site, since the scenario began: the n-th pwrite64 of store-writer on
the WAL. Counting runs list them; two that differ make the run red. Then each point has a gateway, a broker and a modem of its
own: the gateway dies there, is started again, and what the world saw is judged.

Calls on the database and other files, the modem's tty, the broker's and the control socket count. Left out: eventfds and pipes,
which only wake our own threads; connect, which carries nothing; the log, which nobody acts on.

The gateway is watched with ptrace and not with strace, whose injected signal comes on entry: the kernel then leaves the call
out, so that "after" cannot be said. Here it dies while the thread stands before the call, or behind it. `prove` checks that first.

Needs what chaos.py needs, and Linux on x86-64 or 64-bit ARM. Writes proof/killpoints.json. Exit 1 when a promise is
broken or a point cannot be reached.
"""
import ctypes
import json
import os
import platform
import shlex
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path

from judge import ROOT, Failed, command, wait_for
from judge.broker import BASE, Broker, publish
from judge.gateway import Gateway
from judge.modems import Modems, deliver_in_parts
from judge.proof import commit
from judge.run import READY_S, Run, folder
from judge.texts import Message, filler
from judge.verdict import judge
from judge.witness import Witness

PROGRESS = ROOT / "target" / "killpoints.jsonl"
# Until the kill: the states that are published once more after 2 s are out before the scenario begins, and what is said to
# an idle modem every 20 s comes after it.
SPEED = 4
# After it: two minutes of waiting for evidence are 1.2 s.
SPEED_AFTER = 100
# Longer than any pause of a start or a scenario but for the cursor's.
QUIET_S = 0.15
# The cursor is written a second after the last event, where no commit takes it along.
ENDED_S = 1.2
SCENARIO_S = 20
SETTLE_S = 20
# Of a submit, and of any other command: within the scenario far slower than the broker answers, so that a cursor always goes
# with the same commit; before and after it fast.
LATENCY_MS = 30
SLOWLY, FAST = f"latency 0 {LATENCY_MS * 2} 25", f"latency 0 {LATENCY_MS} 1"
# A point that is not reached is tried again: another thread may have been slow.
TRIES = 3

CALLS = {
    "x86_64": {1: "write", 18: "pwrite64", 20: "writev", 40: "sendfile", 44: "sendto", 46: "sendmsg", 74: "fsync",
               75: "fdatasync", 76: "truncate", 77: "ftruncate", 82: "rename", 83: "mkdir", 86: "link", 87: "unlink",
               257: "openat", 258: "mkdirat", 263: "unlinkat", 264: "renameat", 277: "sync_file_range", 285: "fallocate",
               296: "pwritev", 307: "sendmmsg", 316: "renameat2", 328: "pwritev2"},
    "aarch64": {64: "write", 68: "pwrite64", 66: "writev", 71: "sendfile", 206: "sendto", 211: "sendmsg", 82: "fsync",
                83: "fdatasync", 45: "truncate", 46: "ftruncate", 38: "renameat", 34: "mkdirat", 37: "linkat",
                35: "unlinkat", 56: "openat", 84: "sync_file_range", 47: "fallocate", 70: "pwritev", 269: "sendmmsg",
                276: "renameat2", 287: "pwritev2"},
}.get(platform.machine(), {})
# Of these the first argument is a name or a directory, not the file.
NAMED = {"truncate", "rename", "renameat", "renameat2", "mkdir", "mkdirat", "link", "linkat", "unlink", "unlinkat", "openat"}

CONT_SYSCALL, SEIZE, INTERRUPT, SYSCALL_INFO = 24, 0x4206, 0x4207, 0x420E
# PTRACE_O_TRACESYSGOOD, TRACECLONE, EXITKILL.
OPTIONS = 0x1 | 0x8 | 0x100000
WALL_NOTHREAD = 0x40000000 | 0x20000000
ENTRY = 1


class Info(ctypes.Structure):
    """struct ptrace_syscall_info at the entry of a call."""
    _fields_ = [("op", ctypes.c_uint8), ("pad", ctypes.c_uint8 * 3), ("arch", ctypes.c_uint32), ("ip", ctypes.c_uint64),
                ("sp", ctypes.c_uint64), ("nr", ctypes.c_uint64), ("args", ctypes.c_uint64 * 6), ("more", ctypes.c_uint64 * 2)]


LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace.restype = ctypes.c_long
LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


def ptrace(request, tid, address=None, data=None):
    if LIBC.ptrace(request, tid, address, data) < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


class Tracer(threading.Thread):
    """Sees every call that writes, of every thread of one process, and ends the process at one of them."""

    def __init__(self, pid, target=None, then=lambda: None):
        super().__init__(daemon=True)
        self.pid, self.target, self.then = pid, target, then
        self.counting, self.points, self.counts = False, [], Counter()
        self.at, self.reached, self.killed = time.monotonic(), False, False
        self.attached, self.ended = threading.Event(), threading.Event()
        # The thread that is in the call after which all ends.
        self.last, self.names, self.sockets = None, {}, {}

    def mark(self):
        """From here on points are counted."""
        self.counting = True

    def is_quiet(self, span_s):
        return time.monotonic() - self.at > span_s

    def run(self):
        self.attach()
        self.follow()
        try:
            self.then()
        finally:
            self.ended.set()

    def attach(self):
        seen = set()
        # A process that is gone has no threads.
        threads = lambda: {int(tid.name) for tid in Path(f"/proc/{self.pid}/task").glob("*")}
        while new := threads() - seen:
            for tid in new:
                try:
                    ptrace(SEIZE, tid, None, OPTIONS)
                    ptrace(INTERRUPT, tid)
                except OSError:
                    # The thread ended, or is the clone of one that is watched.
                    pass
            seen |= new
        self.attached.set()

    def follow(self):
        while True:
            try:
                tid, status = os.waitpid(-1, WALL_NOTHREAD)
            except ChildProcessError:
                return
            if not os.WIFSTOPPED(status):
                continue
            what, event = os.WSTOPSIG(status), status >> 16
            if what == signal.SIGTRAP | 0x80:
                self.call(tid)
                what = 0
            elif event:
                what = 0
            try:
                ptrace(CONT_SYSCALL, tid, None, what)
            except OSError:
                # Killed meanwhile.
                pass

    def call(self, tid):
        info = Info()
        try:
            ptrace(SYSCALL_INFO, tid, ctypes.sizeof(info), ctypes.addressof(info))
        except OSError:
            return
        if info.op != ENTRY:
            if tid == self.last:
                self.kill()
            return
        name = CALLS.get(info.nr)
        site = name and self.site(name, info.args)
        if not site:
            return
        self.at = time.monotonic()
        if not self.counting or self.reached:
            return
        kind = (self.name(tid), name, site)
        self.counts[kind] += 1
        self.points.append((*kind, self.counts[kind]))
        for when in ("before", "after"):
            if self.target == (*self.points[-1], when):
                self.reached = True
                if when == "before":
                    self.kill()
                else:
                    self.last = tid

    def kill(self):
        self.killed = True
        # It may have ended by itself.
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def name(self, tid):
        if tid not in self.names:
            name = Path(f"/proc/{self.pid}/task/{tid}/comm").read_text().strip()
            self.names[tid] = "main" if tid == self.pid else name
        return self.names[tid]

    def site(self, name, args):
        """What is written to; None where nobody outside sees it."""
        if name in NAMED:
            # A file that is opened without being made changes nothing.
            return None if name == "openat" and not args[2] & os.O_CREAT else "directory"
        try:
            path = os.readlink(f"/proc/{self.pid}/fd/{args[0]}")
        except OSError:
            return None
        if path.startswith("socket:["):
            return self.socket(path[8:-1])
        if path.startswith(("anon_inode:", "pipe:")) or path.endswith(".log"):
            return None
        if path.startswith("/dev/pts/"):
            return "modem"
        return {"gsmgate.db": "database", "gsmgate.db-wal": "wal"}.get(Path(path).name, Path(path).name)

    def socket(self, inode):
        if inode not in self.sockets:
            lines = Path(f"/proc/{self.pid}/net/tcp").read_text().splitlines()
            self.sockets[inode] = "broker" if any(line.split()[9] == inode for line in lines[1:]) else "control"
        return self.sockets[inode]


def prove():
    """That the tracer kills before and behind a call: of three octets, written one at a time, it leaves two, or three."""
    for when, left in (("before", 2), ("after", 3)):
        with tempfile.TemporaryDirectory() as folder:
            path, gate = Path(folder) / "octets", os.pipe()
            pid = os.fork()
            if pid == 0:
                os.read(gate[0], 1)
                for at in range(4):
                    os.pwrite(os.open(path, os.O_WRONLY | os.O_CREAT), b"x", at)
                os._exit(0)
            tracer = Tracer(pid, ("main", "pwrite64", "octets", 3, when))
            tracer.mark()
            tracer.start()
            tracer.attached.wait(5)
            os.write(gate[1], b"x")
            tracer.ended.wait(5)
            found = path.stat().st_size if path.exists() else 0
            if found != left:
                raise Failed(f"killed {when} the third of four writes, the file has {found} octets")


def stamp(ahead_s):
    return (datetime.now(timezone.utc) + timedelta(seconds=ahead_s)).isoformat(timespec="seconds")


class Life(Run):
    """One scenario with one gateway, its end at a point, and the gateway after it."""

    def __init__(self, a, work, scenario, target):
        super().__init__(a, work)
        self.scenario, self.target, self.start_s = SCENARIOS[scenario], target, None
        self.simulator = ("--dlr-delay-ms", str(self.scenario.get("report_ms", 600)))
        self.final = {}

    def most_extra(self):
        """One part can be in the air."""
        return 1

    def begin(self):
        self.broker = Broker(self.work)
        self.modems = Modems(self.a.modemsim, self.work, 1, LATENCY_MS, 1, self.simulator)
        self.modems.ctl(FAST)
        self.witness = Witness().subscribe(self.broker.port, self.work)
        self.gateway = Gateway(self.a.gateway, self.work, self.modems.ttys, self.broker.port, speed=SPEED)
        self.tracer = Tracer(self.gateway.process.pid, self.target, self.again)
        wait_for("the modem", READY_S, self.is_ready, 0.005)
        self.tracer.start()
        self.tracer.attached.wait()
        # Once at the connection, and once more.
        wait_for("the state once more", READY_S, lambda: self.count_infos() >= 2, 0.01)
        wait_for("silence", READY_S, lambda: self.tracer.is_quiet(QUIET_S), 0.01)
        self.modems.ctl(SLOWLY)

    def count_infos(self):
        return self.witness.path.read_bytes().count(f'"{BASE}/info"'.encode())

    def again(self):
        """The next gateway, as soon as the kernel is done with the one before."""
        self.gateway.process.wait()
        self.gateway.kills += 1
        self.modems.ctl(FAST)
        self.gateway.speed = SPEED_AFTER
        begin = time.monotonic()
        self.gateway.start()
        wait_for("the control socket", SETTLE_S, self.gateway.answers, 0.005)
        self.start_s = time.monotonic() - begin

    # What scenarios are made of.

    def message(self, number, parts=1, report=False, hold=False, send_at=None):
        text = filler(self.rng, 40 if parts == 1 else parts * 140).strip()
        message = Message(f"m{number}", f"+4915170000{number:02}", text, parts, report, hold, send_at)
        self.ask(message)
        self.final[message.id] = ("delivered",) if report else ("sent", "unknown") if hold else ("sent",)
        return message

    def say(self, message):
        """Over MQTT: the broker keeps it until the gateway has acknowledged it."""
        publish(self.broker.port, [message])

    def tell(self, message):
        """Over the control socket, again until it is acknowledged, as a client does."""
        def told():
            try:
                reply = self.gateway.ask({"do": "send", "with": message.command()})
            except OSError:
                return False
            if reply and "error" in reply:
                raise Failed(f"refused: {reply}")
            return reply
        wait_for("the acknowledgement", SETTLE_S, told, 0.01)

    def text_in(self, number, parts=1):
        sender, text = f"+4917180000{number:02}", f"in-{number} " + filler(self.rng, 60 * parts - 10).strip()
        if parts == 1:
            self.inject(0, sender, text)
            return
        self.injected.append((0, sender, text))
        for pdu in deliver_in_parts(sender, text, parts):
            self.modems.ctl(f"injectpdu 0 {pdu}")
            # Until it is read, kept and deleted.
            time.sleep(0.2)

    def saw(self, message, states):
        self.poll()
        return self.witness.last_state(message) in states

    def is_through(self):
        """Whether the scenario has come to its end, as far as the world sees."""
        self.poll()
        out = all(self.witness.last_state(m.id) in self.scenario.get("until", self.final[m.id]) for m in self.asked)
        return out and all(text in self.witness.texts for _, _, text in self.injected)

    def open_ends(self):
        """What has not come to its end yet."""
        if self.gateway.has_ended():
            raise Failed(f"the gateway ended by itself with {self.gateway.process.returncode}")
        self.poll()
        states = {m.id: self.witness.last_state(m.id) for m in self.asked}
        found = [f"{message} is {state}" for message, state in states.items() if state not in self.final[message]]
        found += [f"not published: {text}" for _, _, text in self.injected if text not in self.witness.texts]
        left = self.modems.left()
        return found + ([f"{left} left on the SIM"] if left else [])

    def settle(self):
        try:
            wait_for("the end", SETTLE_S, lambda: not self.open_ends(), 0.02)
        except Failed as error:
            raise Failed(f"{error}: {'; '.join(self.open_ends())}") from error

    def live(self):
        """Through the scenario to the point, and past it. The findings."""
        self.begin()
        self.scenario.get("before", lambda run: None)(self)
        if self.tracer.ended.is_set():
            raise Failed("the gateway ended by itself")
        self.tracer.mark()
        self.scenario["act"](self)
        ended = lambda: self.tracer.ended.is_set() or (self.is_through() and self.tracer.is_quiet(ENDED_S))
        wait_for("the end of the scenario", SCENARIO_S, ended, 0.01)
        if not self.tracer.ended.is_set():
            self.tracer.kill()
        self.tracer.ended.wait(SETTLE_S)
        if not self.tracer.killed:
            raise Failed("the gateway ended by itself: see gateway.log")
        if self.start_s is None:
            raise Failed("the gateway does not start again: see gateway.log")
        self.settle()
        # A fresh message passes (I-32).
        self.say(self.message(99))
        self.settle()
        if (code := self.gateway.stop()) != 0:
            self.problems.append(f"the gateway ended SIGTERM with {code}")
        self.poll()
        findings = judge(self)
        if missing := {m.id for m in self.asked} - self.gateway.ids():
            findings.add("problems", f"not in the database: {sorted(missing)}")
        return findings


def submit(run):
    """Not sent before long, so that only the acceptance is in it; one over MQTT, and one over the control socket."""
    later = stamp(60)
    run.say(run.message(1, send_at=later))
    time.sleep(0.2)
    run.tell(run.message(2, send_at=later))


def broker_away(run):
    """Three events wait for the broker."""
    run.broker.stop()
    for number in range(3):
        run.text_in(number)
        time.sleep(0.2)
    wait_for("silence", READY_S, lambda: run.tracer.is_quiet(QUIET_S), 0.01)


def broker_back(run):
    run.broker.start()


def await_report(run):
    """Sent, with nothing left to do until the report comes."""
    run.say(run.message(1, report=True))
    wait_for("sent", SCENARIO_S, lambda: run.saw("m1", ("sent",)), 0.01)
    # The cursor.
    time.sleep(1.1)
    wait_for("silence", READY_S, lambda: run.tracer.is_quiet(QUIET_S), 0.01)


# until: states that end the scenario before the message is final.
SCENARIOS = {
    "submit": dict(act=submit, until=("queued",)),
    "send-1": dict(act=lambda run: run.say(run.message(1))),
    "send-1-hold": dict(act=lambda run: run.say(run.message(1, hold=True))),
    "send-3": dict(act=lambda run: run.say(run.message(1, parts=3, report=True))),
    "send-3-hold": dict(act=lambda run: run.say(run.message(1, parts=3, hold=True))),
    "receive-3": dict(act=lambda run: run.text_in(1, parts=3)),
    "report": dict(before=await_report, act=lambda run: None, report_ms=1800),
    "publish": dict(before=broker_away, act=broker_back),
}


def one_life(a, scenario, target=None):
    """{"ok", "points", …}; its folder is kept when something is broken."""
    for _ in range(TRIES):
        work, begin = folder("killpoint"), time.monotonic()
        run, found, extra, ambiguous, points, reached = Life(a, work, scenario, target), {}, 0, 0, [], target is None
        try:
            findings = run.live()
            points, reached = run.tracer.points, reached or run.tracer.reached
            found, extra, ambiguous = findings.broken(), sum(findings.extra.values()), findings.ambiguous
        except Failed as error:
            found, reached = {"failed": str(error)}, True
        # One point that breaks off must not end the run, nor be lost.
        except Exception as error:
            found, reached = {"failed": repr(error)}, True
        finally:
            if hasattr(run, "tracer") and not run.tracer.ended.is_set():
                run.tracer.then = lambda: None
                run.tracer.kill()
                run.tracer.ended.wait(5)
            run.stop()
        kept = bool(found) or a.keep
        if not kept:
            shutil.rmtree(work)
        if reached:
            break
    if not reached:
        found = {"not reached": f"in {TRIES} tries"}
    return {"ok": not found, "found": found, "points": points, "extra": extra, "ambiguous": ambiguous, "start_s": run.start_s,
            "kept": str(work) if kept else None, "seconds": round(time.monotonic() - begin, 1)}


def written(target):
    return " ".join(str(word) for word in target)


def count(a, pool, scenarios):
    """The points of each scenario, from as many runs as are asked for; None where they differ."""
    runs = {name: [pool.submit(one_life, a, name) for _ in range(a.counts)] for name in scenarios}
    lists, ok = {}, True
    for name, futures in runs.items():
        results = [future.result() for future in futures]
        for result in results:
            if not result["ok"]:
                print(f"FAIL {name} without a point: {result['found']}; kept: {result['kept']}")
                ok = False
        sets = [Counter(point[:3] for point in result["points"]) for result in results]
        for other in sets[1:]:
            for kind in sorted(set(sets[0]) | set(other)):
                if sets[0][kind] != other[kind]:
                    print(f"FAIL {name}: {' '.join(kind)}: {sets[0][kind]} in one counting run, {other[kind]} in another")
                    ok = False
        lists[name] = [(*point, when) for point in results[0]["points"] for when in ("before", "after")]
        print(f"  {name:12} {len(results[0]['points'])} calls, {len(lists[name])} points", flush=True)
    return lists if ok else None


def load(made_of):
    """What an earlier run of the same commit has done: (scenario, point) to its result."""
    try:
        first, *lines = [json.loads(line) for line in PROGRESS.read_text().splitlines()]
        if first == made_of:
            return {(line["scenario"], line["point"]): line for line in lines}
    except (OSError, ValueError):
        pass
    PROGRESS.parent.mkdir(exist_ok=True)
    PROGRESS.write_text(json.dumps(made_of) + "\n")
    return {}


def table(lists, done):
    """One row for each scenario and site: points, done, green."""
    rows = {}
    for name, points in lists.items():
        for point in points:
            row = rows.setdefault(name, {}).setdefault(f"{point[0]}: {point[1]} {point[2]}", Counter())
            result = done.get((name, written(point)))
            row.update(points=1, done=bool(result), green=bool(result and result["ok"]))
    return rows


def arguments():
    p = command.parser(__doc__, "killpoints.json", modems=1, latency_ms=LATENCY_MS)
    p.add_argument("--scenario", action="append", choices=list(SCENARIOS), help="default: all")
    p.add_argument("--point", help="only this one, as a red run prints it")
    p.add_argument("--slice", metavar="K/N", help="every N-th point, from the K-th on; counts once, writes no proof")
    p.add_argument("--counts", type=int, help="counting runs; default 2, with --slice 1")
    p.add_argument("--workers", type=int, default=os.cpu_count(), help="points at a time")
    a = p.parse_args()
    a.counts = a.counts or (1 if a.slice else 2)
    if a.point and len(a.scenario or ()) != 1:
        p.error("--point needs one --scenario")
    return a


def tell_red(a, name, point, result):
    print(f"FAIL {name}: {point}: {result['found']}; kept: {result['kept']}")
    again = [sys.argv[0], "--gateway", a.gateway, "--modemsim", a.modemsim, "--scenario", name, "--point", point]
    print(f"  again: {shlex.join(again)}", flush=True)


def carry_out(a):
    begin = time.monotonic()
    scenarios = a.scenario or list(SCENARIOS)
    made_of = {"commit": commit(), "speed": SPEED, "speed_after": SPEED_AFTER}
    with ProcessPoolExecutor(a.workers) as pool:
        lists = count(a, pool, scenarios)
        if lists is None:
            return False
        wanted = [(name, point) for name in scenarios for point in lists[name]]
        done = {}
        if a.slice:
            first, step = map(int, a.slice.split("/"))
            wanted = wanted[first::step]
        else:
            done = load(made_of)
        left = [(name, point) for name, point in wanted if not done.get((name, written(point)), {}).get("ok")]
        print(f"  {len(wanted)} points, {len(left)} to do, after {time.monotonic() - begin:.0f} s", flush=True)
        futures = {pool.submit(one_life, a, name, point): (name, point) for name, point in left}
        for n, future in enumerate(as_completed(futures), 1):
            (name, point), result = futures[future], future.result()
            line = {k: result[k] for k in ("ok", "found", "extra", "ambiguous", "start_s", "seconds")}
            done[name, written(point)] = line = {"scenario": name, "point": written(point), **line}
            if not a.slice:
                with open(PROGRESS, "a", encoding="utf-8") as progress:
                    progress.write(json.dumps(line) + "\n")
            if not result["ok"]:
                tell_red(a, name, written(point), result)
            if n % 50 == 0:
                print(f"    {n} points, {time.monotonic() - begin:.0f} s", flush=True)
    ran = [done[name, written(point)] for name, point in wanted]
    rows = table(lists, {(line["scenario"], line["point"]): line for line in ran})
    for name, sites in rows.items():
        for site, row in sites.items():
            verdict = "-" if not row["done"] else "ok" if row["green"] == row["done"] else f"{row['done'] - row['green']} FAIL"
            print(f"  {name:12} {site:36} {row['points']:4} points, {row['done']:4} done: {verdict}")
    ok = all(line["ok"] for line in ran)
    total = {"points": len(ran), "green": sum(line["ok"] for line in ran), "extra_submits": sum(line["extra"] for line in ran),
             "ambiguous": sum(line["ambiguous"] for line in ran),
             "slowest_start_s": round(max((line["start_s"] or 0 for line in ran), default=0), 2),
             "seconds": round(sum(line["seconds"] for line in ran) / a.workers)}
    if not a.slice and not a.scenario:
        a.proof.parent.mkdir(exist_ok=True)
        proof = {**made_of, "all_green": ok, **total, "sites": rows}
        a.proof.write_text(json.dumps(proof, indent=1) + "\n")
    print(json.dumps({"judge": "killpoints", "ok": ok, **made_of, **total}))
    return ok


def main():
    a = arguments()
    unable = command.unable(a)
    if unable is not None:
        return unable
    if not CALLS:
        print(f"skipped: the numbers of system calls on {platform.machine()} are not known here")
        return 0
    prove()
    if a.point:
        words = a.point.split()
        point = (*words[:-2], int(words[-2]), words[-1])
        result = one_life(a, a.scenario[0], point)
        print(json.dumps({"judge": "killpoints", **{k: v for k, v in result.items() if k != "points"}}))
        if not result["ok"]:
            tell_red(a, a.scenario[0], a.point, result)
        return 0 if result["ok"] else 1
    print(f"killpoints: {', '.join(a.scenario or SCENARIOS)}; time runs {SPEED} times as fast, after a kill {SPEED_AFTER} times",
          flush=True)
    return 0 if carry_out(a) else 1


if __name__ == "__main__":
    sys.exit(main())
