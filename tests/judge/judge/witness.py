"""A subscriber with a session of its own: what the world saw over MQTT, in the order it came."""
import json
import subprocess
from collections import defaultdict
from typing import NamedTuple

from .broker import BASE


class Status(NamedTuple):
    seq: int
    state: str
    at: str
    duplicate_possible: bool


class Inbound(NamedTuple):
    sender: str
    text: str
    same_as: bool


class Witness:
    """Keeps little of each event: a day has a million of them."""

    def __init__(self):
        self.states, self.inbound, self.refused, self.modems = defaultdict(list), [], [], {}
        self.texts, self.changed, self.orphans = set(), set(), set()
        # Events are told apart by `seq`: all up to here were seen, and these beyond.
        self.upto, self.beyond, self.events, self.copies = 0, set(), 0, 0
        self.gateways = 0
        self.read, self.tail, self.process = 0, "", None

    def subscribe(self, port, work):
        self.path = work / "mqtt.jsonl"
        command = ["mosquitto_sub", "-V", "mqttv5", "-p", str(port), "-i", f"witness-{work.name}", "-c", "-x", "86400",
                   "-q", "1", "-t", f"{BASE}/#", "-T", f"{BASE}/send", "-F", "%j"]
        self.process = subprocess.Popen(command, stdout=open(self.path, "wb"), stderr=open(work / "witness.log", "wb"))
        return self

    def poll(self):
        """Takes in what is new."""
        with open(self.path, encoding="utf-8", errors="replace") as f:
            f.seek(self.read)
            chunk = f.read()
            self.read = f.tell()
        *lines, self.tail = (self.tail + chunk).split("\n")
        for line in lines:
            self.take(json.loads(line))

    def take(self, message):
        topic = message["topic"].removeprefix(BASE + "/")
        body = json.loads(message["payload"]) if message["payload"] else {}
        kind, _, name = topic.partition("/")
        if kind == "modem":
            self.modems[name] = body
        self.gateways += topic == "info"
        if topic == "send" or body.get("seq") is None:
            return
        if not self.is_new(body["seq"]):
            self.copies += 1
            return
        if kind == "status":
            flagged = bool(body.get("duplicate_possible"))
            self.states[name].append(Status(body["seq"], body["state"], body.get("at"), flagged))
            self.changed.add(name)
        elif kind == "inbound":
            self.inbound.append(Inbound(body.get("from"), body.get("text"), bool(body.get("same_as"))))
            self.texts.add(body.get("text"))
        elif body.get("event_type") == "orphan_report":
            self.orphans.add(body.get("recipient"))
        elif body.get("event_type") == "refused":
            self.refused.append(body)

    def is_new(self, seq):
        """A second copy is counted, not kept."""
        if seq <= self.upto or seq in self.beyond:
            return False
        self.events += 1
        self.beyond.add(seq)
        while self.upto + 1 in self.beyond:
            self.upto += 1
            self.beyond.remove(self.upto)
        return True

    def gaps(self):
        seqs = [self.upto, *sorted(self.beyond)]
        return [f"{a}..{b}" for a, b in zip(seqs, seqs[1:]) if b != a + 1]

    def last_state(self, message):
        history = self.states.get(message)
        return max(history).state if history else None

    def ready(self):
        """How many modems say that they are."""
        return sum(body.get("state") == "ready" for body in self.modems.values())

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
        self.poll()
