"""The composition root: reads environments/ and makes one stage for each.

``cdk synth -c environment=dev`` makes only that one.
"""

from __future__ import annotations

import aws_cdk as cdk

from stacks import settings, validation
from stacks.settings.errors import SettingsError
from stacks.stage import declare


def main() -> None:
    """Declare the environments and write the cloud assembly; exit 1 with one line for each wrong value."""
    app = cdk.App(analytics_reporting=False)
    validation.add_to(app)
    chosen = app.node.try_get_context("environment")
    try:
        for name in [chosen] if chosen else settings.names():
            declare(app, name)
    except SettingsError as error:
        raise SystemExit(str(error)) from None
    app.synth()


if __name__ == "__main__":
    main()
