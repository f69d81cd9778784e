"""The composition root: reads environments/ and makes one stage for each.

``cdk synth -c environment=dev`` makes only that one.
"""

from __future__ import annotations

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks

from stacks import settings
from stacks.settings_error import SettingsError
from stacks.stage import LlmStage


def main() -> None:
    """Declare the environments and write the cloud assembly; exit 1 with one line for each wrong value."""
    app = cdk.App(analytics_reporting=False)
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    chosen = app.node.try_get_context("environment")
    try:
        for name in [chosen] if chosen else settings.names():
            LlmStage(app, name, settings=settings.read(name))
    except SettingsError as error:
        raise SystemExit(str(error)) from None
    app.synth()


if __name__ == "__main__":
    main()
