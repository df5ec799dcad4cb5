#!/usr/bin/env python3
"""Bad commands over a real Mosquitto: each is answered by an event that names field and reason, nothing of it is sent,
and the connection is kept, so that a good command afterwards passes.

    GSMGATE_BIN=target/debug/gsmgate python3 tests/judge/bad_input.py

The modem is `gsmgate simulate`; its log says what went out. Exit 1 and one line a mistake when a promise is broken.
"""
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from judge import Failed, ROOT, wait_for
from judge.broker import Broker
from judge.gateway import STOP_S
from judge.run import READY_S

TO = "+491701234567"
GOOD = {"to": TO, "text": "good"}


def command(**fields):
    return json.dumps({**GOOD, **fields}).encode()


# What is published, and the code and field that the answer names.
TABLE = [
    ("not JSON", b"hello", "invalid_json", "1:1"),
    ("not UTF-8", b'{"to":"\xff"}', "invalid_json", "1:8"),
    ("lone surrogate", b'{"to":"+491701234567","text":"\\ud800"}', "invalid_json", "1:37"),
    ("unknown key", command(colour=1), "invalid_field", "/colour"),
    ("no to", b'{"text":"a"}', "invalid_field", "/to"),
    ("letters", command(to="anna"), "invalid_number", "/to"),
    ("quotes", command(to='+49"1'), "invalid_number", "/to"),
    ("CR LF", command(to="+491\r\nAT+CFUN=0"), "invalid_number", "/to"),
    ("Ctrl-Z", command(to="+491\x1a"), "invalid_number", "/to"),
    ("full-width digits", command(to="１２３"), "invalid_number", "/to"),
    ("over 15 digits", command(to="+1234567890123456"), "invalid_number", "/to"),
    ("emergency number 112", command(to="112"), "blocked", "/to"),
    ("emergency number 110", command(to="110"), "blocked", "/to"),
    ("empty text", command(text=""), "invalid_field", "/text"),
    ("text of 100,000 characters", command(text="x" * 100_000), "too_long", "/text"),
    ("payload of 100 KB", command(tags=["x" * 100_000]), "too_long", None),
    ("negative expires_in", command(expires_in=-5), "invalid_field", "/expires_in"),
    ("absurd expires_in", command(expires_in=10**18), "invalid_field", "/expires_in"),
    ("unknown SIM", command(sim="nowhere"), "unknown_sim", "/sim"),
]


class Bench:
    """Broker, virtual modem, gateway, and a subscriber to all that the gateway says."""

    def __init__(self, work):
        self.work, self.processes = work, []
        self.broker = Broker(work, persistence=False)
        self.binary = str(Path(os.environ.get("GSMGATE_BIN", ROOT / "target/debug/gsmgate")).resolve())
        self.modem_log = work / "modem.jsonl"
        self.spawn("simulator", self.binary, "simulate", "--dir", work / "lab", "--latency", "1", "--log",
                   self.modem_log)
        wait_for("the virtual modem", READY_S, (work / "lab/modem0").exists)
        config = work / "gsmgate.toml"
        config.write_text(f'[gateway]\nname = "bad"\nstate_dir = "{work}/state"\ncontrol_socket = "{work}/control"\n'
                          f'[mqtt]\nurl = "mqtt://127.0.0.1:{self.broker.port}"\n'
                          f'[[modem]]\nport = "{work}/lab/modem0"\n')
        self.seen_log = work / "seen.log"
        # Before the gateway is there: it has to find a stored retained command.
        self.publish(command(id="stored"), "-r")
        with open(self.seen_log, "wb") as log:
            self.keep(subprocess.Popen(["mosquitto_sub", "-p", str(self.broker.port), "-q", "1", "-F", "%t %p",
                                        "-t", "gsmgate/bad/#", "-T", "gsmgate/bad/send"], stdout=log))
        self.gateway = self.spawn("gateway", self.binary, "run", "--config", config)
        self.wait("the modem is ready", lambda topic, body: "/modem/" in topic and body.get("state") == "ready")

    def keep(self, process):
        self.processes.append(process)
        return process

    def spawn(self, name, *arguments):
        with open(self.work / f"{name}.log", "wb") as log:
            return self.keep(subprocess.Popen([str(each) for each in arguments], stdin=subprocess.DEVNULL, stdout=log,
                                              stderr=log))

    def publish(self, payload, *more):
        source = "-s" if payload else "-n"
        command = ["mosquitto_pub", "-p", str(self.broker.port), "-q", "1", "-t", "gsmgate/bad/send", source, *more]
        subprocess.run(command, input=payload, check=True, timeout=READY_S)

    def seen(self):
        lines = self.seen_log.read_text(errors="replace").splitlines()
        pairs = (line.split(" ", 1) for line in lines if " {" in line)
        return [(topic, json.loads(body)) for topic, body in pairs]

    def refusals(self):
        return [body for topic, body in self.seen() if topic == "gsmgate/bad/event" and body["event_type"] == "refused"]

    def wait(self, what, is_it):
        return wait_for(what, READY_S, lambda: [it for it in self.seen() if is_it(*it)])

    def sent(self):
        """Texts that the network took."""
        lines = self.modem_log.read_text().splitlines() if self.modem_log.exists() else []
        return [event["text"] for event in map(json.loads, lines) if event.get("event") == "submit"]

    def stop(self):
        for process in reversed(self.processes):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(STOP_S)
        self.broker.stop()


def check(bench):
    """The broken promises."""
    problems = []

    def next_refusal(name, before, code, field):
        wait_for(f"an answer to {name}", READY_S, lambda: len(bench.refusals()) > before)
        error = bench.refusals()[before]["error"]
        got = (error["code"], error.get("field"))
        if got != (code, field) or not error.get("detail"):
            problems.append(f"{name}: answered {error}, expected {code} at {field}")

    next_refusal("a stored retained command", 0, "retained_command", None)
    bench.publish(b"", "-r")
    count = len(bench.refusals())
    for name, payload, code, field in [*TABLE, ("a live retained command", None, "retained_command", None)]:
        if payload is None:
            bench.publish(command(id="live"), "-r")
        else:
            bench.publish(payload)
        next_refusal(name, count, code, field)
        count += 1
    # The broker drops this one unseen: the gateway takes no packet over 128 KiB.
    bench.publish(b"x" * 1_000_000)
    for text in ("good", "good", "another"):
        bench.publish(command(id="same", text=text))
    next_refusal("an id for another message", count, "id_reused", "/id")
    bench.publish(command(id="last", text="last"))
    for name in ("same", "last"):
        bench.wait(f"{name} is delivered", lambda topic, body, name=name: topic.endswith(f"/status/{name}")
                   and body["state"] == "delivered")
    if sorted(bench.sent()) != ["good", "last"]:
        problems.append(f"sent {bench.sent()}, expected good and last, each once")
    if len(bench.refusals()) != count + 1:
        problems.append(f"{len(bench.refusals())} refusals, expected {count + 1}")
    states = [body for topic, body in bench.seen() if topic == "gsmgate/bad/state"]
    if states != [{"state": "online", "store": "ok"}] * len(states) or not states:
        problems.append(f"the connection was not kept: {states}")
    return problems


def main():
    with tempfile.TemporaryDirectory(prefix="gsmgate-bad-") as work:
        begin = time.monotonic()
        bench = Bench(Path(work))
        try:
            problems = check(bench)
        except Failed as error:
            problems = [f"{error}; the gateway said:\n{(bench.work / 'gateway.log').read_text()[-2000:]}"]
        finally:
            bench.stop()
    for problem in problems:
        print(f"FAIL {problem}")
    print(f"bad input: {len(TABLE) + 4} kinds, {len(problems)} mistakes, {time.monotonic() - begin:.1f} s")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
