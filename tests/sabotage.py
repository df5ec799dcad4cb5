#!/usr/bin/env python3
"""One deliberate mistake for each invariant of the delivery guarantee (RELIABILITY §2.9): the test that stands for the
invariant has to go red for it. A proof that cannot fail proves nothing.

    tests/sabotage.py            all of them; some seconds each
    tests/sabotage.py I-04 I-18  these
    tests/sabotage.py --check    only whether each mistake can still be made: its line is there once

Works on a copy of the tree below target/. Writes proof/sabotage.json and prints the table. Exit 1 when a test stays green.
"""
import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COPY = ROOT / "target" / "sabotage"
PROOF = ROOT / "proof" / "sabotage.json"
LONGEST_S = 120

# Invariant, what is done wrong, file, the line as it is and as it becomes, and the test that must notice.
MISTAKES = [
    ("I-01", "reply before the commit", "src/store/writer.rs",
     "if job.writes { self.replies.push(reply) } else { reply(Ok(())) }", "reply(Ok(()));",
     "--test store recovery::"),
    ("I-01", "do not wait for the disk", "src/store/schema.rs",
     "PRAGMA synchronous = FULL; PRAGMA secure_delete", "PRAGMA synchronous = NORMAL; PRAGMA secure_delete",
     "--test powercut what_was_acknowledged"),
    ("I-02", "forget which ids were used", "src/store/outbox/accept.rs",
     "Ok(found.map(|(key, same, saved)| {", "Ok(found.filter(|_| false).map(|(key, same, saved)| {",
     "--test store log::one_id_is_one_message_for_seven_days"),
    ("I-03", "write the payload before the armed mark is durable", "src/modem/send.rs",
     "if let Some(armed) = begun.armed\n", "if let Some(armed) = begun.armed.filter(|_| false)\n",
     "--lib the_payload_waits_for_prompt_and_armed_mark"),
    ("I-04", "take ARMED for READY at the start", "src/store/recover.rs",
     "if tried.state == TryState::Claimed {", "if tried.state.is_live() {",
     "--test store recovery::what_was_armed_is_uncertain"),
    ("I-04", "do not see that the WAL is gone", "src/store/mark.rs",
     "(Ok(found), Some(marked)) => !found.covers(marked),", "(Ok(_), Some(_)) => false,",
     "--test store salvage::a_missing_wal_is_a_damage"),
    ("I-05", "send again what is held", "src/scheduler/retry.rs",
     "policy == OnUncertain::Resend && resends < MAX_RESENDS", "resends < MAX_RESENDS",
     "--lib scheduler::"),
    ("I-06", "forget which try a resend repeats", "src/scheduler/assign.rs",
     "let resend_of = pending.resend_of.map(|(of, _)| of);", "let resend_of = None;",
     "--lib scheduler::"),
    ("I-07", "arm two parts on one SIM", "src/store/outbox/mod.rs",
     "if let Some(other) = self.tries.armed_on(tried.sim) {",
     "if let Some(other) = self.tries.armed_on(tried.sim).filter(|_| false) {",
     "--test store recovery::a_sim_has_one_part_in_the_air"),
    ("I-08", "credit a late reference to the newest submit", "src/modem/driver.rs",
     "            [attempt] => {\n", "            [.., attempt] => {\n",
     "--lib modem::tests::"),
    ("I-09", "wait 30 s for the network", "src/modem/profile/mod.rs",
     "pub const SEND_DEADLINE: Duration = Duration::from_secs(180);",
     "pub const SEND_DEADLINE: Duration = Duration::from_secs(30);",
     "--lib modem::tests::"),
    ("I-10", "take 197 on a resend for a failure", "src/scheduler/retry.rs",
     "Action::Duplicate if facts.rd => acked", "Action::Duplicate if false => acked",
     "--lib scheduler::retry"),
    ("I-11", "leave the journal out", "src/store/held.rs",
     "        self.spill.add(outcomes).map_err(", "        Ok::<(), std::io::Error>(()).map_err(",
     "--test store room::a_full_disk"),
    ("I-12", "arm without room", "src/store/writer.rs",
     "self.try_group(mailbox, state.is_held())", "self.try_group(mailbox, false)",
     "--test store room::a_full_disk"),
    ("I-13", "log a failed sync and carry on", "src/store/held.rs",
     "        _ => None,\n", "        _ => Some(StoreState::Full),\n",
     "--test process a_disk_that_fails"),
    ("I-14", "match reports without their time", "src/store/reports.rs",
     "let Some(scts) = scts else { return candidates.first().copied() };",
     "let Some(scts) = scts.filter(|_| false) else { return candidates.first().copied() };",
     "--test store reports::"),
    ("I-15", "drop a report that comes before its answer", "src/store/reports.rs",
     "let Some(attempt) = found else { return self.shelve(sim, report) };",
     "let Some(attempt) = found else { return Ok(()) };",
     "--test store reports::a_report_that_comes_before_its_answer_waits_for_it"),
    ("I-16", "let the last report win", "src/store/outbox/message.rs",
     "let Some(rank) = rank(part).filter(|rank| *rank < strength(to)) else { return false };",
     "let Some(rank) = rank(part) else { return false };",
     "--lib store::outbox::message"),
    ("I-17", "choose a SIM anew for each part", "src/scheduler/assign.rs",
     "        let work = self.queue.work(index);\n        if work.parts.is_empty()",
     "        self.queue.work(index).bound = None;\n        let work = self.queue.work(index);\n        if work.parts.is_empty()",
     "--lib scheduler::"),
    ("I-18", "delete a message before it is kept", "src/modem/inbox.rs",
     "        if !is_outgoing {\n            if self.backlog.len()",
     "        if !is_outgoing {\n            self.jobs.push_back(Job::Delete { memory, index, serial });\n            if self.backlog.len()",
     "--lib modem::inbox"),
    ("I-19", "pass over what cannot be decoded", "src/intake.rs",
     "            decoded => {\n", "            Err(_) => answer(received.stored, Disposal::Delete),\n            decoded => {\n",
     "--lib intake::"),
    ("I-20", "delete what could not be kept", "src/intake.rs",
     "Err(error) => tracing::error!(%error, \"a received PDU could not be kept; it stays where it is\"),\n    }\n}",
     "Err(_) => answer(stored, Disposal::Delete),\n    }\n}",
     "--lib intake::"),
    ("I-21", "know what was kept only within a process", "src/store/inbox.rs",
     "        let oldest = if memory.is_some() { 0 } else { self.epoch - 1 };",
     "        let oldest = self.epoch;",
     "--test store inbound::the_same_slot_read_again_is_the_same_message"),
    ("I-22", "take an equal message for a copy", "src/store/inbox.rs",
     "if memory.is_some() && !pdu.first_sweep {", "if false {",
     "--test store inbound::"),
    ("I-23", "forget what the process before did not acknowledge", "src/store/inbox.rs",
     "if memory.is_some() { 0 } else { self.epoch - 1 }", "if memory.is_some() { 0 } else { self.epoch }",
     "--test store inbound::"),
    ("I-24", "put a second part with one number into the same message", "src/store/inbox.rs",
     "WHERE p.inbound = i.inbound AND p.seq = ?7)", "WHERE p.inbound = i.inbound AND p.seq = ?7 AND 0)",
     "--test store inbound::"),
    ("I-25", "move the cursor when an event is published", "src/bridge/mqtt/outbound.rs",
     "self.gateway.acknowledge(BRIDGE, self.done,", "self.gateway.acknowledge(BRIDGE, *self.gateway.committed().borrow(),",
     "--test mqtt session::"),
    ("I-25", "publish what comes while there is no link", "src/bridge/mqtt/outbound.rs",
     "        while this.up && self.window", "        while self.window",
     "--test mqtt session::what_comes_without_a_link"),
    ("I-26", "acknowledge a command before it is kept", "src/bridge/mqtt/inbound.rs",
     "    if matches!(work.action, Ok(Action::Order(..)))\n", "    if matches!(work.action, Ok(Action::Order(..) | Action::Send(..)))\n",
     "--test mqtt session::"),
    ("I-25", "do not tell anew what a salvage may have lost", "src/store/salvage/mend.rs",
     "let again = retell::tell(to, last, now)?;", "let again = 0;",
     "--test store retell::"),
    ("I-27", "carry out a retained command", "src/bridge/mqtt/inbound.rs",
     "    if command.retained {\n", "    if command.retained && false {\n",
     "--test mqtt contract::a_retained_command_is_refused_stored_and_live"),
    ("I-28", "remove by a clock that jumped", "src/store/trust.rs",
     "if now.saturating_sub(self.trusted) <= STEP {", "if now.saturating_sub(self.trusted) <= STEP * 10_000 {",
     "--test store retention::a_clock_that_is_far_ahead"),
    ("I-28", "follow the wall clock", "src/clock.rs",
     "                self.offset_ms += set_ms;\n",
     "                self.began = Duration::from_millis(u64::try_from(ms(self.began) + set_ms).unwrap_or(0));\n",
     "--test faults clocks::"),
    ("I-28", "use the wall clock for a wait", "src/app.rs",
     "    timestamp(clock::ours())\n", "    timestamp(clock::read().wall)\n",
     "--test process clocks::"),
    ("I-29", "take the whole queue into memory", "src/scheduler/mod.rs",
     "const WINDOW: usize = 64;", "const WINDOW: usize = 1_000_000;",
     "--test process limits::a_large_queue"),
    ("I-29", "sort the whole queue at the start", "src/store/outbox/rows.rs",
     "WHERE due_at IS NOT NULL GROUP BY lane, priority\",", "WHERE due_at IS NOT NULL GROUP BY lane, priority, state\",",
     "--test process limits::a_large_queue"),
    ("I-30", "let a PIN into a recording", "src/modem/mask.rs",
     'Some(format!("{before}CPIN=\\"{NO_PIN}\\""))', "Some(line.to_owned()).filter(|_| before.len() < 99)",
     "--lib modem::mask"),
    ("I-30", "log what is to be sent", "src/bridge/control.rs",
     "            let command = wire::parse_send(request.body(), gateway.now(), &wire::Defaults::default())?;\n",
     "            tracing::info!(body = %String::from_utf8_lossy(request.body()), \"a send\");\n"
     "            let command = wire::parse_send(request.body(), gateway.now(), &wire::Defaults::default())?;\n",
     "--test process signals::a_hang_up"),
    ("I-31", "speak text mode", "src/at/command.rs",
     'set("+CMGF", &[0], Expect::Nothing)', 'set("+CMGF", &[1], Expect::Nothing)',
     "--lib modem::tests::bring_up"),
    ("I-32", "forget to wake the scheduler", "src/scheduler/mod.rs",
     "        self.0.notify.notify_one();\n", "",
     "--lib scheduler::"),
]


def copy_tree():
    """Sources only. What is as it was keeps its time, and what was built of it stays; but for our own package, which may be
    built with a mistake in it by a run that was stopped."""
    files = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True,
                           text=True, check=True).stdout.split("\n")
    for name in filter(None, files):
        source, copy = ROOT / name, COPY / name
        if source.is_file() and not (copy.is_file() and copy.read_bytes() == source.read_bytes()):
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copy)
            shutil.copymode(source, copy)
    os.utime(COPY / "src" / "lib.rs")
    for copy in COPY.glob("*/**/*.rs"):
        name = copy.relative_to(COPY)
        if name.parts[0] != "target" and not (ROOT / name).exists():
            copy.unlink()


def cargo(test):
    """Exit code and output of one test; no code: it hung, which is red too."""
    words = test.split()
    which = words[:1] if words[0] == "--lib" else words[:2]
    command = ["cargo", "test", "--quiet", *which, "--", *words[len(which):]]
    env = dict(os.environ, RUST_BACKTRACE="0", CARGO_TARGET_DIR=str(COPY / "target"))
    # In a group of its own: what hangs may have children.
    process = subprocess.Popen(command, cwd=COPY, env=env, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, start_new_session=True)
    try:
        said, _ = process.communicate(timeout=LONGEST_S)
        return process.returncode, said
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return None, "it hung"


def make(mistake):
    """Makes the mistake in the copy; gives the text as it was."""
    _, _, name, before, after, _ = mistake
    text = (ROOT / name).read_text()
    if text.count(before) != 1:
        raise SystemExit(f"{mistake[0]}: the line is there {text.count(before)} times in {name}; mend tests/sabotage.py")
    (COPY / name).write_text(text.replace(before, after))
    return text


def one(mistake):
    ident, what, name, _, _, test = mistake
    text, begin = make(mistake), time.monotonic()
    try:
        code, said = cargo(test)
    finally:
        (COPY / name).write_text(text)
    if "error: could not compile" in said:
        verdict = "does not compile"
    elif code == 0:
        verdict = "STAYS GREEN"
    else:
        verdict = "red"
    return {"id": ident, "mistake": what, "test": test, "verdict": verdict, "seconds": round(time.monotonic() - begin, 1)}, said


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("ids", nargs="*")
    p.add_argument("--check", action="store_true")
    p.add_argument("--proof", type=Path, default=PROOF)
    a = p.parse_args()
    wanted = [m for m in MISTAKES if not a.ids or m[0] in a.ids]
    if a.check:
        bad = [m[0] for m in wanted if (ROOT / m[2]).read_text().count(m[3]) != 1]
        print(f"{len(wanted)} mistakes can be made" if not bad else f"not to be found once: {', '.join(bad)}")
        return bool(bad)
    copy_tree()
    for test in sorted({m[5] for m in wanted}):
        code, said = cargo(test)
        if code != 0:
            print(f"{test} is red without any mistake:\n{said[-2000:]}")
            return 1
    results = []
    for mistake in wanted:
        result, said = one(mistake)
        results.append(result)
        print(f"{result['id']}  {result['verdict']:17} {result['seconds']:6.1f} s  {result['mistake']}  ({result['test']})", flush=True)
        if result["verdict"] != "red":
            print(said[-1500:])
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    green = [r["id"] for r in results if r["verdict"] != "red"]
    if not a.ids:
        a.proof.parent.mkdir(exist_ok=True)
        a.proof.write_text(json.dumps({"commit": commit, "ok": not green, "mistakes": results}, indent=1) + "\n")
    print(f"{len(results) - len(green)} of {len(results)} noticed" + (f"; not: {', '.join(green)}" if green else ""))
    return bool(green)


if __name__ == "__main__":
    sys.exit(main())
