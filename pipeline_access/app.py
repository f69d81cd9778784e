"""The composition root of the pipelines' roles: reads access.yaml and makes one stack."""

from __future__ import annotations

import json
from pathlib import Path

import aws_cdk as cdk

from pipeline_access import access
from pipeline_access.stack import PipelineAccessStack
from stacks import validation
from stacks.names import PROJECT
from stacks.settings.errors import SettingsError

STACK = f"{PROJECT}-pipeline-access"
"""The stack's name."""

_MAIN_APP = Path(__file__).parents[1] / "cdk.json"
"""The feature flags are those of the main app."""


def main() -> None:
    """Declare the stack and write the cloud assembly; exit 1 with one line for each wrong value."""
    app = cdk.App(analytics_reporting=False, context=json.loads(_MAIN_APP.read_text("utf-8"))["context"])
    validation.add_to(app)
    given = {key: app.node.try_get_context(key) for key in access.ON_THE_COMMAND_LINE}
    try:
        settings = access.read(given={key: value for key, value in given.items() if value is not None})
    except SettingsError as error:
        raise SystemExit(str(error)) from None
    PipelineAccessStack(app, STACK, access=settings)
    app.synth()


if __name__ == "__main__":
    main()
