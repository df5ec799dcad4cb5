#!/usr/bin/env python3
"""Sends, receives and waits for reports on the modems of a rig, and leaves their SIMs as they were.

    hardware-tests/run.py                                       the virtual rig: no hardware, no cost
    hardware-tests/run.py hardware-tests/rigs/my-stick.toml     a real one

Needs Python 3.11 or newer and a built gateway (GSMGATE_BIN, else the newest under target/), which it starts in a
temporary folder and drives by its command line; stop the service first when it uses the same modem.
Prints one line a case; exit 0 when all passed, 1 when one did not, 2 when the rig could not be set up.
"""
import json
import os
import re
import select
import shutil
import subprocess
import sys
import tempfile
import termios
import time
import tomllib
import tty
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NAME = "rig"
# Not settings of the gateway but of the rig.
RIG_KEYS = ("number", "to")
# From start to an answering control socket.
START_S = 10
# Memories a modem may keep messages in. 3GPP TS 27.005 §3.2.2.
MEMORIES = ("SM", "ME")
AT_S = 10
# A send that is on the air may end: the unit's TimeoutStopSec.
STOP_S = 210


class SetupError(Exception):
    """The rig cannot be used as it is."""


class CaseFailed(Exception):
    """A case did not pass."""


def binary():
    named = os.environ.get("GSMGATE_BIN")
    built = [named] if named else [ROOT / "target" / p / "gsmgate" for p in ("release", "demo", "debug")]
    built = [Path(p) for p in built if os.access(p, os.X_OK)]
    if not built:
        raise SetupError("no gateway: run `cargo build`, or name one in GSMGATE_BIN")
    return max(built, key=lambda p: p.stat().st_mtime)


def until(limit_s, test, every_s=0.1):
    """The first true value of test() within the limit, else its last value."""
    end = time.monotonic() + limit_s
    while True:
        value = test()
        if value or time.monotonic() > end:
            return value
        time.sleep(every_s)


def toml_value(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False)    # JSON strings and numbers are TOML too


class Line:
    """A modem's port while the gateway does not hold it: what lies on the SIM, asked of the modem itself."""

    def __init__(self, port):
        self.fd = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(self.fd)
        attributes = termios.tcgetattr(self.fd)
        attributes[4] = attributes[5] = termios.B115200
        termios.tcsetattr(self.fd, termios.TCSANOW, attributes)

    def ask(self, command):
        """The answer up to its final result; empty when none comes."""
        os.write(self.fd, command + b"\r")
        answer, end = b"", time.monotonic() + AT_S
        while not re.search(rb"\r\n(OK|ERROR|\+CM[ES] ERROR:.*)\r\n", answer) and time.monotonic() < end:
            if select.select([self.fd], [], [], 0.1)[0]:
                answer += os.read(self.fd, 4096)
        return answer.decode(errors="replace")

    def memories(self):
        """How many messages lie in each memory the modem has."""
        if "OK" not in self.ask(b"\x1b\rAT"):
            raise SetupError(f"no answer to AT within {AT_S} s")
        counts = {}
        for memory in MEMORIES:
            found = re.search(r"\+CPMS: *(\d+)", self.ask(b'AT+CPMS="%s"' % memory.encode()))
            if found:
                counts[memory] = int(found[1])
        return counts

    @staticmethod
    def count(port):
        line = Line(port)
        try:
            return line.memories()
        finally:
            os.close(line.fd)


class Rig:
    """What a rig file names, with the processes that serve it."""

    def __init__(self, path, work):
        self.work, self.gateway_binary, self.processes = work, binary(), []
        with open(path, "rb") as f:
            self.file = tomllib.load(f)
        self.name = self.file.get("name", path.stem)
        self.ready_s, self.report_s = self.file.get("ready_s", 60), self.file.get("report_s", 300)

    def find_modems(self):
        self.modems = self.simulated() if "simulate" in self.file else self.file.get("modem", [])
        if not self.modems:
            raise SetupError("no [[modem]] table")
        for modem in self.modems:
            modem["to"] = modem.get("to") or modem.get("number") or self.file.get("to")
            if not modem.get("label") or not modem["to"]:
                raise SetupError("each modem needs label, and number or to")

    def simulated(self):
        folder, count = self.work / "modems", self.file["simulate"]
        folder.mkdir()
        process = self.spawn("simulate", [self.gateway_binary, "simulate", "--modems", str(count), "--dir", str(folder)])
        ports = [folder / f"modem{i}" for i in range(count)]
        if not until(10, lambda: process.poll() is None and all(p.exists() for p in ports)):
            raise SetupError(f"the simulator did not start:\n{self.log('simulate')}")
        return [{"port": str(p), "label": f"modem{i}"} for i, p in enumerate(ports)]

    def spawn(self, name, command):
        with open(self.work / f"{name}.log", "wb") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.processes.append(process)
        return process

    def log(self, name):
        text = (self.work / f"{name}.log").read_text(errors="replace")
        return "\n".join(f"    {line}" for line in text.splitlines()[-20:])

    def start(self):
        self.find_modems()
        self.before = {modem["label"]: Line.count(modem["port"]) for modem in self.modems}
        self.config = self.work / "gsmgate.toml"
        self.control = self.work / "control.sock"
        (self.work / "state").mkdir()
        tables = [("[gateway]", dict(name=NAME, state_dir=str(self.work / "state"), control_socket=str(self.control)))]
        tables += [("[[modem]]", {k: v for k, v in m.items() if k not in RIG_KEYS}) for m in self.modems]
        self.config.write_text("\n".join(f"{head}\n" + "".join(f"{k} = {toml_value(v)}\n" for k, v in keys.items())
                                         for head, keys in tables))
        self.gateway = self.spawn("gateway", [self.gateway_binary, "run", "--config", str(self.config)])
        until(START_S, lambda: self.gateway.poll() is not None or self.control.exists())
        if self.gateway.poll() is not None or not self.control.exists():
            raise SetupError(f"the gateway did not start:\n{self.log('gateway')}")
        self.spawn("events", [self.gateway_binary, "events", "--json", "--socket", str(self.control)])

    def cli(self, *arguments, limit_s=30):
        """The JSON answer of a gateway command, and its exit code."""
        command = [str(self.gateway_binary), *arguments, "--json", "--socket", str(self.control)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=limit_s)
        except subprocess.TimeoutExpired:
            raise CaseFailed(f"no answer within {limit_s} s: gsmgate {' '.join(arguments[:2])}") from None
        lines = [line for line in done.stdout.splitlines() if line.strip()]
        return (json.loads(lines[-1]) if lines else {"error": done.stderr.strip()}), done.returncode

    def states(self):
        """The modems as the gateway sees them, by label."""
        answer, code = self.cli("modems")
        rows = answer.get("modems", []) if isinstance(answer, dict) else answer
        return {row.get("label"): row for row in rows} if code == 0 else {}

    def inbound(self):
        """What came in since the start."""
        text = (self.work / "events.log").read_text(errors="replace")
        events = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
        return [event for event in events if event.get("event_type") == "received"]

    def stop_gateway(self):
        """Orderly; returns the exit code."""
        if self.gateway.poll() is None:
            self.gateway.terminate()
        return self.gateway.wait(STOP_S)

    def stop(self):
        """The gateway first, in order; each of our own processes by itself."""
        for process in reversed(self.processes):
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(STOP_S)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


# --- The cases, in order. Each gets the rig and one of its modems. ----------------------------------------------------

def bring_up(rig, modem):
    """The modem is found, answers and is registered."""
    def ready():
        if rig.gateway.poll() is not None:
            raise CaseFailed(f"the gateway ended with {rig.gateway.returncode}:\n{rig.log('gateway')}")
        return rig.states().get(modem["label"], {}).get("state") == "ready"
    if not until(rig.ready_s, ready):
        raise CaseFailed(f"not ready within {rig.ready_s} s: {rig.states().get(modem['label'])}")
    modem["sim_label"] = rig.states()[modem["label"]]["sim"]["label"]


def deliver(rig, modem, text, parts):
    answer, _ = rig.cli("send", modem["to"], text, "--sim", modem["sim_label"], "--wait", str(rig.report_s),
                        limit_s=rig.report_s + 30)
    if answer.get("state") != "delivered":
        raise CaseFailed(f"not delivered within {rig.report_s} s: {answer}")
    status, _ = rig.cli("status", answer["id"])
    count = status["parts"] if isinstance(status["parts"], int) else len(status["parts"])
    if count != parts:
        raise CaseFailed(f"{count} parts, expected {parts}")


def send_one_part(rig, modem):
    """One GSM-7 part is delivered, by the network's own report."""
    modem["short"] = f"gsmgate {modem['label']} {time.time_ns()} @£$ äöü € [ok]"
    deliver(rig, modem, modem["short"], 1)


def send_three_parts(rig, modem):
    """Three UCS-2 parts with emoji are delivered, all of them reported."""
    head = f"gsmgate {modem['label']} {time.time_ns()} Привет 😀 "
    modem["long"] = head + "界😀" * ((190 - len(head)) // 3)
    deliver(rig, modem, modem["long"], 3)


def receive(rig, modem):
    """What was sent comes back, each once and whole: from the echo phone, or because the SIM texted itself."""
    for sent in (modem["short"], modem["long"]):
        def copies(sent=sent):
            return [m for m in rig.inbound() if sent in (m.get("text") or "")]
        if not until(rig.report_s, copies):
            raise CaseFailed(f"nothing with {sent[:40]!r} came in within {rig.report_s} s")
        if len({m["seq"] for m in copies()}) != 1:
            raise CaseFailed(f"{sent[:40]!r} came in {len(copies())} times")
        if not copies()[0].get("complete", True):
            raise CaseFailed(f"parts are missing: {copies()[0]}")


def leave_clean(rig, modem):
    """The gateway stopped, the SIM holds as many messages as before."""
    if rig.stop_gateway() != 0:
        raise CaseFailed(f"the gateway ended SIGTERM with {rig.gateway.returncode}:\n{rig.log('gateway')}")
    after = Line.count(modem["port"])
    if not after or after != rig.before[modem["label"]]:
        raise CaseFailed(f"before {rig.before[modem['label']]}, after {after}")


CASES = (bring_up, send_one_part, send_three_parts, receive)
# Needs the port, so it comes when all modems are through.
LAST = leave_clean


def run(rig):
    """All cases on all modems; the number that failed. What builds on a failed case of the same modem is skipped."""
    failed = 0
    for modem in rig.modems:
        passed = True
        for case in CASES:
            passed = attempt(rig, modem, case, skip=not passed)
            failed += not passed
    return failed + sum(not attempt(rig, modem, LAST) for modem in rig.modems)


def attempt(rig, modem, case, skip=False):
    """One line for one case; true when it passed."""
    title = f"{rig.name} {modem['label']:10} {case.__name__.replace('_', ' '):17} {case.__doc__}"
    if skip:
        print(f"skip {title}", flush=True)
        return False
    begin = time.monotonic()
    try:
        case(rig, modem)
    except (CaseFailed, SetupError, KeyError, TypeError, OSError) as error:
        print(f"FAIL {title}\n     {error!r}", flush=True)
        return False
    print(f"ok   {title} ({time.monotonic() - begin:.1f} s)", flush=True)
    return True


def main():
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "hardware-tests/rigs/virtual.toml"
    if path.name in ("-h", "--help") or len(sys.argv) > 2:
        print(__doc__)
        return 0 if len(sys.argv) == 2 else 2
    work = Path(tempfile.mkdtemp(prefix="gsmgate-rig-"))
    rig = None
    failed = None
    try:
        rig = Rig(path, work)
        rig.start()
        failed = run(rig)
    except (SetupError, OSError, tomllib.TOMLDecodeError) as error:
        print(f"{path}: {error}", file=sys.stderr)
    finally:
        if rig:
            rig.stop()
    if failed == 0:
        shutil.rmtree(work)
        return 0
    print(f"logs: {work}", file=sys.stderr)
    return 1 if failed else 2


if __name__ == "__main__":
    sys.exit(main())
