"""The folder ``constructs/`` shares its name with the library that the CDK imports: it must never hide it."""

import constructs

from stacks.settings import ENVIRONMENTS

ROOT = ENVIRONMENTS.parent


def test_constructs_is_a_source_root_and_no_package() -> None:
    assert not (ROOT / "constructs" / "__init__.py").exists()


def test_constructs_is_the_librarys() -> None:
    assert "site-packages" in str(constructs.__file__)
    assert constructs.Construct.__module__ == "constructs"


def test_nothing_imports_upwards() -> None:
    """environments -> settings -> stage -> stacks -> constructs; the proxy knows none of them."""
    above = {"constructs": ("stacks", "endpointctl", "local_aws", "proxy"), "lambda": ("stacks", "sagemaker_llm")}
    # stacks may: it deploys the proxy, and describes its API.
    above["stacks"] = ("endpointctl", "local_aws", "pipeline_access")
    above["endpointctl"] = ("local_aws", "pipeline_access", "proxy")
    above["pipeline_access"] = ("endpointctl", "local_aws", "proxy")
    wrong = [
        f"{path.relative_to(ROOT)}: {line}"
        for folder, forbidden in above.items()
        for path in (ROOT / folder).rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.startswith(tuple(f"{verb} {name}" for verb in ("import", "from") for name in forbidden))
    ]
    assert wrong == []


def test_program_files_fit_on_two_screens() -> None:
    folders = ("bench", "constructs", "endpointctl", "lambda", "local_aws", "pipeline_access", "stacks")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    long = {str(path.relative_to(ROOT)): path.read_text("utf-8").count("\n") for path in files}
    assert {name: lines for name, lines in long.items() if lines > 250} == {}
