#!/usr/bin/env python3
"""An emud driver for simavr (Debian: libsimavr2), and an example of one: docs/driver-protocol.md.

    emulators:
      simavr: {driver: [/usr/bin/python3, tests/drivers/simavr/driver.py]}
    targets:
      uno: {simavr: {machine: atmega328p, frequency: 16000000, channels: {uart0: {}}}}

A target's `gdb: true` offers simavr's gdb server as the channel gdb; simavr listens on all addresses.
The board itself is simavr-board, beside this file or named by `board`.
"""

import json
import os
import select
import socket
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
CONTROL = "avr.sock"


class Refusal(Exception):
    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class Driver:
    def __init__(self):
        self.listener = None
        self.board = None
        self.settings = {}

    def ask(self, line):
        """One line to the board, and its answer."""
        try:
            self.board.write(line + "\n")
            self.board.flush()
            answer = self.board.readline().strip()
        except OSError:
            answer = ""
        if not answer:
            raise Refusal("emulator_error", "the board has ended")
        return answer

    def hello(self, _arguments):
        return {
            "protocol": 1,
            "name": "simavr",
            "capabilities": ["holds", "reset", "pause", "resume", "property-list", "property-get", "property-set"],
        }

    def plan(self, arguments):
        self.settings = settings = arguments["settings"]
        mcu = settings.get("machine")
        frequency = settings.get("frequency", 16_000_000)
        if not isinstance(mcu, str) or not isinstance(frequency, int):
            raise Refusal("invalid_value", "a target needs a machine, such as atmega328p, and may have a frequency in Hz")
        if not arguments["firmware"]:
            raise Refusal("file_not_found", "an AVR board needs a firmware: give a file")
        # A short name: unix sockets have no room for long paths.
        os.chdir(arguments["state_dir"])
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(CONTROL)
        self.listener.listen(1)
        board = settings.get("board", os.path.join(HERE, "simavr-board"))
        command = [board, mcu, str(frequency), arguments["state_dir"]]
        channels = {"uart0": {"kind": "console", "via": "stdio"}}
        if settings.get("gdb"):
            command.append("gdb")
            channels["gdb"] = {"kind": "gdb", "via": "tcp"}
        return {"command": command, "environment": {"FIRMWARE": arguments["firmware"]}, "channels": channels}

    def started(self, _arguments):
        # emud says nothing before this is answered, but that the board has ended.
        ready, _, _ = select.select([self.listener, sys.stdin], [], [])
        os.unlink(CONTROL)
        if self.listener not in ready:
            raise Refusal("emulator_error", "the board has ended")
        connection, _ = self.listener.accept()
        self.board = connection.makefile("rw")
        word, _, port = self.board.readline().strip().partition(" ")
        if word != "ready":
            raise Refusal("emulator_error", "the board has ended")
        return {"channels": {"gdb": {"port": int(port)}}} if int(port) else None

    def property_list(self, arguments):
        if arguments["path"] != "/cpu":
            raise Refusal("property_not_found", "there is /cpu alone")
        names = [("pc", "uint32"), ("cycle", "uint64")] + [(f"r{number}", "uint8") for number in range(32)]
        return [{"name": name, "type": kind} for name, kind in names]

    def find(self, arguments):
        properties = {entry["name"] for entry in self.property_list(arguments)}
        if arguments["name"] not in properties:
            raise Refusal("property_not_found", f"/cpu has no {arguments['name']}")
        return arguments["name"]

    def property_get(self, arguments):
        return int(self.ask(f"get {self.find(arguments)}"))

    def property_set(self, arguments):
        name, value = self.find(arguments), arguments["value"]
        if name[0] != "r" or type(value) is not int or not 0 <= value < 256:
            raise Refusal("invalid_value", "r0 to r31 can be set, to a number from 0 to 255")
        self.ask(f"set {name} {value}")

    def answer(self, request):
        command, arguments = request["command"], request.get("arguments", {})
        if command in ("reset", "pause", "resume"):
            self.ask(command)
            return None
        if command not in ("hello", "plan", "started", "property-list", "property-get", "property-set"):
            raise Refusal("not_implemented", f"there is no {command}")
        return getattr(self, command.replace("-", "_"))(arguments)

    def run(self):
        for line in sys.stdin:
            request = json.loads(line)
            if "command" not in request:
                continue
            reply = {"id": request["id"]}
            try:
                reply["return"] = self.answer(request)
            except Refusal as refusal:
                reply["error"] = {"code": refusal.code, "message": str(refusal)}
            print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    Driver().run()
