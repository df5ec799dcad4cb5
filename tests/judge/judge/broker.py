"""Mosquitto, and what is published to it as a script would."""
import json
import os
import subprocess
import time

from . import Failed, free_port, wait_for

# Debian keeps mosquitto where users do not look.
os.environ["PATH"] += ":/usr/sbin"

TOOLS = ("mosquitto", "mosquitto_pub", "mosquitto_sub")
NAME = "judge"
BASE = f"gsmgate/{NAME}"
# A chunk is acknowledged in well under a second; longer means the broker went away under the publisher.
PUBLISH_S = 15
# Longer than any outage of a broker here.
PUBLISHED_S = 180
STOP_S = 10


class Broker:
    """A mosquitto of our own, with or without persistence. `more`: further lines of its configuration."""

    def __init__(self, work, persistence=True, more=""):
        self.restarts = 0
        store = f"persistence true\npersistence_location {work}/\n" if persistence else "persistence false\n"
        self.conf, self.log = work / "mosquitto.conf", work / "mosquitto.log"
        for tries_left in (4, 3, 2, 1, 0):
            self.port = free_port()
            # As root mosquitto would become the user mosquitto, who cannot write here.
            self.conf.write_text(f"user root\nlistener {self.port} 127.0.0.1\nallow_anonymous true\n"
                                 f"max_queued_messages 0\nmessage_size_limit 0\n{store}{more}")
            try:
                return self.start()
            except Failed:
                # Somebody was quicker to take the port.
                if not tries_left:
                    raise

    def start(self):
        with open(self.log, "ab") as log:
            self.begun = log.tell()
            self.process = subprocess.Popen(["mosquitto", "-c", str(self.conf)], stdout=log, stderr=log)
        # What it says itself: on a port that was taken somebody else would answer.
        wait_for("mosquitto", 10, lambda: b" running\n" in self.said() or self.process.poll() is not None, 0.01)
        if self.process.poll() is not None:
            raise Failed(f"mosquitto ended with {self.process.returncode}: see {self.log}")

    def said(self):
        """What it logged since its last start."""
        with open(self.log, "rb") as log:
            log.seek(self.begun)
            return log.read()

    def restart(self, down_s):
        self.stop()
        time.sleep(down_s)
        self.start()
        self.restarts += 1

    def stop(self):
        self.process.terminate()
        self.process.wait(STOP_S)


def publish(port, messages):
    """mosquitto_pub -l -q 1; the same ids again until the broker has acknowledged every line. Returns the repeats."""
    lines = "".join(json.dumps(m.command(), ensure_ascii=False) + "\n" for m in messages).encode()
    command = ["mosquitto_pub", "-p", str(port), "-t", f"{BASE}/send", "-q", "1", "-l"]
    end, repeats = time.monotonic() + PUBLISHED_S, 0
    while time.monotonic() < end:
        try:
            if subprocess.run(command, input=lines, capture_output=True, timeout=PUBLISH_S).returncode == 0:
                return repeats
        except subprocess.TimeoutExpired:
            pass
        repeats += 1
        time.sleep(0.2)
    raise Failed(f"mosquitto_pub did not get through within {PUBLISHED_S} s")
