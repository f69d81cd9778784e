import time
from collections.abc import Callable

from local_aws.conditions import Conditions
from tests.support.cloud import Deployed
from tests.support.power import Switched
from tests.support.templates import EXAMPLES, content_of


def test_x(deployed: Deployed, account: Callable[[Conditions], None]) -> None:
    s = Switched("office-hours", account)
    t = time.time()
    s.deploy(content_of(EXAMPLES / "office-hours.yaml"))
    print("deployed", time.time() - t)
    print(s.call("status"))
    print(s.call("sleep", by="person"))
    s.wait(lambda s: s.is_asleep)
    print("asleep", time.time() - t, s.lease)
    print(s.call("tick"))
    print(s.call("wake", by="person", minutes=30))
    s.wait(lambda s: s.is_awake)
    print("awake", time.time() - t, s.lease)
    print(s.call("extend", minutes=30))
    s.move_clock(3700)
    s.wait(lambda s: s.is_asleep)
    print("lease ended", time.time() - t, s.lease)
    for l in s.log():
        print(l)
