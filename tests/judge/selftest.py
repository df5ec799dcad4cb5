#!/usr/bin/env python3
"""The judge must be able to fail: a run as it should be passes, and each sabotage of it is found.

    python3 tests/judge/selftest.py
"""
import argparse
import copy
import json
import tempfile
import unittest
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace

import million
import mosquitto_chaos as judge
import peers_faults
import wear


def submit(message, seq, text, ref):
    udh = {"ref": ref, "parts": message["parts"], "seq": seq} if message["parts"] > 1 else None
    return {"event": "submit", "ok": True, "modem": 0, "da": message["to"], "udh": udh, "text": text}


class Story:
    """A run in which everything went well, as events of the modems and of MQTT that a test can spoil."""

    def __init__(self, kills=0):
        arguments = argparse.Namespace(seed=1, messages=12, inbound=4, modems=2, latency_ms=200, kills=kills,
                                       restarts=0)
        self.folder = tempfile.TemporaryDirectory()
        self.work = Path(self.folder.name)
        (self.work / "gateway.log").write_text("")
        self.run = judge.Run(arguments, self.work)
        self.modem_events, self.mqtt = [], []
        for ref, message in enumerate(self.run.asked):
            self.send(message, ref)
            for state in ("queued", "sending", "sent", "delivered"):
                self.status(message["id"], state)
        for number, (_, sender, text) in enumerate(self.run.injected):
            self.modem_events.append({"event": "deleted", "id": 1000 + number, "read": True})
            self.say("inbound/sim", {"event_type": "received", "from": sender, "text": text})

    def send(self, message, ref):
        third = -(-len(message["text"]) // message["parts"])
        for seq in range(message["parts"]):
            self.modem_events.append(submit(message, seq + 1, message["text"][third * seq:third * (seq + 1)], ref))
            report = len(self.modem_events)
            self.modem_events += [{"event": "dlr", "id": report, "da": message["to"]},
                                  {"event": "routed", "id": report}]

    def status(self, message, state, **more):
        self.say(f"status/{message}", {"event_type": "status", "id": message, "state": state, **more})

    def say(self, topic, body):
        second = len(self.mqtt)
        at = f"2026-01-01T00:{second // 60:02}:{second % 60:02}.000Z"
        self.mqtt.append((topic, {"seq": len(self.mqtt) + 1, "at": at, **body}))

    def verdict(self):
        """The broken promises that the judge finds."""
        witness = judge.Witness.__new__(judge.Witness)
        witness.states, witness.events, witness.copies, witness.modem_states = defaultdict(list), {}, 0, {}
        for topic, body in self.mqtt:
            witness.take({"topic": f"{judge.BASE}/{topic}", "payload": json.dumps(body)})
        self.run.witness = witness
        self.run.gateway = SimpleNamespace(kills=self.run.a.kills)
        left = getattr(self, "left", 0)
        self.run.modems = SimpleNamespace(events=lambda: copy.deepcopy(self.modem_events),
                                          ctl=lambda _: {"modems": [{"in_sm": left, "in_me": 0, "waiting": 0}]})
        findings = judge.judge(self.run)
        return {key for key in judge.BROKEN if findings[key]}

    def first(self, parts):
        return next(m for m in self.run.asked if m["parts"] == parts)

    def submits(self, message):
        return [e for e in self.modem_events if e["event"] == "submit" and e["da"] == message["to"]]


class TheJudge(unittest.TestCase):
    def test_passes_a_run_without_fault(self):
        self.assertEqual(Story().verdict(), set())

    def test_does_not_mind_copies_with_the_same_seq(self):
        story = Story()
        story.mqtt += story.mqtt[3:9]
        self.assertEqual(story.verdict(), set())

    def test_finds_a_lost_message(self):
        story = Story()
        gone = story.submits(story.first(1))
        story.modem_events = [e for e in story.modem_events if e not in gone]
        self.assertEqual(story.verdict(), {"lost"})

    def test_finds_a_lost_part(self):
        story = Story()
        story.modem_events.remove(story.submits(story.first(3))[1])
        self.assertEqual(story.verdict(), {"lost"})

    def test_finds_a_wrong_text(self):
        story = Story()
        story.submits(story.first(1))[0]["text"] += "!"
        self.assertEqual(story.verdict(), {"wrong"})

    def test_finds_a_stranger(self):
        story = Story()
        story.modem_events.append(submit({"to": "+4900", "parts": 1}, 1, "hello", 1))
        self.assertEqual(story.verdict(), {"strangers"})

    def test_finds_an_extra_submit_that_nobody_explains(self):
        story = Story(kills=1)
        story.modem_events.append(story.submits(story.first(1))[0])
        self.assertEqual(story.verdict(), {"unexplained"})

    def test_accepts_an_extra_submit_that_is_explained(self):
        story = Story(kills=1)
        message = story.first(1)
        story.modem_events.append(story.submits(message)[0])
        story.status(message["id"], "uncertain")
        story.status(message["id"], "delivered", duplicate_possible=True)
        self.assertEqual(story.verdict(), set())

    def test_does_not_accept_it_without_a_fault(self):
        story = Story()
        message = story.first(1)
        story.modem_events.append(story.submits(message)[0])
        story.status(message["id"], "uncertain")
        story.status(message["id"], "delivered", duplicate_possible=True)
        self.assertEqual(story.verdict(), {"unexplained"})

    def test_finds_more_extra_submits_than_faults_can_explain(self):
        story = Story(kills=1)
        for message in [m for m in story.run.asked if m["parts"] == 1][:3]:
            story.modem_events.append(story.submits(message)[0])
            story.status(message["id"], "uncertain")
            story.status(message["id"], "delivered", duplicate_possible=True)
        self.assertEqual(story.verdict(), {"unexplained"})

    def test_finds_a_report_that_was_not_believed(self):
        story = Story(kills=1)
        story.status(story.first(1)["id"], "unknown")
        self.assertEqual(story.verdict(), {"undelivered"})

    def test_does_not_ask_for_a_report_that_the_modem_kept(self):
        story = Story(kills=1)
        message = story.first(1)
        report = next(e["id"] for e in story.modem_events if e["event"] == "dlr" and e["da"] == message["to"])
        story.modem_events = [e for e in story.modem_events if (e["event"], e.get("id")) != ("routed", report)]
        story.status(message["id"], "sent")
        self.assertEqual(story.verdict(), set())

    def test_finds_a_message_that_lay_still(self):
        story = Story()
        sending = next(body for topic, body in story.mqtt if body.get("state") == "sending")
        sending["at"] = "2025-12-31T23:59:00.000Z"
        self.assertEqual(story.verdict(), {"stalled"})

    def test_finds_inbound_that_is_lost_twice_or_wrong(self):
        story = Story()
        topic, body = story.mqtt.pop()
        self.assertEqual(story.verdict(), {"inbound_lost"})
        story.say(topic, body | {"seq": len(story.mqtt) + 1})
        story.say(topic, body | {"seq": len(story.mqtt) + 1})
        self.assertEqual(story.verdict(), {"inbound_twice"})
        story.mqtt[-1][1]["from"] = "+1"
        self.assertEqual(story.verdict(), {"inbound_twice", "inbound_wrong"})

    def test_finds_what_was_deleted_unread_or_left(self):
        story = Story()
        story.modem_events.append({"event": "deleted", "id": 1, "read": False})
        story.left = 1
        self.assertEqual(story.verdict(), {"deleted_unread", "left_on_sims"})

    def test_finds_a_gap_a_refusal_and_a_panic(self):
        story = Story()
        story.mqtt[-1][1]["seq"] += 1
        story.say("event", {"event_type": "refused", "seq": len(story.mqtt) + 2})
        (story.work / "gateway.log").write_text("thread 'x' panicked at y")
        self.assertEqual(story.verdict(), {"seq_gaps", "refused", "panics"})


class Figures(unittest.TestCase):
    def test_counts_calls_that_another_thread_comes_between(self):
        trace = """7 1.5 pwrite64(3</s/state/gsmgate.db-wal>, ""..., 1024, 0) = 1024
7 1.6 fsync(3</s/state/gsmgate.db-wal> <unfinished ...>
8 1.7 write(4<anon_inode:[eventfd]>, ""..., 8) = 8
7 1.8 <... fsync resumed>) = 0
7 1.9 pwrite64(3</s/state/gsmgate.db-wal>, ""..., 1024, 0) = -1 ENOSPC (No space left on device)
"""
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(trace)
            file.flush()
            calls = list(wear.calls(file.name, "/s/state"))
        self.assertEqual([(at, what, octets) for at, what, _, octets in calls], [(1.5, "pwrite64", 1024), (1.6, "fsync", 0)])

    def test_finds_what_is_beyond_its_bar(self):
        self.assertEqual(wear.missed({"lone syncs": 4, "accepts/s": 1000}), [])
        self.assertEqual(len(wear.missed({"lone syncs": 4.1, "accepts/s": 999})), 2)
        row = {"how": "cached", "api_s": 2.0, "first_cmgs_s": 5.0, "rss_mib": 64}
        self.assertEqual(million.missed([row], {"p99_ratio": {"claim": 2.0}, "beside": 1000}), [])
        worse = row | {"api_s": 2.1, "rss_mib": 65}
        self.assertEqual(len(million.missed([worse], {"p99_ratio": {"claim": 2.1}, "beside": 1000})), 3)

    def test_finds_a_promise_that_a_fault_broke(self):
        ours = {"gateway": "gsmgate", "variant": "hold", "lost": 0, "silent": 0, "extra": 0}
        self.assertEqual(peers_faults.broken(ours), [])
        for spoilt in ({"lost": 1}, {"silent": 1}, {"extra": 1}, {"tries": 2}, {"tries": 1, "tries_after_restart": 1},
                       {"deleted_while_full": 1}):
            self.assertTrue(peers_faults.broken(ours | spoilt), spoilt)
        self.assertEqual(peers_faults.broken(ours | {"gateway": "smstools", "lost": 7}), [])


if __name__ == "__main__":
    unittest.main()
