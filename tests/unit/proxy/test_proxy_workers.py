"""The threads of the proxy's requests: side by side, kept, and left behind when nobody waits for them."""

import queue
import threading

from proxy.upstream.workers import Workers


def test_work_runs_side_by_side_in_threads_that_are_kept() -> None:
    workers, together = Workers(), threading.Barrier(3)
    found: queue.SimpleQueue[tuple[int, int]] = queue.SimpleQueue()

    def work(number: int) -> None:
        together.wait(10)
        found.put((number, threading.get_ident()))

    rounds = []
    for _ in range(2):
        workers.start(work, 3)
        rounds.append(dict(found.get(timeout=10) for _ in range(3)))
    assert rounds[0].keys() == rounds[1].keys() == {0, 1, 2}
    assert len(set(rounds[0].values()) | set(rounds[1].values())) == 3
    workers.end()


def test_threads_end_also_those_that_were_left_behind() -> None:
    workers, late = Workers(), threading.Event()
    threads: queue.SimpleQueue[threading.Thread] = queue.SimpleQueue()

    def work(number: int) -> None:
        threads.put(threading.current_thread())
        if number:
            late.wait(10)

    workers.start(work, 2)
    found = [threads.get(timeout=10) for _ in range(2)]
    workers.end()
    assert any(thread.is_alive() for thread in found)
    late.set()
    for thread in found:
        thread.join(10)
    assert not any(thread.is_alive() for thread in found)
