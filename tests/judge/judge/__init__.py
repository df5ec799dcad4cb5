"""The judge: drives simulated modems and a real broker around a gateway, and says what it promised and did not keep.

A process apart that shares no code with the gateway. It issues the ids, and it believes the modems' own log (what the
network took and handed over) and the broker (what a subscriber saw); the database is asked only how the gateway itself
explains a try that it repeated. `selftest.py` proves that each promise can be found broken.

    texts     what is sent            broker    Mosquitto, and publishing to it      ledger    the network's side
    modems    modemsim                witness   a subscriber                         verdict   the promises
    gateway   the product             run       everybody together, for one run      proof     what is kept of it
"""
import socket
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


class Failed(Exception):
    """The run could not be carried out, so there is nothing to judge."""


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
