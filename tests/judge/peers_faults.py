#!/usr/bin/env python3
"""The same four faults on gsmgate, smstools and gammu-smsd, judged by the modem simulator's own log.

    make peers-faults                                   installs the two from Debian where they are missing; needs root
    tests/judge/peers_faults.py --only kill --kills 60  one fault, more of it

    final   the end of a submit is lost once, after the service centre has accepted it
    kill    kill -9 at a random moment of sending, and a new start
    full    the file system of the inbox is full while seven messages come in; later there is room again
    pin     the PIN in the configuration is wrong, with a restart in between

Every gateway has modems of its own and its default settings, in real time; the two others also with the settings of the bench
that make them fastest (tuned). gsmgate runs with on_uncertain hold and with resend, its default, and with both without reports:
then nothing but the modem's answer can tell it what became of a message. Needs what mosquitto_chaos.py needs, and the adapters of
the bench (BENCH). Writes proof/peers-faults.json; exit 1 where gsmgate breaks its promise.
"""
import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from datetime import date
from pathlib import Path

from judge import ROOT, wait_for
from judge.broker import BASE, Broker
from judge.command import unable
from judge.gateway import Gateway
from judge.modems import Modems
from judge.proof import commit
from judge.witness import Witness

BENCH = Path(os.environ.get("BENCH") or Path(os.environ.get("GSMGATE_SHARED", ROOT.parent / "shared")) / "bench")
PROOF = ROOT / "proof" / "peers-faults.json"
PACKAGES = ("smstools", "gammu-smsd")
POLICY = Path("/usr/sbin/policy-rc.d")
# gsmgate waits 180 s for an end and then 120 s for a late one.
FINAL_S = 420
DRAIN_S = 400
# The others look every 10 to 30 s, gsmgate looks through the memories each minute.
FULL_S, FREED_S = 100, 150
PIN_S = 60
WRONG, RIGHT = "9999", "4321"
# The store of gsmgate needs 17 MiB before it has received anything.
INBOX_MIB = 64
OURS = ("hold", "hold, no report", "resend", "resend, no report")


class Ours:
    """gsmgate, with its broker and a subscriber."""
    name = "gsmgate"

    def __init__(self, a, work, ttys, variant, pin=None, inbox=None):
        self.variant, self.work, self.sent = variant, work, {}
        more = ""
        if pin:
            (work / "pin").write_text(pin)
            more = f'pin_file = "{work}/pin"\n'
        if inbox:
            (work / "state").symlink_to(inbox)
        self.broker = Broker(work, True)
        self.witness = Witness().subscribe(self.broker.port, work)
        self.gateway = Gateway(a.gateway, work, ttys, self.broker.port, more)

    def enqueue(self, messages):
        for number, text in messages:
            body = {"id": text.split()[0], "to": number, "text": text, "report": "no report" not in self.variant,
                    "on_uncertain": self.variant.partition(",")[0]}
            self.sent[text] = body["id"]
            subprocess.run(["mosquitto_pub", "-p", str(self.broker.port), "-t", f"{BASE}/send", "-q", "1", "-m",
                            json.dumps(body)], check=True, timeout=30)

    def kill(self):
        self.gateway.process.kill()
        self.gateway.process.wait()

    def start(self):
        self.gateway.start()

    def told(self, text):
        """The last state, and whether it was flagged."""
        self.witness.poll()
        history = self.witness.states.get(self.sent[text], [])
        state = self.witness.last_state(self.sent[text])
        return f"{state}, flagged" if any(s.duplicate_possible for s in history) else str(state)

    def inbox(self):
        self.witness.poll()
        return {inbound.text for inbound in self.witness.inbound}

    def stop(self):
        self.gateway.stop()
        self.witness.stop()
        self.broker.stop()


class Peer:
    """smstools or gammu-smsd, by the bench's adapter."""

    def __init__(self, a, work, ttys, variant, pin=None, inbox=None):
        from adapters import ADAPTERS
        self.variant = variant
        self.adapter = ADAPTERS[self.adapter_name](work / "gw", ttys, variant)
        (work / "gw").mkdir()
        self.adapter.setup()
        self.configure(ttys, pin, inbox)
        self.adapter.start()

    def enqueue(self, messages):
        self.adapter.enqueue(messages)

    def kill(self):
        for pid in self.adapter.pids():
            os.kill(pid, 9)
        for process in self.adapter.procs:
            process.wait()
        self.adapter.procs.clear()

    def start(self):
        self.adapter.start()

    def files(self, pattern):
        """Texts of files, as either of them writes texts."""
        for path in self.adapter.work.glob(pattern):
            if path.is_file():
                raw = path.read_bytes()
                yield path, raw.decode("utf-8", "replace") + raw.replace(b"\0", b"").decode("latin-1")

    def told(self, text):
        found = [path.relative_to(self.adapter.work).parts[:-1] for path, octets in self.files("**/*") if text in octets]
        words = {word for parts in found for word in parts} & {"sent", "failed", "error", "outgoing", "checked", "outbox"}
        return " and ".join(sorted(words)) or "nothing"

    def inbox(self):
        kept = "".join(octets for path, octets in self.files("**/*") if "log" not in path.name)
        return set(re.findall(r"full-\d+ [a-z ]+", kept))

    def stop(self):
        self.adapter.stop()


class Smstools(Peer):
    name, adapter_name = "smstools", "smstools"

    def configure(self, ttys, pin, inbox):
        conf = self.adapter.work / "smsd.conf"
        text = conf.read_text()
        for tty in ttys if pin else ():
            text = text.replace(f"device = {tty}\n", f"device = {tty}\npin = {pin}\n")
        conf.write_text(text)
        if inbox:
            (self.adapter.work / "incoming").rmdir()
            (self.adapter.work / "incoming").symlink_to(inbox)


class Gammu(Peer):
    name, adapter_name = "gammu-smsd", "gammu"

    def configure(self, ttys, pin, inbox):
        for n in range(len(ttys)):
            folder = self.adapter.work / f"g{n}"
            if pin:
                rc = folder / "rc"
                rc.write_text(rc.read_text().replace("[smsd]\n", f"[smsd]\nPIN = {pin}\n"))
            if inbox:
                (folder / "inbox").rmdir()
                (folder / "inbox").symlink_to(inbox)


class Trial:
    """One fault on one gateway, with modems of its own."""

    def __init__(self, a, make, variant, fault):
        self.a, self.make, self.variant, self.fault = a, make, variant, fault
        self.rng = random.Random(f"{a.seed} {fault} {make.name} {variant}")
        self.row, self.error = {"fault": fault, "gateway": make.name, "variant": variant}, None

    def run(self):
        work = Path(tempfile.mkdtemp(prefix=f"gsmgate-peers-{self.fault}-"))
        self.work, self.modems, self.gateway, self.mount = work, None, None, None
        begin = time.monotonic()
        try:
            FAULTS[self.fault](self)
        except Exception as error:
            self.error = f"{error!r}; see {work}"
        finally:
            for part in (self.gateway, self.modems):
                if part:
                    part.stop()
            if self.mount:
                subprocess.run(["umount", str(self.mount)], check=True)
        self.row["seconds"] = round(time.monotonic() - begin)
        if not self.error and not self.a.keep:
            shutil.rmtree(work)
        print(f"  {self.error or self.row}", flush=True)

    def begin(self, count, latency_ms, *more, **how):
        self.modems = Modems(self.a.modemsim, self.work, count, latency_ms, self.a.seed, ["--trace", *more])
        self.gateway = self.make(self.a, self.work, self.modems.ttys, self.variant, **how)

    def messages(self, count, first=0):
        return [(f"+4915170{1000 + n}", f"{self.fault}-{n:03} a message of ours") for n in range(first, first + count)]

    def accepted(self):
        """How often the service centre took each text."""
        return Counter(e["text"] for e in self.modems.events() if e["event"] == "submit" and e["ok"])

    def commands(self, name):
        return sum(m["hist"].get(name, 0) for m in self.modems.ctl("hist")["modems"])


def final_lost(trial):
    """The first submit of each modem is accepted, and the modem says nothing until its end would have been said."""
    n = trial.a.finals
    trial.begin(n, 3000)
    asked = trial.messages(n)
    wait_ready(trial)
    trial.gateway.enqueue(asked)
    lost, hung, end = set(), set(), time.monotonic() + FINAL_S
    while time.monotonic() < end:
        for modem in trial.modems.ctl("stats")["modems"]:
            number = modem["modem"]
            if number not in lost | hung and modem["first_submit_cmd_ns"]:
                trial.modems.ctl(f"hang {number}")
                hung.add(number)
            elif number in hung and modem["submits"]:
                trial.modems.ctl(f"unhang {number}")
                hung.remove(number)
                lost.add(number)
        time.sleep(0.02 if len(lost) < n else 1)
    taken = trial.accepted()
    trial.row.update(trials=len(lost), messages=n, lost=sum(not taken[text] for _, text in asked),
                     twice=sum(taken[text] > 1 for _, text in asked), extra=sum(taken.values()) - len(taken),
                     told=dict(Counter(trial.gateway.told(text) for _, text in asked)))
    silent(trial, asked, taken)


def silent(trial, asked, taken):
    """Extra submits of messages of which the gateway does not say that they may arrive twice."""
    trial.row["silent"] = sum(taken[text] - 1 for _, text in asked
                              if taken[text] > 1 and not trial.gateway.told(text).endswith("flagged"))


def wait_ready(trial):
    """Until every modem has been told something about its memories, which all of them do last."""
    seen = lambda m: any(k.startswith(("AT+CPMS", "AT+CMMS", "AT+CNMI")) for k in m["hist"])
    wait_for("modems that are used", 60, lambda: all(map(seen, trial.modems.ctl("hist")["modems"])))
    time.sleep(1)


def killed(trial):
    """Always some messages wait; a new start sends before it is killed in its turn."""
    trial.begin(1, 700)
    asked, kills = [], []
    wait_ready(trial)
    while len(kills) < trial.a.kills:
        before = trial.commands("AT+CMGS=")
        while trial.commands("AT+CMGS=") == before:
            feed(trial, asked)
        until = time.monotonic() + trial.rng.uniform(0, 4)
        while time.monotonic() < until:
            feed(trial, asked)
        kills.append(time.time_ns())
        trial.gateway.kill()
        trial.gateway.start()
    end = time.monotonic() + DRAIN_S
    while time.monotonic() < end and not settled(trial, asked):
        time.sleep(1)
    # What is to go out again does so within the poll of any of them.
    time.sleep(40)
    taken = trial.accepted()
    submits = [e for e in trial.modems.events() if e["event"] == "submit"]
    told = {text: trial.gateway.told(text) for _, text in asked}
    missing = [text for _, text in asked if not taken[text]]
    unknown = [text for text in missing if told[text].startswith("unknown")]
    trial.row.update(kills=len(kills), messages=len(asked), lost=len(missing) - len(unknown), unknown=len(unknown),
                     in_the_air=sum(any(e["cmd_ns"] < kill < e["ts_ns"] for e in submits) for kill in kills),
                     extra=sum(taken.values()) - len(taken), told=dict(Counter(told.values())))
    silent(trial, asked, taken)


def settled(trial, asked):
    taken = trial.accepted()
    ended = lambda text: trial.gateway.told(text).startswith(("sent", "delivered", "unknown", "failed", "error"))
    return all((taken[text] or ended(text)) and (trial.make is not Ours or ended(text)) for _, text in asked)


def feed(trial, asked):
    if len(asked) - len(trial.accepted()) < 5:
        more = trial.messages(5, len(asked))
        trial.gateway.enqueue(more)
        asked += more
    time.sleep(0.05)


def inbox_full(trial):
    trial.mount = trial.work / "small"
    trial.mount.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={INBOX_MIB}m", "gsmgate-peers", str(trial.mount)], check=True)
    inbox = trial.mount / "inbox"
    inbox.mkdir()
    trial.begin(1, 100, inbox=inbox)
    wait_ready(trial)
    # Past the first look at the memories.
    time.sleep(15)
    fill(trial.mount / "filler")
    texts = [f"full-{n} came while it was full" for n in range(7)]
    for n, text in enumerate(texts):
        trial.modems.ctl(f"inject 0 +4917199{n:05} {text}")
    time.sleep(FULL_S)
    gone = {e["id"] for e in trial.modems.events() if e["event"] in ("deleted", "acked")}
    stats = trial.modems.ctl("stats")["modems"][0]
    left = stats["in_sm"] + stats["in_me"] + stats["waiting"]
    (trial.mount / "filler").unlink()
    end = time.monotonic() + FREED_S
    while time.monotonic() < end and not set(texts) <= trial.gateway.inbox():
        time.sleep(1)
    kept = set(texts) & trial.gateway.inbox()
    trial.row.update(messages=len(texts), on_the_sim_while_full=left, deleted_while_full=len(gone), kept=len(kept),
                     lost=len(texts) - len(kept))


def fill(path):
    """To the last octet."""
    with open(path, "wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                pass


def pin_wrong(trial):
    # With the make that the simulator plays otherwise gammu-smsd gives up before it comes to the PIN.
    trial.begin(1, 100, "--pin", RIGHT, "--profile", "generic", pin=WRONG)
    time.sleep(PIN_S)
    first = trial.commands("AT+CPIN=")
    trial.gateway.kill()
    trial.gateway.start()
    time.sleep(PIN_S)
    trial.row.update(seconds_each=PIN_S, tries=first, tries_after_restart=trial.commands("AT+CPIN=") - first)


FAULTS = {"final": final_lost, "kill": killed, "full": inbox_full, "pin": pin_wrong}


def trials(a):
    """Every fault on every gateway; which settings matter for it."""
    for fault in a.only:
        resend = OURS if fault in ("final", "kill") else ("resend",)
        yield from (Trial(a, Ours, variant, fault) for variant in resend)
        for make in (Smstools, Gammu):
            yield Trial(a, make, "default", fault)
        if fault == "kill":
            yield Trial(a, Smstools, "tuned-max", fault)
            yield Trial(a, Gammu, "tuned1", fault)


def broken(row):
    """What gsmgate promises otherwise."""
    if row["gateway"] != "gsmgate":
        return []
    found = [what for what in ("lost", "silent") if row.get(what)]
    found += ["twice under hold"] if row["variant"].startswith("hold") and row.get("extra") else []
    found += ["deleted while full"] if row.get("deleted_while_full") else []
    tries = row.get("tries", 1) != 1 or row.get("tries_after_restart", 0) != 0
    found += ["more than one lost end, more than one extra"] if row.get("extra", 0) > row.get("trials", 10**9) else []
    return found + (["tries of the PIN"] if tries else [])


def versions(a):
    asked = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${Version}\n", *PACKAGES], capture_output=True, text=True)
    ours = subprocess.run([a.gateway, "--version"], capture_output=True, text=True).stdout.strip()
    return [ours, *asked.stdout.split("\n")[:-1]]


def install():
    """From Debian, without their services: a policy that forbids to start any, unless there is one."""
    if all(shutil.which(tool) for tool in ("smsd", "gammu-smsd")):
        return
    is_ours = not POLICY.exists()
    if is_ours:
        POLICY.write_text("#!/bin/sh\nexit 101\n")
        POLICY.chmod(0o755)
    try:
        quiet = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
        subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *PACKAGES], env=quiet, check=True)
    finally:
        if is_ours:
            POLICY.unlink()


def table(rows):
    """The rows for docs/guarantees.md."""
    for row in rows:
        name = f"{row['gateway']} ({row['variant']})"
        rest = ", ".join(f"{key} {value}" for key, value in row.items() if key not in ("fault", "gateway", "variant"))
        print(f"| {row['fault']} | {name} | {rest} |")


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--gateway", default=os.environ.get("GSMGATE_BIN") or str(ROOT / "target/release/gsmgate"))
    p.add_argument("--modemsim", default=os.environ.get("MODEMSIM") or shutil.which("modemsim"))
    p.add_argument("--only", choices=tuple(FAULTS), nargs="+", default=list(FAULTS))
    p.add_argument("--kills", type=int, default=40)
    p.add_argument("--finals", type=int, default=8, help="modems, and so ends that are lost")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--proof", type=Path, default=PROOF)
    p.add_argument("--keep", action="store_true")
    return p.parse_args()


def main():
    a = arguments()
    cannot = unable(a)
    if cannot is not None:
        return cannot
    if os.geteuid() != 0:
        print("this needs root: apt-get for smstools and gammu-smsd, mount for the small file system", file=sys.stderr)
        return 2
    if not (BENCH / "adapters").is_dir():
        print(f"skipped: no adapters in {BENCH}")
        return 0
    # The bench's folder is not ours to write to.
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(BENCH))
    install()
    begin, all_trials = time.monotonic(), list(trials(a))
    print(f"peers_faults: seed {a.seed}, {len(all_trials)} trials at once", flush=True)
    threads = [threading.Thread(target=trial.run) for trial in all_trials]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows = [trial.row for trial in all_trials]
    bad = {f"{r['fault']} {r['variant']}": broken(r) for r in rows if broken(r)}
    errors = [trial.error for trial in all_trials if trial.error]
    proof = {"commit": commit(), "seed": a.seed, "date": date.today().isoformat(), "versions": versions(a),
             "seconds": round(time.monotonic() - begin), "rows": rows, "broken": bad, "errors": errors}
    a.proof.parent.mkdir(exist_ok=True)
    a.proof.write_text(json.dumps(proof, indent=1) + "\n")
    table(rows)
    for line in [*bad.items(), *errors]:
        print(f"  FAIL {line}")
    return 1 if bad or errors else 0


if __name__ == "__main__":
    sys.exit(main())
