"""The picture of the dashboard in docs/ is drawn from its definition. UPDATE_PICTURE=1 writes it again."""

import os

from local_aws.runner.dashboard_picture import PICTURE, picture
from tests.support.cloud import Deployed
from tests.support.templates import EXAMPLES, content_of, templates_of


def test_the_picture_is_the_dashboards(deployed: Deployed) -> None:
    found = picture(templates_of(content_of(EXAMPLES / "alarms.yaml"), "alarms"))
    if os.environ.get("UPDATE_PICTURE"):
        PICTURE.write_text(found, "utf-8")
    assert PICTURE.read_text("utf-8") == found, "run the test with UPDATE_PICTURE=1"
