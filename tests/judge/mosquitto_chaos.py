#!/usr/bin/env python3
"""Judges the whole road: real Mosquitto, real mosquitto_pub, somebody else's modems, and the gateway between them.

    tests/judge/mosquitto_chaos.py                     200 messages and 50 inbound, nothing disturbed
    tests/judge/mosquitto_chaos.py --chaos             the same, with the gateway killed -9 five times and the broker
                                                       (persistence on) restarted three times by SIGTERM
    tests/judge/mosquitto_chaos.py --chaos --seed N    the same moments and messages again

It believes nobody but the modems' own log (what the network accepted) and the broker (what a subscriber saw).
Needs mosquitto, mosquitto_pub, mosquitto_sub, a gateway (GSMGATE_BIN or --gateway) and the modem simulator `modemsim`
(MODEMSIM or --modemsim); without the simulator it says so and exits 0. Prints a table and one JSON line; exit 1 when a
promise is broken.
"""
import argparse
import json
import os
import random
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from datetime import datetime
from pathlib import Path

# Debian keeps mosquitto where users do not look.
os.environ["PATH"] += ":/usr/sbin"

ROOT = Path(__file__).resolve().parents[2]
NAME = "judge"
BASE = f"gsmgate/{NAME}"
GSM7_SAMPLE = "Störung 42 % - äöü ñ £ € {a} [b] ~"
UCS2_SAMPLE = "Привет, 世界 😀👩‍🚒"
WORDS = "pump tank level door alarm water night valve power motor fan north south gate river bridge".split()
READY_S = 30
CHUNK = 20
# A chunk of 20 is acknowledged in well under a second; longer means the broker went away under the publisher.
PUBLISH_S = 15
BROKER_STOP_S = 10
GATEWAY_STOP_S = 240
# A message of which a part is through goes on at once; only an uncertain one waits for evidence.
STALL_S = 30


class Failed(Exception):
    """The run could not be set up, so there is nothing to judge."""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(what, limit_s, test, every_s=0.05):
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        value = test()
        if value:
            return value
        time.sleep(every_s)
    raise Failed(f"{what}: not within {limit_s} s")


class Broker:
    """A mosquitto of our own, with or without persistence."""

    def __init__(self, work, persistence):
        self.work, self.restarts = work, 0
        store = f"persistence true\npersistence_location {work}/\n" if persistence else "persistence false\n"
        self.conf, self.log = work / "mosquitto.conf", work / "mosquitto.log"
        for tries_left in (4, 3, 2, 1, 0):
            self.port = free_port()
            # As root mosquitto would become the user mosquitto, who cannot write here.
            self.conf.write_text(f"user root\nlistener {self.port} 127.0.0.1\nallow_anonymous true\n"
                                 f"max_queued_messages 0\nmessage_size_limit 0\n{store}")
            try:
                return self.start()
            except Failed:
                # Somebody was quicker to take the port.
                if not tries_left:
                    raise

    def start(self):
        with open(self.log, "ab") as log:
            before = log.tell()
            self.process = subprocess.Popen(["mosquitto", "-c", str(self.conf)], stdout=log, stderr=log)
        # What it says itself: on a port that was taken somebody else would answer.
        runs = lambda: b" running\n" in self.log.read_bytes()[before:]
        wait_for("mosquitto", 10, lambda: runs() or self.process.poll() is not None, 0.01)
        if self.process.poll() is not None:
            raise Failed(f"mosquitto ended with {self.process.returncode}: see {self.log}")

    def restart(self, down_s):
        self.process.terminate()
        self.process.wait(BROKER_STOP_S)
        time.sleep(down_s)
        self.start()
        self.restarts += 1

    def stop(self):
        self.process.terminate()
        self.process.wait(BROKER_STOP_S)


class Modems:
    """modemsim: the network's side of the story."""

    def __init__(self, binary, work, count, latency_ms, seed, more=()):
        self.dir = work / "sim"
        self.dir.mkdir()
        self.log = self.dir / "log.jsonl"
        self.ttys = [str(self.dir / f"modem{i}") for i in range(count)]
        self.process = subprocess.Popen(
            [binary, "--modems", str(count), "--dir", str(self.dir), "--log", str(self.log), "--seed", str(seed),
             "--cmgs-latency-ms", str(latency_ms), "--dlr", "--dlr-delay-ms", "500", *more],
            stdout=subprocess.DEVNULL, stderr=open(work / "modemsim.log", "wb"))
        self.lock = threading.Lock()
        self.socket = socket.socket(socket.AF_UNIX)
        # The socket is there before anybody listens on it.
        wait_for("modemsim", 10, lambda: self.socket.connect_ex(str(self.dir / "ctl")) == 0)
        self.lines = self.socket.makefile("rw")

    def ctl(self, command):
        with self.lock:
            self.lines.write(command + "\n")
            self.lines.flush()
            return json.loads(self.lines.readline())

    def events(self):
        self.ctl("flush")
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


class Gateway:
    """The product, as a black box that is started, killed and stopped."""

    def __init__(self, binary, work, ttys, broker_port, more=""):
        self.binary, self.work, self.kills = binary, work, 0
        self.socket = work / "control.sock"
        self.config = work / "gsmgate.toml"
        modems = "".join(f'\n[[modem]]\nport = "{tty}"\nlabel = "m{i}"\n{more}' for i, tty in enumerate(ttys))
        self.config.write_text(f'[gateway]\nname = "{NAME}"\nstate_dir = "{work}/state"\n'
                               f'control_socket = "{self.socket}"\n\n[mqtt]\n'
                               f'url = "mqtt://127.0.0.1:{broker_port}"\n{modems}')
        (work / "state").mkdir(exist_ok=True)
        self.start()

    def start(self):
        log = open(self.work / "gateway.log", "ab")
        self.process = subprocess.Popen([self.binary, "run", "--config", str(self.config)], stdout=log, stderr=log)

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.kills += 1
        self.start()

    def status(self, message):
        out = subprocess.run([self.binary, "status", message, "--json", "--socket", str(self.socket)],
                             capture_output=True, text=True)
        return out.stdout.strip()

    def stop(self):
        """Orderly; returns the exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(GATEWAY_STOP_S)


class Witness:
    """A subscriber with a session of its own: everything under the base topic, in the order it came."""

    def __init__(self, port, work):
        self.path = work / "mqtt.jsonl"
        self.process = subprocess.Popen(
            ["mosquitto_sub", "-V", "mqttv5", "-p", str(port), "-i", f"witness-{work.name}", "-c", "-x", "86400", "-q", "1",
             "-t", f"{BASE}/#", "-F", "%j"], stdout=open(self.path, "wb"), stderr=open(work / "witness.log", "wb"))
        self.read, self.tail = 0, ""
        self.states, self.events, self.copies, self.modem_states = defaultdict(list), {}, 0, {}

    def poll(self):
        """Takes in what is new. Events are told apart by `seq`; a second copy is counted, not kept."""
        with open(self.path, encoding="utf-8", errors="replace") as f:
            f.seek(self.read)
            chunk = f.read()
            self.read = f.tell()
        *lines, self.tail = (self.tail + chunk).split("\n")
        for line in lines:
            self.take(json.loads(line))

    def take(self, message):
        topic = message["topic"].removeprefix(BASE + "/")
        if topic == "send":
            return
        body = json.loads(message["payload"]) if message["payload"] else {}
        if topic.startswith("modem/"):
            self.modem_states[topic.split("/")[1]] = body
        if body.get("seq") is None:
            return
        if body["seq"] in self.events:
            self.copies += 1
            return
        self.events[body["seq"]] = (topic, body)
        if topic.startswith("status/"):
            self.states[topic.split("/", 1)[1]].append(body)

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
        self.poll()

    def last_state(self, message):
        history = sorted(self.states.get(message, []), key=lambda s: s["seq"])
        return history[-1]["state"] if history else None

    def inbound(self):
        return [body for topic, body in self.events.values() if topic.startswith("inbound/")]

    def refused(self):
        return [body for _, body in self.events.values() if body.get("event_type") == "refused"]


def filler(rng, n):
    """n characters of text without runs that a wrong cut could hide in."""
    out = ""
    while len(out) < n:
        out += f"{rng.choice(WORDS)}{rng.randrange(1000)} "
    return out[:n]


def messages(rng, n):
    """Ids with recipient, text and the parts expected: GSM-7, UCS-2 with emoji, three parts of either."""
    kinds = [
        ("gsm7", lambda i: f"#{i} {GSM7_SAMPLE} {filler(rng, 60)}", 1),
        ("ucs2", lambda i: f"#{i} {UCS2_SAMPLE} {filler(rng, 20)}", 1),
        ("gsm7 x3", lambda i: f"#{i} {GSM7_SAMPLE} {filler(rng, 340)}", 3),
        ("ucs2 x3", lambda i: f"#{i} {UCS2_SAMPLE} {filler(rng, 70)}😀{filler(rng, 50)}", 3),
    ]
    out = []
    for i in range(n):
        kind, text, parts = kinds[rng.choices(range(4), (40, 30, 15, 15))[0]]
        out.append(dict(id=f"m{i:04}", to=f"+49151{7000000 + i}", text=text(i).strip(), kind=kind, parts=parts))
    return out


def publish(port, chunk):
    """mosquitto_pub -l -q 1; the same ids again until the broker acknowledged every line. Returns the repeats."""
    lines = "".join(json.dumps({k: m[k] for k in ("id", "to", "text")}, ensure_ascii=False) + "\n" for m in chunk)
    for repeats in range(20):
        try:
            done = subprocess.run(["mosquitto_pub", "-p", str(port), "-t", f"{BASE}/send", "-q", "1", "-l"],
                                  input=lines.encode(), capture_output=True, timeout=PUBLISH_S)
            if done.returncode == 0:
                return repeats
        except subprocess.TimeoutExpired:
            pass
        time.sleep(0.5)
    raise Failed("mosquitto_pub did not get through in 20 tries")


class Run:
    """One run: what was asked for, and everybody who took part."""

    def __init__(self, a, work):
        self.a, self.work, self.rng = a, work, random.Random(a.seed)
        self.asked = messages(self.rng, a.messages)
        samples = (UCS2_SAMPLE, GSM7_SAMPLE)
        self.injected = [(i % a.modems, f"+49171{8000000 + i}", f"in-{i:03} {self.rng.choice(samples)}")
                         for i in range(a.inbound)]
        parts = sum(m["parts"] for m in self.asked)
        self.expected_s = max(5.0, parts * (a.latency_ms / 1000 + 0.02) / a.modems)
        self.problems, self.repeats = [], 0
        # What the simulator and each [[modem]] are told beside the usual.
        self.simulator, self.each_modem = (), ""
        # Whether something happens that may leave a modem's answer unknown.
        self.disturbs = bool(a.kills)
        self.stall_s = STALL_S

    def most_extra(self):
        """A killed gateway may have had one part in the air on each modem."""
        return self.gateway.kills * self.a.modems

    def start(self):
        self.broker = Broker(self.work, self.a.persistence == "on")
        self.modems = Modems(self.a.modemsim, self.work, self.a.modems, self.a.latency_ms, self.a.seed, self.simulator)
        self.witness = Witness(self.broker.port, self.work)
        self.gateway = Gateway(self.a.gateway, self.work, self.modems.ttys, self.broker.port, self.each_modem)
        wait_for("all modems ready", READY_S, self.is_ready)

    def is_ready(self):
        if self.gateway.process.poll() is not None:
            raise Failed(f"the gateway ended with {self.gateway.process.returncode}: see gateway.log")
        self.witness.poll()
        ready = [m for m in self.witness.modem_states.values() if m.get("state") == "ready"]
        return len(ready) == self.a.modems

    def publisher(self):
        chunks = [self.asked[i:i + CHUNK] for i in range(0, len(self.asked), CHUNK)]
        # Undisturbed: all at once, as a script would. Else spread, so that faults meet commands under way too.
        pause = self.expected_s * 0.7 / len(chunks) if self.a.kills or self.a.restarts else 0
        for chunk in chunks:
            self.repeats += publish(self.broker.port, chunk)
            time.sleep(pause)

    def injector(self):
        for modem, sender, text in self.injected:
            self.modems.ctl(f"inject {modem} {sender} {text}")
            time.sleep(self.expected_s * 0.8 / max(1, len(self.injected)))

    def faults(self):
        moments = [(self.rng.uniform(0.05, 0.95) * self.expected_s, "kill") for _ in range(self.a.kills)]
        moments += [(self.rng.uniform(0.05, 0.95) * self.expected_s, "broker") for _ in range(self.a.restarts)]
        begin = time.monotonic()
        for moment, what in sorted(moments):
            time.sleep(max(0.0, begin + moment - time.monotonic()))
            if what == "kill":
                self.gateway.kill()
            else:
                self.broker.restart(self.rng.uniform(0.1, 1.5))

    def drive(self):
        """Everything at once, then until all is settled or the time is over."""
        guarded = [threading.Thread(target=self.guard, args=(f,)) for f in (self.publisher, self.injector, self.faults)]
        for thread in guarded:
            thread.start()
        for thread in guarded:
            thread.join()
        end = time.monotonic() + self.a.timeout
        while time.monotonic() < end and not self.is_settled():
            time.sleep(0.25)
        time.sleep(1)
        self.witness.poll()

    def guard(self, part):
        try:
            part()
        except Exception as error:
            self.problems.append(f"{part.__name__}: {error!r}")

    def is_settled(self):
        if self.gateway.process.poll() is not None:
            self.problems.append(f"the gateway ended by itself with {self.gateway.process.returncode}")
            return True
        self.witness.poll()
        delivered = all(self.witness.last_state(m["id"]) == "delivered" for m in self.asked)
        texts = {body.get("text") for body in self.witness.inbound()}
        return delivered and all(text in texts for _, _, text in self.injected)

    def stop(self):
        """In an order in which nobody misses anything. Safe when start() failed half way."""
        code = self.gateway.stop() if hasattr(self, "gateway") else None
        if code not in (0, None):
            self.problems.append(f"the gateway ended SIGTERM with {code}")
        for part in ("witness", "modems", "broker"):
            if hasattr(self, part):
                getattr(self, part).stop()


def sets_of_parts(submits):
    """The accepted submits to one recipient as {key: {seq: [text, …]}}; a key is one cutting up of the message."""
    groups = defaultdict(lambda: defaultdict(list))
    for s in submits:
        udh = s["udh"] or {"ref": None, "parts": 1, "seq": 1}
        groups[s["modem"], udh["ref"], udh["parts"]][udh["seq"]].append(s["text"])
    return groups


def judge_outbound(run, events, out):
    by_recipient = defaultdict(list)
    for e in events:
        if e["event"] == "submit" and e["ok"]:
            by_recipient[e["da"]].append(e)
    known = {m["to"] for m in run.asked}
    out["strangers"] = [da for da in by_recipient if da not in known]
    for m in run.asked:
        submits = by_recipient.get(m["to"], [])
        groups = sets_of_parts(submits)
        whole = [g for (_, _, parts), g in groups.items() if sorted(g) == list(range(1, parts + 1))]
        if not whole:
            out["lost"].append(m["id"])
            continue
        texts = {"".join(g[seq][0] for seq in sorted(g)) for g in whole}
        same = all(len(set(copies)) == 1 for g in groups.values() for copies in g.values())
        if texts != {m["text"]} or not same:
            out["wrong"].append(m["id"])
        extra = len(submits) - len(whole[0])
        if extra:
            out["extra"][m["id"]] = extra
        out["parts"] += len(whole[0])
        if len(whole[0]) != m["parts"]:
            out["wrong"].append(f"{m['id']}: {len(whole[0])} parts for {m['parts']}")


def judge_links(run, out):
    """Every extra submit must be told of: an ambiguous event, and the flag that the recipient may see it twice."""
    for message in out["extra"]:
        history = run.witness.states[message]
        uncertain = any(s["state"] == "uncertain" for s in history)
        flagged = any(s.get("duplicate_possible") for s in history)
        if not (uncertain and flagged):
            out["unexplained"].append(message)
    flags = {i for i, history in run.witness.states.items() if any(s["state"] == "uncertain" for s in history)}
    out["ambiguous"] = len(flags)
    if not run.disturbs and flags:
        out["unexplained"] += [f"{i}: uncertain without a fault" for i in flags]


def reported(events):
    """Recipients of whom the modems handed over the last report, with how many."""
    where, gone = {}, set()
    for e in events:
        if e["event"] == "dlr":
            where[e["id"]] = e["da"]
        elif e["event"] in ("routed", "stored"):
            gone.add(e["id"])
        elif e["event"] == "unacked":
            gone.discard(e["id"])
    return Counter(da for i, da in where.items() if i in gone)


def judge_reports(run, events, out):
    handed = reported(events)
    for m in run.asked:
        state = run.witness.last_state(m["id"])
        out["states"][state or "none"] += 1
        if handed[m["to"]] >= m["parts"] and state != "delivered":
            out["undelivered"].append(f"{m['id']}: {state}")
        if state is None or (not run.disturbs and state != "delivered"):
            out["undelivered"].append(f"{m['id']}: {state}, {handed[m['to']]} of {m['parts']} reports handed over")


def judge_pace(run, out):
    """A message that was being sent and then lay still, though nobody was in doubt about it."""
    for message, history in run.witness.states.items():
        steps = sorted(history, key=lambda s: s["seq"])
        for before, after in zip(steps, steps[1:]):
            rest = datetime.fromisoformat(after["at"]) - datetime.fromisoformat(before["at"])
            if before["state"] == "sending" and rest.total_seconds() > run.stall_s:
                out["stalled"].append(f"{message}: {rest.total_seconds():.0f} s")


def judge_inbound(run, events, out):
    seen = Counter(body.get("text") for body in run.witness.inbound())
    flagged = {body.get("text") for body in run.witness.inbound() if body.get("same_as")}
    for _, _, text in run.injected:
        if not seen[text]:
            out["inbound_lost"].append(text)
        elif seen[text] > 1 and text not in flagged:
            out["inbound_twice"].append(text)
    senders = {text: sender for _, sender, text in run.injected}
    out["inbound_wrong"] = [body.get("text") for body in run.witness.inbound()
                            if senders.get(body.get("text")) != body.get("from")]
    out["deleted_unread"] = sum(1 for e in events if e["event"] == "deleted" and not e["read"])
    stats = run.modems.ctl("stats")["modems"]
    out["left_on_sims"] = sum(m["in_sm"] + m["in_me"] + m["waiting"] for m in stats)


def judge_log(run, out):
    seqs = sorted(run.witness.events)
    out["seq_gaps"] = [f"{a}..{b}" for a, b in zip([0] + seqs, seqs) if b != a + 1]
    out["refused"] = run.witness.refused()
    text = (run.work / "gateway.log").read_text(errors="replace")
    out["panics"] = text.count("panicked at")


def judge(run):
    """All findings of a run; a non-empty one of BROKEN is a broken promise."""
    events = run.modems.events()
    out = defaultdict(list, parts=0, extra={}, states=Counter())
    judge_outbound(run, events, out)
    judge_links(run, out)
    judge_reports(run, events, out)
    judge_pace(run, out)
    judge_inbound(run, events, out)
    judge_log(run, out)
    if not run.disturbs and out["extra"]:
        out["unexplained"] += list(out["extra"])
    if sum(out["extra"].values()) > run.most_extra():
        out["unexplained"].append(f"{sum(out['extra'].values())} extra submits after {run.gateway.kills} kills")
    out["problems"] = run.problems
    return out


BROKEN = ("strangers", "lost", "wrong", "unexplained", "undelivered", "stalled", "inbound_lost", "inbound_twice",
          "inbound_wrong", "deleted_unread", "left_on_sims", "seq_gaps", "refused", "panics", "problems")


def report(run, out, took_s, title="mosquitto_chaos"):
    ok = not any(out[k] for k in BROKEN)
    rows = [("messages asked", len(run.asked)), ("parts", out["parts"]),
            ("published again by mosquitto_pub", run.repeats), ("inbound injected", len(run.injected)),
            ("gateway killed -9", run.gateway.kills),
            ("broker restarted", run.broker.restarts), ("ambiguous messages", out["ambiguous"]),
            ("extra submits", sum(out["extra"].values())), ("events", len(run.witness.events)),
            ("events seen again (same seq)", run.witness.copies), ("final states", dict(out["states"])),
            ("seconds", round(took_s, 1))]
    for name, value in rows:
        print(f"  {name:36} {value}")
    for key in BROKEN:
        found = out[key]
        shown = found if not isinstance(found, list) else (f"{len(found)}: {found[:5]}" if found else 0)
        print(f"  {'ok  ' if not found else 'FAIL'} {key:31} {shown}")
    print(f"  again: {shlex.join([*sys.argv, '--seed', str(run.a.seed)])}")
    counts = {k: len(out[k]) if isinstance(out[k], list) else out[k] for k in BROKEN}
    print(json.dumps({"judge": title, "ok": ok, "seed": run.a.seed, "messages": len(run.asked),
                      "parts": out["parts"], "kills": run.gateway.kills, "broker_restarts": run.broker.restarts,
                      "ambiguous": out["ambiguous"], "extra": sum(out["extra"].values()), "copies": run.witness.copies,
                      "states": dict(out["states"]), "seconds": round(took_s, 1), **counts}))
    return ok


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    release, debug = ROOT / "target/release/gsmgate", ROOT / "target/debug/gsmgate"
    p.add_argument("--gateway", default=os.environ.get("GSMGATE_BIN") or str(release if release.exists() else debug))
    p.add_argument("--modemsim", default=os.environ.get("MODEMSIM") or shutil.which("modemsim"))
    p.add_argument("--chaos", action="store_true", help="five kills and three broker restarts, persistence on")
    p.add_argument("--seed", type=int, default=None, help="default: a new one, printed")
    p.add_argument("--messages", type=int, default=200)
    p.add_argument("--inbound", type=int, default=50)
    p.add_argument("--modems", type=int, default=2)
    p.add_argument("--latency-ms", type=int, default=200)
    p.add_argument("--kills", type=int, default=None)
    p.add_argument("--restarts", type=int, default=None)
    p.add_argument("--persistence", choices=("on", "off"), default="on")
    # An ambiguous part waits 120 s for its report before it is sent again, and may be met by a second kill.
    p.add_argument("--timeout", type=float, default=400, help="seconds to wait for everything to settle")
    p.add_argument("--keep", action="store_true", help="keep the work folder: configuration, logs, what MQTT carried")
    a = p.parse_args()
    a.seed = random.SystemRandom().randrange(10**6) if a.seed is None else a.seed
    a.kills = (5 if a.chaos else 0) if a.kills is None else a.kills
    a.restarts = (3 if a.chaos else 0) if a.restarts is None else a.restarts
    if a.restarts and a.persistence == "off":
        p.error("a broker that forgets its sessions loses what it has acknowledged: --restarts needs --persistence on")
    return a


def carry_out(run, title="mosquitto_chaos"):
    """The whole run, judged; its folder is kept when something is broken."""
    ok = False
    begin = time.monotonic()
    try:
        run.start()
        run.drive()
        run.gateway.stop()
        run.witness.poll()
        ok = report(run, judge(run), time.monotonic() - begin, title)
    except Failed as error:
        print(f"FAIL {error}")
    finally:
        run.stop()
        if ok and not run.a.keep:
            shutil.rmtree(run.work)
        else:
            print(f"kept: {run.work}")
    return ok


def unable(a):
    """The exit code where a run cannot be made; it is said why."""
    if not a.modemsim or not os.access(a.modemsim, os.X_OK):
        print(f"skipped: no modem simulator ({a.modemsim or 'MODEMSIM is not set'})")
        return 0
    missing = [tool for tool in ("mosquitto", "mosquitto_pub", "mosquitto_sub") if not shutil.which(tool)]
    if missing or not os.access(a.gateway, os.X_OK):
        print(f"missing: {', '.join(missing) or a.gateway}", file=sys.stderr)
        return 2
    return None


def main():
    a = arguments()
    code = unable(a)
    if code is not None:
        return code
    work = Path(tempfile.mkdtemp(prefix="gsmgate-judge-"))
    print(f"mosquitto_chaos: seed {a.seed}, {a.messages} messages, {a.inbound} inbound, "
          f"{a.modems} modems at {a.latency_ms} ms, {a.kills} kills, {a.restarts} broker restarts, "
          f"persistence {a.persistence}", flush=True)
    return 0 if carry_out(Run(a, work)) else 1


if __name__ == "__main__":
    sys.exit(main())
