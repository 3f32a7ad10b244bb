"""What Nsight Systems starts in the program's place: it asks flopprof for the program, and becomes it.

Run as a file by ``python -I -S begin_program.py SOCKET`` and imports nothing of flopprof, as it runs under the
recorder. Over the socket come the command, its environment and its standard streams (as descriptors), all after
Nsight Systems has started: so no variable and no output of the program gets into the raw report by this way.
What Nsight Systems itself added to the environment is kept, or nothing would be recorded.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import sys
from typing import Any, NoReturn

CANNOT_RUN = 126

STREAMS = 3

MESSAGE_BYTES = 1 << 16


def main(address: str) -> NoReturn:
    """Receive the program, and exec it; on failure tell why and exit 126."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.connect(address)
    message, streams = receive(connection)
    place_streams(streams)
    environment = merge_environment(message["environment"], message["given"], own_environment())
    set_signals(message["ignored"])
    try:
        os.execve(message["program"], message["command"], environment)
    except OSError as error:
        connection.sendall(str(error.strerror).encode())
        os._exit(CANNOT_RUN)


def receive(connection: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """The message, and the descriptors that came with its first bytes."""
    data, streams, _, _ = socket.recv_fds(connection, MESSAGE_BYTES, STREAMS)
    while b"\n" not in data:
        data += connection.recv(MESSAGE_BYTES)
    return json.loads(data), streams


def place_streams(streams: list[int]) -> None:
    """Make the descriptors 0, 1 and 2, and leave no other copy to the program."""
    spare = [fcntl.fcntl(stream, fcntl.F_DUPFD_CLOEXEC, STREAMS) for stream in streams]
    for stream in streams:
        os.close(stream)
    for target, source in enumerate(spare):
        os.dup2(source, target)


def own_environment() -> dict[str, str]:
    """The environment this process was started with; Python itself may have added to os.environ."""
    with open("/proc/self/environ", "rb") as file:  # noqa: PTH123
        entries = [entry.partition(b"=") for entry in file.read().split(b"\0") if b"=" in entry]
    return {os.fsdecode(name): os.fsdecode(value) for name, _, value in entries}


def merge_environment(full: dict[str, str], given: dict[str, str], own: dict[str, str]) -> dict[str, str]:
    """``full``, with what the recorder put on top of the environment it was ``given``.

    >>> merge_environment({"A": "1", "LD_PRELOAD": "u.so"}, {"P": "x"}, {"P": "x", "LD_PRELOAD": "n.so", "N": "2"})
    {'A': '1', 'LD_PRELOAD': 'n.so:u.so', 'N': '2'}
    """
    added = {name: value for name, value in own.items() if given.get(name) != value}
    if "LD_PRELOAD" in added and full.get("LD_PRELOAD") and "LD_PRELOAD" not in given:
        added["LD_PRELOAD"] += ":" + full["LD_PRELOAD"]
    return {**full, **added}


def set_signals(ignored: list[int]) -> None:
    """Dispositions as the caller's; Python ignores SIGPIPE and SIGXFSZ, which a program would inherit."""
    for number in (
        signal.SIGPIPE,
        signal.SIGXFSZ,
        signal.SIGINT,
        signal.SIGQUIT,
        signal.SIGHUP,
        signal.SIGTERM,
    ):
        signal.signal(number, signal.SIG_IGN if number in ignored else signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


if __name__ == "__main__":
    main(sys.argv[1])
