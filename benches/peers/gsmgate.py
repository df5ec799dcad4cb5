"""gsmgate for the side-by-side bench of SMS gateways: MQTT publish -> modem ttys, with the product's default settings.

BENCH_OURS names this file; GSMGATE_BIN the binary (default: target/release/gsmgate of this repository). Needs mosquitto
and paho-mqtt. `make bench-peers` runs it.
"""
import json
import os
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

from adapters.base import Adapter

ROOT = Path(__file__).resolve().parents[2]
BINARY = os.environ.get("GSMGATE_BIN", str(ROOT / "target/release/gsmgate"))
PORT = 18883
BASE = "gsmgate/bench"
FIRST_RUN_S = 30


class Ours(Adapter):
    name = "ours"
    variants = ("default",)
    intake = "MQTT publish QoS 1"

    def setup(self):
        self.work.mkdir(parents=True, exist_ok=True)
        (self.work / "state").mkdir()
        self.config = self.work / "gsmgate.toml"
        modems = "".join(f'[[modem]]\nport = "{tty}"\nlabel = "m{i}"\n' for i, tty in enumerate(self.ttys))
        self.config.write_text(f'[gateway]\nname = "bench"\nstate_dir = "{self.work}/state"\n'
                               f'control_socket = "{self.work}/control.sock"\n[mqtt]\n'
                               f'url = "mqtt://127.0.0.1:{PORT}"\n{modems}')
        self.broker()
        self.connect()
        self.first_run()

    def broker(self):
        conf = self.work / "mosquitto.conf"
        conf.write_text(f"listener {PORT} 127.0.0.1\nallow_anonymous true\npersistence false\n"
                        "max_queued_messages 0\nmax_inflight_messages 0\n")
        self.mosquitto = subprocess.Popen(["mosquitto", "-c", str(conf)], stdout=subprocess.DEVNULL,
                                          stderr=subprocess.DEVNULL)

    def connect(self):
        from paho.mqtt import client as mqtt    # not needed to list the peers
        self.ready, self.is_subscribed = {}, threading.Event()
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="bench")
        self.client.max_inflight_messages_set(1000)
        self.client.max_queued_messages_set(0)
        self.client.on_connect = lambda c, *_: c.subscribe([(f"{BASE}/modem/+/state", 1), (f"{BASE}/inbound/+", 1)])
        self.client.on_subscribe = lambda *_: self.is_subscribed.set()
        self.client.on_message = self.on_message
        end = time.time() + 5
        while True:
            try:
                self.client.connect("127.0.0.1", PORT)
                break
            except OSError:
                if time.time() > end:
                    raise
                time.sleep(0.05)
        self.client.loop_start()
        self.is_subscribed.wait(5)

    def on_message(self, _client, _data, message):
        now = time.time_ns()
        body = json.loads(message.payload or b"{}")
        if message.topic.startswith(f"{BASE}/modem/"):
            self.ready[message.topic] = body.get("state") == "ready"
        elif not message.retain:
            self.got(body.get("text"), now)

    def first_run(self):
        """Lets the gateway make its MQTT session, without which a message published while it is down has no taker."""
        with open(self.work / "first-run.log", "wb") as log:
            gateway = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            end = time.time() + FIRST_RUN_S
            while not self.is_ready([]) and time.time() < end and gateway.poll() is None:
                time.sleep(0.02)
            gateway.send_signal(signal.SIGTERM)
            gateway.wait(FIRST_RUN_S)
        self.ready.clear()
        self.clear_simulator()

    def clear_simulator(self):
        """The simulator's counters, so that the first byte it notes is one of the run that is measured."""
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(Path(self.ttys[0]).parent / "ctl"))
            s.sendall(b"clear\n")
            s.recv(4096)

    def command(self):
        return [BINARY, "run", "--config", str(self.config)]

    def start(self):
        self.spawn(self.command())

    def is_ready(self, hists):
        return sum(self.ready.values()) == len(self.ttys)

    def enqueue(self, msgs):
        times, sent = [], []
        for to, text in msgs:
            payload = json.dumps({"to": to, "text": text})
            times.append(time.time_ns())
            sent.append(self.client.publish(f"{BASE}/send", payload, qos=1))
        for info in sent:
            info.wait_for_publish(30)
        return times

    def start_inbound(self):
        pass    # the subscription stands since setup()

    def stop(self):
        super().stop()
        if hasattr(self, "client"):
            self.client.disconnect()
            self.client.loop_stop()
        if hasattr(self, "mosquitto"):
            self.mosquitto.terminate()
            self.mosquitto.wait()
