"""Two local clouds at the same time: `.local-cloud/env` leads to the newest, and no cloud breaks the other's file."""

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from local_aws.runner import env_file, run_folders
from local_aws.runner.cloud import Cloud


def local(runs: Path, port: int) -> Cloud:
    return Cloud(f"http://127.0.0.1:{port}", run_folders.create(runs), "AKIAEXAMPLE", "it's secret")


def endpoint(runs: Path) -> str:
    """Return the endpoint that a shell sees after `. .local-cloud/env`."""
    script = f'. "{runs}/env" && printf "%s %s" "$AWS_ENDPOINT_URL" "$AWS_SECRET_ACCESS_KEY"'
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    url, _, secret = done.stdout.partition(" ")
    assert secret == "it's secret"
    return url.rpartition(":")[2]


def test_one_cloud_publishes_its_variables_and_removes_them(tmp_path: Path) -> None:
    with env_file.published(local(tmp_path, 1), tmp_path) as own:
        assert endpoint(tmp_path) == "1"
        assert own.resolve() == (tmp_path / "env").resolve()
    assert not os.path.lexists(tmp_path / "env")


@pytest.mark.parametrize("first_to_end", ["older", "newer"])
def test_either_of_two_can_end_first(tmp_path: Path, first_to_end: str) -> None:
    with ExitStack() as older, ExitStack() as newer:
        older.enter_context(env_file.published(local(tmp_path, 1), tmp_path))
        own = newer.enter_context(env_file.published(local(tmp_path, 2), tmp_path))
        assert endpoint(tmp_path) == "2"
        if first_to_end == "older":
            older.close()
            assert endpoint(tmp_path) == "2"
            assert own.exists()
        else:
            newer.close()
            assert endpoint(tmp_path) == "1"
    assert not os.path.lexists(tmp_path / "env")


def killed(runs: Path, port: int) -> Path:
    """Publish the variables of a cloud in a process that is killed with SIGKILL; return its folder."""
    script = (
        "import os, signal, sys; from pathlib import Path; from local_aws.runner import env_file, run_folders\n"
        "from local_aws.runner.cloud import Cloud; runs = Path(sys.argv[1])\n"
        "cloud = Cloud('http://127.0.0.1:' + sys.argv[2], run_folders.create(runs), 'A', \"it's secret\")\n"
        "with env_file.published(cloud, runs): os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    root = Path(env_file.__file__).parents[2]
    subprocess.run([sys.executable, "-c", script, str(runs), str(port)], cwd=root, check=False)
    (folder,) = set(runs.glob("run-*")) - set(run_folders.living(runs))
    return folder


def test_after_a_kill_the_link_goes_back_to_the_cloud_that_runs(tmp_path: Path) -> None:
    with env_file.published(local(tmp_path, 1), tmp_path):
        folder = killed(tmp_path, 2)
        assert endpoint(tmp_path) == "2", "nobody could change the link yet"
        env_file.refresh(tmp_path)
        assert endpoint(tmp_path) == "1"
        run_folders.remove_orphans(tmp_path)
        assert not folder.exists()
        assert endpoint(tmp_path) == "1"


def test_a_killed_cloud_leaves_nothing_to_the_next_one(tmp_path: Path) -> None:
    killed(tmp_path, 1)
    run_folders.remove_orphans(tmp_path)
    with env_file.published(local(tmp_path, 2), tmp_path):
        assert endpoint(tmp_path) == "2"
    assert not os.path.lexists(tmp_path / "env")


def test_a_cloud_that_has_not_published_is_ignored(tmp_path: Path) -> None:
    with env_file.published(local(tmp_path, 1), tmp_path):
        run_folders.create(tmp_path)
        env_file.refresh(tmp_path)
        assert endpoint(tmp_path) == "1"


def test_a_removed_folder_is_no_error(tmp_path: Path) -> None:
    env_file.refresh(tmp_path / "removed")


def test_a_file_of_an_earlier_version_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "env").write_text("export AWS_ENDPOINT_URL=http://127.0.0.1:9\n", "utf-8")
    with env_file.published(local(tmp_path, 1), tmp_path):
        assert endpoint(tmp_path) == "1"
