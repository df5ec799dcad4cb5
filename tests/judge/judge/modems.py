"""modemsim: somebody else's modems and service centre, driven over its control socket."""
import json
import socket
import subprocess
import threading
from datetime import datetime, timezone

from . import wait_for

# So long it waits for AT+CNMA; then what it handed over goes back to the network.
ACK_S = 15


class Modems:
    def __init__(self, binary, work, count, latency_ms, seed, more=()):
        self.dir = work / "sim"
        self.dir.mkdir()
        self.log = self.dir / "log.jsonl"
        self.read = 0
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
        """Its log, from the beginning."""
        self.ctl("flush")
        with open(self.log, encoding="utf-8") as log:
            for line in log:
                yield json.loads(line)

    def news(self):
        """Of its log what is new since the last call."""
        self.ctl("flush")
        with open(self.log, encoding="utf-8") as log:
            log.seek(self.read)
            *lines, begun = log.read().split("\n")
            self.read = log.tell() - len(begun.encode())
        return [json.loads(line) for line in lines]

    def stored(self):
        """Messages that lie on the SIMs."""
        return sum(m["in_sm"] + m["in_me"] for m in self.ctl("stats")["modems"])

    def left(self):
        """Messages that lie on the SIMs or wait in the network."""
        return sum(m["in_sm"] + m["in_me"] + m["waiting"] for m in self.ctl("stats")["modems"])

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


def deliver_in_parts(sender, text, parts):
    """SMS-DELIVERs with UCS-2 and a reference of 8 bits. 3GPP TS 23.040 §9.2.2.1, §9.2.3.24.1."""
    digits = sender.lstrip("+")
    swapped = lambda n: "".join(b + a for a, b in zip(*[iter(n + "F" * (len(n) % 2))] * 2))
    address = f"{len(digits):02X}91{swapped(digits)}"
    scts = swapped(datetime.now(timezone.utc).strftime("%y%m%d%H%M%S")) + "00"
    size = -(-len(text) // parts)
    for seq in range(parts):
        data = f"050003C7{parts:02X}{seq + 1:02X}" + text[seq * size:(seq + 1) * size].encode("utf-16-be").hex().upper()
        yield f"0044{address}0008{scts}{len(data) // 2:02X}{data}"
