#!/usr/bin/env python3
"""The judge must be able to fail: a run as it should be passes, and each sabotage of it is found and named.

    python3 tests/judge/selftest.py
"""
import json
import random
import sys
import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace

import million
import peers_faults
import recovery
import soak
import wear
from judge import picture, texts
from judge.broker import BASE
from judge.gateway import Gateway
from judge.proof import Proof
from judge.verdict import PROMISES, judge
from judge.witness import Witness


class Story:
    """A run in which everything went well, as events of the modems and of MQTT that a test can spoil."""

    def __init__(self, disturbs=False, most_extra=1):
        rng = random.Random(1)
        self.asked = [texts.message(rng, i) for i in range(12)]
        self.injected = [(0, f"+4917180000{i}", f"in-{i}") for i in range(4)]
        self.disturbs, self.extra_at_most, self.known_tries = disturbs, most_extra, {}
        self.modem_events, self.mqtt, self.left, self.panics, self.told, self.problems = [], [], 0, 0, [], []
        self.clock_drifts = False
        for ref, message in enumerate(self.asked):
            self.send(message, ref)
            for state in ("queued", "sending", "sent", "delivered"):
                self.status(message, state)
        for number, (_, sender, text) in enumerate(self.injected):
            self.modem_events.append({"event": "deleted", "id": 1000 + number, "read": True})
            self.say("inbound/sim", {"event_type": "received", "from": sender, "text": text})

    def send(self, message, ref, modem=0, report=True):
        size = -(-len(message.text) // message.parts)
        for seq in range(message.parts):
            mr = len(self.modem_events)
            udh = {"ref": ref, "parts": message.parts, "seq": seq + 1} if message.parts > 1 else None
            self.modem_events.append({"event": "submit", "ok": True, "modem": modem, "da": message.to, "udh": udh, "mr": mr,
                                      "text": message.text[size * seq:size * (seq + 1)]})
            if report:
                self.modem_events += [{"event": "dlr", "id": mr, "modem": modem, "da": message.to, "text": f"mr {mr}"},
                                      {"event": "routed", "id": mr}]

    def again(self, message, told=True, doubts=1, repeats=1):
        """One more submit of its first part, with what the gateway tells of it."""
        first = self.submits(message)[0]
        self.modem_events.append({**first, "mr": len(self.modem_events)})
        if told:
            self.status(message, "uncertain")
            self.status(message, "delivered", duplicate_possible=True)
        self.known_tries[message.id] = (doubts, repeats)

    def status(self, message, state, **more):
        self.say(f"status/{message.id}", {"event_type": "status", "id": message.id, "state": state, **more})

    def say(self, topic, body):
        second = len(self.mqtt)
        at = f"2026-01-01T00:{second // 60:02}:{second % 60:02}.000Z"
        self.mqtt.append((topic, {"seq": len(self.mqtt) + 1, "at": at, **body}))

    def ends_as(self, message, state):
        """Its last state, which was `delivered`."""
        next(body for topic, body in self.mqtt if topic == f"status/{message.id}" and body["state"] == "delivered")["state"] = state

    def without_reports(self, message, kinds=("routed",)):
        reports = {e["id"] for e in self.modem_events if e["event"] == "dlr" and e["da"] == message.to}
        self.modem_events = [e for e in self.modem_events if not (e["event"] in kinds and e["id"] in reports)]

    def first(self, parts):
        return next(m for m in self.asked if m.parts == parts)

    def submits(self, message):
        return [e for e in self.modem_events if e["event"] == "submit" and e["da"] == message.to]

    def findings(self):
        """Broken promises, each with what the judge names."""
        witness = Witness()
        for topic, body in self.mqtt:
            witness.take({"topic": f"{BASE}/{topic}", "payload": json.dumps(body)})
        run = SimpleNamespace(asked=self.asked, injected=self.injected, disturbs=self.disturbs, stall_s=30, witness=witness,
                              clock_drifts=self.clock_drifts,
                              problems=self.problems, most_extra=lambda: self.extra_at_most, tries=lambda: self.known_tries,
                              modems=SimpleNamespace(events=lambda: iter(self.modem_events), left=lambda: self.left),
                              gateway=SimpleNamespace(panics=lambda: self.panics, told=lambda texts: self.told))
        return judge(run).broken()


class TheJudge(unittest.TestCase):
    def setUp(self):
        self.quiet, self.story = Story(), Story(disturbs=True)
        self.one, self.three = self.story.first(1), self.story.first(3)

    def finds(self, story, *promises, named=()):
        """Just these promises are broken, and each of these is named."""
        found = story.findings()
        self.assertEqual(set(found), set(promises), found)
        for what in named:
            self.assertTrue(any(what in str(line) for lines in found.values() for line in lines), (what, found))
        self.proved.update(promises)

    proved = set()

    @classmethod
    def tearDownClass(cls):
        # Also a promise that is added later. Not where single tests are run.
        assert len(sys.argv) > 1 or cls.proved == set(PROMISES), f"never found broken: {set(PROMISES) - cls.proved}"

    def test_passes_a_run_without_fault(self):
        self.finds(self.quiet)
        self.finds(self.story)

    def test_does_not_mind_copies_with_the_same_seq(self):
        self.quiet.mqtt += self.quiet.mqtt[3:9]
        self.finds(self.quiet)

    # What goes out.

    def test_finds_a_lost_message(self):
        gone = self.story.submits(self.one)
        self.story.without_reports(self.one, ("dlr", "routed"))
        self.story.modem_events = [e for e in self.story.modem_events if e not in gone]
        self.story.ends_as(self.one, "sent")
        self.finds(self.story, "lost", named=[self.one.id])

    def test_finds_a_lost_part(self):
        part = self.story.submits(self.three)[1]
        self.story.modem_events = [e for e in self.story.modem_events if e is not part and e.get("text") != f"mr {part['mr']}"]
        self.finds(self.story, "lost", "unproved", named=[self.three.id])

    def test_takes_a_report_for_a_submit_that_the_simulator_forgot(self):
        self.story.modem_events.remove(self.story.submits(self.one)[0])
        self.finds(self.story)

    def test_takes_a_held_message_that_ends_unknown(self):
        gone = self.story.submits(self.one)
        self.story.without_reports(self.one, ("dlr", "routed"))
        self.story.modem_events = [e for e in self.story.modem_events if e not in gone]
        self.story.ends_as(self.one, "unknown")
        self.one.hold = True
        self.finds(self.story)
        self.one.hold = False
        self.finds(self.story, "lost", "unended", named=[self.one.id])
        self.one.expires_in = 7200
        self.finds(self.story, "lost", named=[self.one.id])

    def test_finds_a_wrong_text(self):
        self.story.submits(self.one)[0]["text"] += "!"
        self.finds(self.story, "wrong", named=[self.one.id])

    def test_finds_a_wrong_number_of_parts(self):
        self.story.asked[self.story.asked.index(self.one)].parts = 2
        self.finds(self.story, "wrong", "unproved", named=[self.one.id])

    def test_finds_a_stranger(self):
        self.story.send(texts.Message("x", "+4900", "hello"), 1)
        self.finds(self.story, "strangers", named=["+4900"])

    def test_finds_an_unexplained_duplicate(self):
        self.story.again(self.one, told=False)
        self.finds(self.story, "unexplained", named=[self.one.id])

    def test_finds_a_duplicate_that_repeats_nothing(self):
        for doubts, repeats in ((0, 1), (1, 0)):
            story = Story(disturbs=True)
            story.again(story.first(1), doubts=doubts, repeats=repeats)
            self.finds(story, "unexplained", named=[f"{doubts} uncertain tries, {repeats} that repeat one"])

    def test_accepts_a_duplicate_that_is_explained(self):
        self.story.again(self.one)
        self.finds(self.story)

    def test_does_not_accept_it_without_a_fault(self):
        story = Story()
        story.again(story.first(1))
        self.finds(story, "unexplained")

    def test_finds_more_duplicates_than_faults_can_explain(self):
        for message in self.story.asked[:2]:
            self.story.again(message)
        self.finds(self.story, "unexplained", named=["2 extra submits, 1 could be"])

    def test_finds_a_hold_duplicate(self):
        self.one.hold = True
        self.story.again(self.one)
        self.finds(self.story, "held_twice", named=[self.one.id])

    # How it ends.

    def test_finds_a_report_handed_over_and_the_message_not_delivered(self):
        for state in ("sent", "unknown", "no_report"):
            story = Story(disturbs=True)
            story.ends_as(story.first(3), state)
            self.finds(story, "undelivered", named=[story.first(3).id])

    def test_does_not_ask_for_a_report_that_the_modem_kept(self):
        for message in (self.one, self.three):
            self.story.without_reports(message)
            self.story.ends_as(message, "sent")
        self.finds(self.story)

    def test_does_not_ask_for_a_report_that_went_back_to_the_network(self):
        report = next(e["id"] for e in self.story.modem_events if e["event"] == "dlr" and e["da"] == self.three.to)
        self.story.modem_events.append({"event": "unacked", "id": report})
        self.story.ends_as(self.three, "sent")
        self.finds(self.story)

    def test_does_not_take_one_report_for_another_with_the_same_reference(self):
        # The report of the first part was dropped; the third has its reference, as many submits later.
        first, _, third = self.story.submits(self.three)
        dropped = next(e for e in self.story.modem_events if e["event"] == "routed" and e["id"] == first["mr"])
        self.story.modem_events.remove(dropped)
        next(e for e in self.story.modem_events if e.get("text") == f"mr {third['mr']}")["text"] = f"mr {first['mr']}"
        third["mr"] = first["mr"]
        self.story.ends_as(self.three, "sent")
        self.finds(self.story)

    def test_takes_an_orphan_only_where_clocks_drift(self):
        self.story.ends_as(self.one, "sent")
        self.story.say("event", {"event_type": "orphan_report", "recipient": self.one.to})
        self.finds(self.story, "undelivered", named=[self.one.id])
        self.story.clock_drifts = True
        self.finds(self.story)

    def test_asks_for_the_reports_of_the_last_run_only(self):
        self.story.known_tries[self.three.id] = (3, 3)
        self.story.send(self.three, ref=77, modem=1, report=False)
        self.story.status(self.three, "uncertain")
        self.story.status(self.three, "sent", duplicate_possible=True)
        self.story.extra_at_most = 3
        self.finds(self.story)

    def test_finds_delivered_without_a_report(self):
        self.story.without_reports(self.one, ("dlr", "routed"))
        self.finds(self.story, "unproved", named=[self.one.id])

    def test_finds_a_message_without_an_end(self):
        self.story.without_reports(self.one)
        self.story.ends_as(self.one, "uncertain")
        self.finds(self.story, "unended", named=[self.one.id])

    def test_finds_a_message_that_nobody_heard_of(self):
        self.one.report = False
        self.story.mqtt = [(topic, body) for topic, body in self.story.mqtt if topic != f"status/{self.one.id}"]
        for seq, (_, body) in enumerate(self.story.mqtt, 1):
            body["seq"] = seq
        self.finds(self.story, "unended", named=[f"{self.one.id}: None"])

    def test_finds_a_message_that_lay_still(self):
        sending = next(body for _, body in self.quiet.mqtt if body.get("state") == "sending")
        sending["at"] = "2025-12-31T23:59:00.000Z"
        self.finds(self.quiet, "stalled", named=[sending["id"]])

    # What comes in, and the log.

    def test_finds_inbound_that_is_lost_twice_or_wrong(self):
        topic, body = self.quiet.mqtt.pop()
        self.finds(self.quiet, "inbound_lost", named=["in-3"])
        self.quiet.say(topic, body | {"seq": len(self.quiet.mqtt) + 1})
        self.quiet.say(topic, body | {"seq": len(self.quiet.mqtt) + 1})
        self.finds(self.quiet, "inbound_twice", named=["in-3"])
        self.quiet.mqtt[-1][1]["from"] = "+1"
        self.finds(self.quiet, "inbound_twice", "inbound_wrong", named=["in-3"])

    def test_accepts_inbound_that_says_it_is_a_copy(self):
        topic, body = self.quiet.mqtt[-1]
        self.quiet.say(topic, body | {"seq": len(self.quiet.mqtt) + 1, "same_as": "x"})
        self.finds(self.quiet)

    def test_finds_what_was_deleted_unread_or_left(self):
        self.quiet.modem_events.append({"event": "deleted", "id": 1, "read": False})
        self.quiet.left = 1
        self.finds(self.quiet, "deleted_unread", "left_on_sims")

    def test_finds_a_gap(self):
        last = len(self.quiet.mqtt)
        self.quiet.mqtt[-1][1]["seq"] += 1
        self.finds(self.quiet, "seq_gaps", named=[f"{last - 1}..{last + 1}"])

    def test_finds_a_refusal_a_panic_and_an_end(self):
        self.quiet.say("event", {"event_type": "refused", "error": "queue_full"})
        self.quiet.panics, self.quiet.problems = 1, ["the gateway ended SIGTERM with 1"]
        self.quiet.told = [self.quiet.asked[0].text]
        self.finds(self.quiet, "refused", "panics", "told", "problems", named=["queue_full", "SIGTERM"])


class TheBars(unittest.TestCase):
    """What soak and recovery measure."""

    def soaked(self, spoil=lambda samples: None, wal_octets=1 << 20):
        """The bars that a day of samples misses."""
        samples = [{"hour": h / 4, "rss": 24 << 20, "fds": 31, "threads": 12, "database": 6 << 20} for h in range(97)]
        spoil(samples)
        day = SimpleNamespace(samples=samples, idle=samples[0], at_end=samples[-1], wal_octets=wal_octets)
        return {bar for bar, (_, kept) in soak.Day.bars(day).items() if not kept}

    def test_a_day_in_which_nothing_grows_passes(self):
        self.assertEqual(self.soaked(), set())

    def test_what_grows_is_found(self):
        def slowly(key, share):
            def spoil(samples):
                for n, sample in enumerate(samples):
                    sample[key] = int(sample[key] * (1 + share * n / len(samples)))
            return spoil
        self.assertEqual(self.soaked(slowly("rss", 0.04)), set())
        self.assertEqual(self.soaked(slowly("rss", 0.08)), {"rss_drift"})
        self.assertEqual(self.soaked(slowly("rss", 0.2)), {"rss_drift", "rss_drift_second_half"})
        self.assertEqual(self.soaked(slowly("fds", 0.1)), {"fds_then_and_at_the_end"})
        self.assertEqual(self.soaked(slowly("threads", 0.2)), {"threads_then_and_at_the_end"})
        self.assertEqual(self.soaked(slowly("database", 1)), {"database_growth"})
        self.assertEqual(self.soaked(wal_octets=65 << 20), {"wal_octets_most"})

    def test_a_slow_recovery_is_found(self):
        quick = {"api_s": [0.1] * 100, "slot_s": [1] * 100, "drain_s": [1] * 100, "events_a_s": [500] * 100}
        missed = lambda measured: {bar for bar, told in recovery.summary([{"measured": measured}]).items() if not told["kept"]}
        self.assertEqual(missed(quick), set())
        self.assertEqual(missed(quick | {"api_s": [0.1] * 96 + [2] * 4}), set())
        self.assertEqual(missed(quick | {"api_s": [0.1] * 94 + [2] * 6}), {"api_s"})
        self.assertEqual(missed(quick | {"slot_s": [11] * 10, "drain_s": [6] * 10}), {"slot_s", "drain_s"})
        self.assertEqual(missed(quick | {"events_a_s": [500] * 90 + [100] * 10}), {"events_a_s"})
        self.assertEqual(missed(quick | {"slot_s": []}), {"slot_s"})


class TheRest(unittest.TestCase):
    def test_panics_are_read_from_the_log(self):
        with tempfile.TemporaryDirectory() as work:
            (Path(work) / "gateway.log").write_text("fine\nthread 'x' panicked at y\n")
            self.assertEqual(Gateway.panics(SimpleNamespace(work=Path(work))), 1)

    def test_texts_are_found_in_the_log(self):
        with tempfile.TemporaryDirectory() as work:
            (Path(work) / "gateway.log").write_text("DEBUG sending what nobody may read\n")
            told = Gateway.told(SimpleNamespace(work=Path(work)), ["what nobody may read", "sending", "what is not there"])
            self.assertEqual(told, ["what nobody may read"])

    def test_a_proof_goes_on_where_it_ended(self):
        with tempfile.TemporaryDirectory() as work:
            path = Path(work) / "proof" / "x.json"
            proof = Proof(path, seed=1)
            proof.add({"name": 0, "ok": True, "seed": 5, "kills": 3, "stakes": {"armed": 2}})
            proof.add({"name": 1, "ok": False, "seed": 6, "kills": 4})
            self.assertFalse(json.loads(path.read_text())["ok"])
            self.assertEqual((Proof(path, seed=1).has(0), Proof(path, seed=1).has(1)), (True, False))
            self.assertEqual(Proof(path, seed=2).rounds, [])
            self.assertEqual(Proof(path, seed=1).total(), {"rounds": 1, "kills": 3, "stakes: armed": 2})

    def test_a_picture_is_drawn(self):
        with tempfile.TemporaryDirectory() as work:
            path = Path(work) / "x.svg"
            picture.draw(path, "x", [dict.fromkeys((key for key, *_ in picture.FIGURES), n) | {"hour": n} for n in range(3)])
            self.assertEqual(path.read_text().count("<polyline"), len(picture.FIGURES))


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
