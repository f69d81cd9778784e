"""The section ``alarms``."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from sagemaker_llm import limits
from stacks.settings.section import Section

Email = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", max_length=320)]
Percent = Annotated[float, Field(gt=0, le=100)]


class Alarms(Section):
    """Who is told when the endpoint or the proxy fails, and a dashboard."""

    email: Email | None = Field(
        default=None, description="An e-mail address; its owner confirms the subscription once, by a link from AWS."
    )
    topic_arn: str | None = Field(
        default=None,
        pattern=r"^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}$",
        description="Instead of email: an SNS topic of yours, of the environment's region. Its policy, and its key's, "
        "have to allow CloudWatch and EventBridge.",
    )
    error_percent: Percent = Field(
        default=5.0, description="The share of failed requests above which an alarm fires, of five or more requests."
    )
    latency_percent: Percent = Field(
        default=75.0,
        description="The share of the deadline above which the 90th percentile of the latency is an alarm.",
    )
    saturation_percent: Percent = Field(
        default=80.0, description="The share of proxy.requests_per_instance above which an instance is full."
    )
    runbook_url: str = Field(
        default="docs/runbook.md",
        pattern=r"^[^\s#]+$",
        max_length=500,
        description="Where your team reads docs/runbook.md, e.g. its page at your Git host. Each alarm's description "
        "ends with a link into it.",
    )

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        limits.check_one_of("email", self.email, "topic_arn", self.topic_arn, remedy="see docs/settings.md")
        return self
