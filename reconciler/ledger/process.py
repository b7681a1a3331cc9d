"""Which process holds a lock, so that another of this machine can see at once that it is gone.

    identity() ─► "host|namespace|pid|start" ─► stands beside the lock ─► gone()?

A process number alone says little: another container may have its own process of that number, and numbers are used
again. So the namespace and the moment of the start stand beside it where the system tells them; of a process of
another host or namespace nothing can be told, and only time frees its lock.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path

_START = 19
"""Place of the start among the words behind the name in `/proc/PID/stat`; the first one is the state."""

_DEAD = ("Z", "X")


def identity() -> str:
    """Return what tells this process from every other one."""
    return "|".join((socket.gethostname(), _namespace(), str(os.getpid()), _start(os.getpid())))


def gone(identity: str) -> bool:
    """Tell whether a process that was named by `identity` has certainly ended; False where nobody can know."""
    host, _, rest = identity.partition("|")
    namespace, _, rest = rest.partition("|")
    pid, _, start = rest.partition("|")
    if host != socket.gethostname() or namespace != _namespace() or not pid.isdecimal():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        return False
    return bool(start) and _start(int(pid)) != start


def _namespace() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""


def _start(pid: int) -> str:
    """Return when a process was started, as the system counts; "" where it does not tell, or the process is dead."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if len(words) <= _START or words[0] in _DEAD else words[_START]
