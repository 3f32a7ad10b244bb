"""Giving a program its command, environment and streams after the recorder has started it.

Nsight Systems keeps the environment and the output of what it starts. So it starts ``begin_program.py``, which
connects back over a socket in a private folder, and gets the rest there.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

BEGIN = Path(__file__).with_name("begin_program.py")

INHERITED_IGNORES = (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM)

CREDENTIALS = struct.Struct("3i")  # pid, uid, gid: ucred of socket(7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What is to run: a resolved file, its arguments (the first its own name), its whole environment."""

    file: str
    command: Sequence[str]
    environment: Mapping[str, str]


@dataclass(slots=True, kw_only=True)
class Handover:
    """One program on its way through the recorder; ``accept`` until it has begun."""

    program: Program
    given: Mapping[str, str]
    """The environment the recorder was started with."""
    folder: Path
    """Private, and short: a socket's path has 107 bytes at most."""
    pid: int | None = None
    refusal: str | None = None
    """Why the program could not be executed."""
    _listener: socket.socket = field(init=False)

    def __post_init__(self) -> None:
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(self.address))
        self._listener.listen(1)
        self._listener.settimeout(0)

    @property
    def address(self) -> Path:
        """Where the program's first instants connect to."""
        return self.folder / "program"

    def command(self) -> list[str]:
        """What the recorder is to start; -I and -S keep Python from reading anything of the user's."""
        return [sys.executable, "-I", "-S", str(BEGIN), str(self.address)]

    def accept(self) -> bool:
        """Hand over, if the recorder has started the program by now; whether it has."""
        if self.pid is not None:
            return True
        try:
            connection, _ = self._listener.accept()
        except BlockingIOError:
            return False
        with connection:
            self.pid = _pid_of(connection)
            _send(connection, self.program, self.given)
            # The other end closes by exec, or says first why there was none.
            self.refusal = connection.recv(1000).decode("utf-8", "replace") or None
        return True

    def close(self) -> None:
        """Stop listening."""
        self._listener.close()


def _pid_of(connection: socket.socket) -> int:
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
    return CREDENTIALS.unpack(raw)[0]


def _send(connection: socket.socket, program: Program, given: Mapping[str, str]) -> None:
    connection.setblocking(True)
    message = {
        "program": program.file,
        "command": list(program.command),
        "environment": dict(program.environment),
        "given": dict(given),
        "ignored": [int(n) for n in INHERITED_IGNORES if signal.getsignal(n) is signal.SIG_IGN],
    }
    data = json.dumps(message).encode() + b"\n"
    with open_streams() as streams:
        sent = socket.send_fds(connection, [data[:1]], streams)
    connection.sendall(data[sent:])


@contextmanager
def open_streams() -> Iterator[list[int]]:
    """Descriptors for standard input, output and error; /dev/null for those that are closed."""
    null = os.open(os.devnull, os.O_RDWR)
    try:
        yield [number if _is_open(number) else null for number in range(3)]
    finally:
        os.close(null)


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
