"""One run: everybody who takes part, what was asked of the gateway, and the verdict at the end."""
import argparse
import random
import shutil
import tempfile
import threading
import time
import traceback
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from . import Failed, wait_for
from .broker import Broker, publish
from .gateway import Gateway
from .modems import ACK_S, Modems
from .texts import GSM7_SAMPLE, UCS2_SAMPLE, Message
from .verdict import ENDS, judge
from .witness import Witness

READY_S = 60


class Run:
    """A plain one; the commands add what happens meanwhile."""

    # Whether something happens that may leave a modem's answer unknown.
    disturbs = True
    # A message of which a part is through goes on at once; only an uncertain one waits for evidence.
    stall_s = 10**9
    # What has no report yet is waited for so long with no news of anything.
    quiet_s = ACK_S + 3
    settle_s = 120
    speed = 1
    # The centre's clock, which is the world's, falls behind ours by minutes within seconds: a report that only its time can
    # tell the message of is an orphan then, and published as one.
    clock_drifts = False
    # What the simulator, each [[modem]], the configuration and Mosquitto's say beside the usual.
    simulator, each_modem, more_config, env = (), "", "", ()
    broker_config = ""

    def __init__(self, a, work):
        self.a, self.work, self.rng = a, work, random.Random(a.seed)
        self.asked, self.injected, self.problems = [], [], []
        self.known, self.unsent, self.unproved = {}, set(), set()
        self.published = self.repeats = 0
        self.polling, self.seen, self.seen_at = threading.Lock(), 0, time.monotonic()
        # Nothing more is asked for.
        self.over = threading.Event()

    def most_extra(self):
        """How many submits the faults can explain. Each is to be told of all the same."""
        return 10**9

    def start(self):
        self.broker = Broker(self.work, more=self.broker_config)
        self.modems = Modems(self.a.modemsim, self.work, self.a.modems, self.a.latency_ms, self.a.seed, self.simulator)
        self.witness = Witness().subscribe(self.broker.port, self.work)
        self.gateway = Gateway(self.a.gateway, self.work, self.modems.ttys, self.broker.port, self.each_modem,
                               self.more_config, self.speed, self.env)
        wait_for("all modems ready", READY_S, self.is_ready)

    def is_ready(self):
        if self.gateway.has_ended():
            raise Failed(f"the gateway ended with {self.gateway.process.returncode}: see gateway.log")
        self.poll()
        return self.witness.ready() == self.a.modems

    def tries(self):
        """The gateway's own account of repeats; None where it cannot tell of all."""
        return self.gateway.tries()

    # What the world asks of it.

    def publish(self, messages):
        self.ask(*messages)
        self.repeats += publish(self.broker.port, messages)
        self.published += len(messages)

    def ask(self, *messages):
        """They are expected from here on."""
        with self.polling:
            self.asked += messages
            self.known.update({m.id: m for m in messages})
            self.unsent.update(m.id for m in messages)

    def keep_busy(self, waiting, chunk, make):
        """Commands as fast as they are carried out, so that so many wait, until it is over; `make(i)` makes the i-th."""
        n = 0
        while not self.over.is_set():
            self.poll()
            if len(self.unsent) >= waiting:
                time.sleep(0.05)
                continue
            self.publish([make(n + i) for i in range(chunk)])
            n += chunk

    def inject(self, modem, sender, text):
        self.injected.append((modem, sender, text))
        self.modems.ctl(f"inject {modem} {sender} {text}")

    def inject_next(self):
        """The next text, each from a sender of its own, to the modems in turn."""
        n = len(self.injected)
        self.inject(n % self.a.modems, f"+49171{8000000 + n}", f"in-{n:05} {self.rng.choice((UCS2_SAMPLE, GSM7_SAMPLE))}")

    # How far it is.

    def poll(self):
        with self.polling:
            self.witness.poll()
            changed, self.witness.changed = self.witness.changed, set()
            for name in changed & self.known.keys():
                message, state = self.known[name], self.witness.last_state(name)
                final = state == "delivered" or state == "sent" and not message.report or state == "unknown" and message.hold
                for ids, is_in in ((self.unsent, state not in ENDS), (self.unproved, state in ENDS and not final)):
                    (ids.add if is_in else ids.discard)(name)
            if self.witness.events != self.seen:
                self.seen, self.seen_at = self.witness.events, time.monotonic()

    def is_settled(self):
        if self.gateway.has_ended():
            raise Failed(f"the gateway ended by itself with {self.gateway.process.returncode}")
        self.poll()
        if self.unsent or any(text not in self.witness.texts for _, _, text in self.injected):
            return False
        # A modem that began anew has no report for what went out before.
        return not self.unproved or time.monotonic() - self.seen_at > self.quiet_s

    def settle(self):
        """The faults are over: everything comes to its end, as far as it can. What did not the judge finds."""
        end = time.monotonic() + self.settle_s
        while not self.is_settled() and time.monotonic() < end:
            time.sleep(0.1)

    def fresh(self):
        """A fresh message passes (I-32)."""
        self.publish([Message("fresh", "+4915199999999", "fresh")])

        def delivered():
            self.poll()
            return self.gateway.has_ended() or self.witness.last_state("fresh") == "delivered"
        wait_for("a fresh message", self.settle_s, delivered, 0.1)

    # From the beginning to the end.

    def drive(self):
        """Everything at once."""
        self.together(self.publisher, self.injector, self.faults)

    def together(self, *parts):
        threads = [threading.Thread(target=self.guard, args=(part,)) for part in parts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def guard(self, part):
        try:
            part()
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            self.problems.append(f"{part.__name__}: {error!r} at {where.filename}:{where.lineno}")

    def live(self):
        """The findings."""
        self.start()
        self.drive()
        if not self.gateway.has_ended():
            self.settle()
            self.fresh()
        if (code := self.gateway.stop()) != 0:
            self.problems.append(f"the gateway ended SIGTERM with {code}")
        # What it said last is on its way.
        time.sleep(0.2)
        self.poll()
        return judge(self)

    def counts(self):
        return {"messages": len(self.asked), "held": sum(m.hold for m in self.asked), "inbound": len(self.injected),
                "kills": self.gateway.kills, "broker_restarts": self.broker.restarts, "events": self.witness.events,
                "copies": self.witness.copies, "published_again": self.repeats}

    def stop(self):
        """In an order in which nobody misses anything. Safe when start() failed half way."""
        for part in ("gateway", "witness", "modems", "broker"):
            if hasattr(self, part):
                getattr(self, part).stop()


def by_workers(a, proof, whole, one_round):
    """`whole` of `a` (kills, restarts) shared out to workers, each with a world and a seed of its own; what an earlier run
    did is left out. Results as they come."""
    def share(number):
        mine = argparse.Namespace(**vars(a))
        mine.seed = a.seed * 1000 + number
        setattr(mine, whole, getattr(a, whole) // a.workers + (number < getattr(a, whole) % a.workers))
        return mine

    left = [number for number in range(min(a.workers, getattr(a, whole))) if not proof.has(number)]
    with ProcessPoolExecutor(a.workers) as pool:
        for future in as_completed([pool.submit(one_round, share(number), number) for number in left]):
            result = future.result()
            print(f"  worker {result['name']}: {'ok' if result['ok'] else 'FAIL'}, {result['seconds']} s", flush=True)
            yield result


def folder(what):
    return Path(tempfile.mkdtemp(prefix=f"gsmgate-{what}-"))


def carry_out(run, name):
    """The result of a run, for the proof; its folder is kept when something is broken."""
    begin, result = time.monotonic(), {"name": name, "ok": False, "seed": run.a.seed}
    try:
        findings = run.live()
        result |= run.counts() | findings.counts() | {"ok": not findings.broken()}
        for promise, found in findings.broken().items():
            print(f"  FAIL {promise}: {len(found)}: {'; '.join(map(str, found[:5]))}")
    except Failed as error:
        print(f"  FAIL {error}; {run.problems}")
        result["failed"] = str(error)
    finally:
        run.stop()
        if result["ok"] and not run.a.keep:
            shutil.rmtree(run.work)
        else:
            print(f"  kept: {run.work}", flush=True)
    return result | {"seconds": round(time.monotonic() - begin, 1)}
