"""Ends processes that lead a process group of their own."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from typing import Any, Final

END_SECONDS: Final = 10.0
"""How long a process has between SIGTERM and SIGKILL, in seconds."""


def end(process: subprocess.Popen[Any], *, whole_group: bool, seconds: float = END_SECONDS) -> None:
    """End a process and everything in its group, also when it ignores SIGTERM or the wait is interrupted.

    Args:
        process: the leader of its group (``start_new_session=True``).
        whole_group: whether SIGTERM goes to the group; otherwise only to the leader. SIGKILL goes to the group.
        seconds: how long to wait after each of the two signals.

    """
    try:
        if whole_group:
            os.killpg(process.pid, signal.SIGTERM)
        else:
            process.terminate()
        process.wait(seconds)
    except (ProcessLookupError, subprocess.TimeoutExpired):
        pass
    finally:
        # macOS answers EPERM for a group in which only zombies are left.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
