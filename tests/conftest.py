"""How the tests are spread over the workers."""

from typing import Any

from xdist.scheduler import LoadFileScheduling

# Files that share a deployed local cloud, which takes a worker a third of a minute to make.
_TOGETHER = {
    "deployed-1": ("test_failures.py", "test_sagemaker.py", "test_generate.py", "test_privilege.py"),
    "deployed-2": ("test_environments.py", "test_updates.py"),
}


class _Scheduling(LoadFileScheduling):  # type: ignore[misc]
    """Files as wholes, and those that share a cloud as one."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        groups = (
            name for name, files in _TOGETHER.items() if file.startswith("tests/deployed/") and file.endswith(files)
        )
        return next(groups, file)


def pytest_xdist_make_scheduler(config: Any, log: Any) -> _Scheduling:
    return _Scheduling(config, log)
