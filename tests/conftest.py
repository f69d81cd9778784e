"""How the tests are spread over the workers."""

from typing import Any

from xdist.scheduler import LoadFileScheduling

# These share a deployed local cloud, which takes a worker a third of a minute to make.
_TOGETHER = ("test_failures.py", "test_sagemaker.py", "test_generate.py", "test_updates.py", "test_privilege.py")


class _Scheduling(LoadFileScheduling):  # type: ignore[misc]
    """Files as wholes, and those that share a cloud as one."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return "deployed" if file.startswith("tests/deployed/") and file.endswith(_TOGETHER) else file


def pytest_xdist_make_scheduler(config: Any, log: Any) -> _Scheduling:
    return _Scheduling(config, log)
