"""Ends the server, and the processes of its functions, when the process that started it is gone."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import Final

END_SECONDS: Final = 20.0
"""How long the server has between SIGTERM and SIGKILL: twice what its parent grants it."""


def end_with_parent(seconds: float = END_SECONDS) -> None:
    """Wait until the other end of stdin closes, also because the parent was killed; then end this process group.

    Args:
        seconds: how long to wait for an end in order, in which the server may wait for a request that never ends.

    """
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(seconds)
    if os.getpgrp() == os.getpid():  # never the group of somebody who runs the server in a terminal
        os.killpg(os.getpgrp(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)
