"""A deployed environment with alarms, a queue that is told by its topic, and a clock that a test moves."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import boto3

from local_aws.conditions import ConditionsFile, set_conditions
from tests.support import cloud
from tests.support.cloud import Deployed

MINUTE = 60
_PATIENCE_SECONDS = 20


class Watched:
    """The alarms of a deployed environment.

    Args:
        deployed: the local cloud.
        topic: the name of the topic.

    """

    def __init__(self, deployed: Deployed, topic: str) -> None:
        self._path = deployed.cloud.conditions
        self._cloudwatch: Any = boto3.client("cloudwatch")
        self._sqs: Any = boto3.client("sqs")
        self._queue = self._sqs.create_queue(QueueName=f"{topic}-told")["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])["Attributes"][
            "QueueArn"
        ]
        statement = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": arn}
        policy = cloud.policy({**statement, "Principal": {"Service": "sns.amazonaws.com"}})
        self._sqs.set_queue_attributes(QueueUrl=self._queue, Attributes={"Policy": policy})
        sns = boto3.client("sns")
        topics = [one["TopicArn"] for one in sns.list_topics()["Topics"]]
        sns.subscribe(TopicArn=next(one for one in topics if one.endswith(f":{topic}")), Protocol="sqs", Endpoint=arn)

    @property
    def now(self) -> float:
        """Return the time of the local cloud's clock."""
        return time.time() + ConditionsFile(str(self._path)).now().clock_ahead_seconds

    def change(self, **conditions: Any) -> None:
        """Change conditions; the clock stays."""
        set_conditions(replace(ConditionsFile(str(self._path)).now(), **conditions), self._path)

    def move(self, minutes: float) -> None:
        """Move the clock."""
        ahead = ConditionsFile(str(self._path)).now().clock_ahead_seconds
        self.change(clock_ahead_seconds=ahead + minutes * MINUTE)

    def begin_minute(self) -> None:
        """Move the clock to the beginning of the next minute: what follows within a minute is in one period."""
        self.move(1 - self.now % MINUTE / MINUTE)

    def put(
        self,
        namespace: str,
        dimensions: dict[str, str],
        values: Mapping[str, Sequence[float]],
        minutes: int = 16,
        *,
        ago: int = 0,
    ) -> None:
        """Put the values of metrics into each of the minutes that begin now, and move the clock behind them.

        Args:
            namespace: the metrics'.
            dimensions: the metrics'.
            values: the values of each minute.
            minutes: how many.
            ago: begin so many minutes before, and leave the clock.

        """
        first = self.now // MINUTE * MINUTE - ago * MINUTE
        named = [{"Name": name, "Value": value} for name, value in dimensions.items()]
        for start in range(0, minutes, 20):
            data = [
                {
                    "MetricName": name,
                    "Dimensions": named,
                    "Timestamp": datetime.fromtimestamp(first + minute * MINUTE, UTC),
                    "Values": list(given),
                }
                for minute in range(start, min(minutes, start + 20))
                for name, given in values.items()
            ]
            self._cloudwatch.put_metric_data(Namespace=namespace, MetricData=data)
        if not ago:
            self.move(minutes)

    def states(self) -> dict[str, str]:
        """Return the states of all alarms by their names."""
        found = self._cloudwatch.describe_alarms(AlarmTypes=["MetricAlarm", "CompositeAlarm"])
        alarms = [*found["MetricAlarms"], *found["CompositeAlarms"]]
        return {one["AlarmName"]: one["StateValue"] for one in alarms}

    def alarming(self) -> set[str]:
        """Return the names of the alarms that fire."""
        return {name for name, state in self.states().items() if state == "ALARM"}

    def until(self, what: Callable[[], bool]) -> None:
        """Wait until something is so."""
        limit = time.monotonic() + _PATIENCE_SECONDS
        while not what():
            assert time.monotonic() < limit, self.states()
            time.sleep(0.05)

    def settled(self) -> dict[str, str]:
        """Return the states after every alarm was evaluated in the present minute: a marker alarm says so."""
        name = f"marker-{self.now // MINUTE:.0f}"
        self._cloudwatch.put_metric_alarm(
            AlarmName=name,
            MetricName="Marker",
            Namespace="Marker",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=0,
            ComparisonOperator="GreaterThanThreshold",
            TreatMissingData="breaching",
        )
        self.until(lambda: self.states()[name] == "ALARM")
        self._cloudwatch.delete_alarms(AlarmNames=[name])
        return self.states()

    def settled_alarming(self) -> set[str]:
        """Return the names of the alarms that fire after every alarm was evaluated in the present minute."""
        return {name for name, state in self.settled().items() if state == "ALARM" and not name.startswith("marker")}

    def told(self) -> list[dict[str, Any]]:
        """Return the messages that the topic has sent since the last call."""
        found = []
        while messages := self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                found.append(json.loads(json.loads(message["Body"])["Message"]))
                self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
        return found

    def pages(self) -> list[tuple[str, str]]:
        """Return the alarms and their new states in the messages since the last call."""
        return [(one["AlarmName"], one["NewStateValue"]) for one in self.told() if "AlarmName" in one]
