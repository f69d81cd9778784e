"""The alarms in the templates: linked to the runbook, silent but for those that page, and bounded by the settings."""

import json
import re
from typing import Any

import pytest

from sagemaker_llm.operations.alarms.alarm import LEAST_REQUESTS
from stacks.names import key_beginning
from stacks.settings import Settings
from stacks.watching.custom_metrics import clients, custom_metrics
from tests.support.templates import EXAMPLES, ROOT, Content, changed, content_of, templates_of

Resources = list[dict[str, Any]]
ALARM, COMPOSITE, RULE = "AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm", "AWS::Events::Rule"
EXAMPLE = content_of(EXAMPLES / "alarms.yaml")
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text("utf-8")
VARIANT = {"model": {"catalog": "command-light-16"}, "instance_type": "ml.g5.xlarge"}
CALLERS = ["arn:aws:iam::111122223333:role/teams/search", "arn:aws:iam::111122223333:user/ann", "222233334444"]


def _of(content: Content, *types: str, stack: str = "") -> Resources:
    templates = templates_of(content, "alarms")
    return [
        one
        for name, template in templates.items()
        for one in template["Resources"].values()
        if one["Type"] in types and stack in name
    ]


@pytest.fixture(params=[{}, {"proxy.rest_api": None, "endpoint.more_variants": {"Newer": VARIANT}}], ids=["one", "two"])
def content(request: pytest.FixtureRequest) -> Content:
    return changed(EXAMPLE, request.param)


def test_every_description_links_to_a_section_of_the_runbook(content: Content) -> None:
    found = _of(content, ALARM, COMPOSITE, RULE)
    assert len(found) > 10
    for one in found:
        text = one["Properties"].get("AlarmDescription") or one["Properties"]["Description"]
        url, _, anchor = text.rpartition(" ")[2].partition("#")
        assert url == content["alarms"]["runbook_url"]
        assert f"\n### {anchor}\n" in RUNBOOK


def test_the_runbooks_table_has_every_alarm_and_no_other(content: Content) -> None:
    rows = set(re.findall(r"^\| \[([a-z-]+)\]\(#\1\)", RUNBOOK, re.MULTILINE))
    texts = [one["Properties"].get("AlarmDescription", "") for one in _of(EXAMPLE, ALARM)]
    ours = {text.rpartition("#")[2] for text in texts}
    assert rows == ours | {"wake-failures", "sleep-failures", "other-config", "stack-status"}


def test_missing_data_is_treated_on_purpose(content: Content) -> None:
    for one in _of(content, ALARM):
        properties = one["Properties"]
        expected = "breaching" if "no-instance" in properties["AlarmName"] else "notBreaching"
        assert properties["TreatMissingData"] == expected, properties["AlarmName"]


def test_children_are_silent_and_the_composite_names_each(content: Content) -> None:
    children = _of(content, ALARM, stack="operations")
    assert not any("AlarmActions" in one["Properties"] for one in children)
    (composite,) = _of(content, COMPOSITE)
    names = re.findall(r'ALARM\("([^"]+)"\)', composite["Properties"]["AlarmRule"])
    assert sorted(names) == sorted(one["Properties"]["AlarmName"] for one in children)
    assert len(composite["DependsOn"]) == len(children)


def test_the_presence_alarm_is_made_after_the_endpoint_and_the_rule_is_updated_before_it() -> None:
    resources = templates_of(EXAMPLE, "alarms")["endpoint"]["Resources"]
    ids = {one["Type"]: name for name, one in resources.items()}
    assert resources[ids[ALARM]]["DependsOn"] == [ids["AWS::SageMaker::Endpoint"]]
    assert ids[RULE] in resources[ids["AWS::SageMaker::Endpoint"]]["DependsOn"]
    assert "OKActions" not in resources[ids[ALARM]]["Properties"]


def test_an_alarm_has_at_most_ten_metrics_whatever_is_configured() -> None:
    many = {f"V{number}": VARIANT for number in range(9)}
    others = {f"cohere-{number}": {"api": "generate"} for number in range(20)}
    found = _of(changed(EXAMPLE, {"endpoint.more_variants": many, "proxy.endpoints": others}), ALARM)
    assert len(found) < 100
    assert max(len(one["Properties"].get("Metrics", [])) for one in found) <= 10


def test_a_topic_of_ones_own_is_used_and_none_is_made() -> None:
    arn = "arn:aws:sns:us-east-1:111122223333:pager"
    content = changed(EXAMPLE, {"alarms": {"topic_arn": arn}})
    assert _of(content, "AWS::SNS::Topic", "AWS::KMS::Key") == []
    (composite,) = _of(content, COMPOSITE)
    assert composite["Properties"]["AlarmActions"] == [arn]
    assert all(one["Properties"]["Targets"] == [{"Arn": arn, "Id": "Topic"}] for one in _of(content, RULE))


def test_the_thresholds_are_the_settings() -> None:
    own = {"alarms.error_percent": 1.5, "alarms.latency_percent": 50.0, "alarms.saturation_percent": 25.0}
    alarms = {one["Properties"]["AlarmName"]: one["Properties"] for one in _of(changed(EXAMPLE, own), ALARM)}
    assert alarms["cohere-alarms-model-errors"]["Threshold"] == 1.5
    assert alarms["cohere-alarms-latency"]["Threshold"] == 29 * 1e6 / 2
    assert (
        alarms["cohere-alarms-saturation"]["Threshold"]
        == Settings.model_validate(EXAMPLE).proxy.requests_per_instance / 4
    )
    expression = alarms["cohere-alarms-model-errors"]["Metrics"][0]["Expression"]
    assert expression == f"IF(FILL(requests,0)>{LEAST_REQUESTS - 1},100*FILL(errors,0)/requests,0)"


def test_without_alarms_there_is_nothing_of_them() -> None:
    content = changed(EXAMPLE, {"alarms": None})
    templates = templates_of(content, "alarms")
    assert "operations" not in templates
    assert "METRICS_" not in json.dumps(templates)
    assert _of(content, ALARM, COMPOSITE, RULE) == []


def test_the_number_of_custom_metrics_follows_the_settings() -> None:
    plain = custom_metrics(Settings.model_validate(changed(EXAMPLE, {"alarms": None})))
    assert plain == 10
    # The environment, six routes, one client and the others, one variant: four metrics each.
    assert custom_metrics(Settings.model_validate(EXAMPLE)) == plain + 4 * (1 + 6 + 2 + 1)
    sleeping = changed(EXAMPLE, {"alarms": None, "endpoint.sleep": {"idle_minutes": 60}})
    assert custom_metrics(Settings.model_validate(sleeping)) == plain + 3
    summarize = changed(EXAMPLE, {"model.api": "summarize", "proxy.rest_api": None})
    assert custom_metrics(Settings.model_validate(summarize)) == 0


def test_the_configured_clients() -> None:
    assert clients(Settings.model_validate(EXAMPLE)) == {key_beginning("search-team"): "search-team"}
    own = Settings.model_validate(changed(EXAMPLE, {"proxy.rest_api": None, "proxy.callers": CALLERS}))
    assert clients(own) == {"111122223333:search": "search", CALLERS[1]: "ann", "222233334444": "222233334444"}


def test_the_dashboard_asks_its_questions_in_order_and_has_no_clock(content: Content) -> None:
    (found,) = _of(content, "AWS::CloudWatch::Dashboard")
    body = json.loads(found["Properties"]["DashboardBody"])
    titles = [widget["properties"].get("title", "") for widget in body["widgets"]]
    questions = list(dict.fromkeys(title.partition("?")[0] for title in titles if "?" in title))
    assert questions == ["Is it up", "Is it fast", "Is it full", "What does it cost", "Who uses it"]
    assert "end" not in body
    assert sum(len(widget["properties"].get("metrics", [])) for widget in body["widgets"]) < 500
    places = [(widget["y"], widget["x"]) for widget in body["widgets"]]
    assert places == sorted(set(places))


def test_an_unknown_price_is_said() -> None:
    content = changed(EXAMPLE, {"region": "eu-west-1", "model": VARIANT["model"]})
    (found,) = _of(content, "AWS::CloudWatch::Dashboard")
    assert "Unknown: the list price of ml.g5.xlarge in eu-west-1" in found["Properties"]["DashboardBody"]


def test_an_endpoint_that_sleeps_takes_its_alarm_with_it() -> None:
    """The alarm has the endpoint's condition, and the role of the switch may make and delete this one alarm."""
    content = changed(EXAMPLE, {"endpoint.sleep": {"idle_minutes": 60}})
    templates = templates_of(content, "alarms")
    resources = templates["endpoint"]["Resources"].values()
    (alarm,) = (one for one in resources if one["Type"] == ALARM)
    (endpoint,) = (one for one in resources if one["Type"] == "AWS::SageMaker::Endpoint")
    assert alarm["Condition"] == endpoint["Condition"]
    statements = [
        statement
        for one in resources
        if one["Type"] == "AWS::IAM::Policy"
        for statement in one["Properties"]["PolicyDocument"]["Statement"]
        if "cloudwatch:PutMetricAlarm" in statement["Action"]
    ]
    arn = "arn:aws:cloudwatch:us-east-1:111122223333:alarm:cohere-alarms-no-instance"
    assert [statement["Resource"] for statement in statements] == [arn]
    names = [one["Properties"]["AlarmName"] for one in _of(content, ALARM, stack="operations")]
    assert "cohere-alarms-wake-failures" in names
    (dashboard,) = _of(content, "AWS::CloudWatch::Dashboard")
    assert "it sleeps" in dashboard["Properties"]["DashboardBody"]


@pytest.mark.parametrize(
    "changes",
    [
        {"model.api": "summarize", "proxy.rest_api": None},
        {"proxy.streaming": True},
        {"account": None},
        {"alarms": {"topic_arn": "arn:aws:sns:us-east-1:111122223333:pager"}, "endpoint.sleep": {"idle_minutes": 60}},
        {"endpoint.instance_type": None, "endpoint.instance_pools": [{"instance_type": "ml.g5.xlarge"}]},
    ],
    ids=["no proxy", "streams", "no account", "a topic of one's own, asleep", "pools"],
)
def test_whatever_else_is_set_the_names_in_the_dashboard_are_those_of_alarms(changes: dict[str, Any]) -> None:
    content = changed(EXAMPLE, changes)
    names = {one["Properties"]["AlarmName"] for one in _of(content, ALARM, COMPOSITE)}
    (dashboard,) = _of(content, "AWS::CloudWatch::Dashboard")
    text = json.dumps(dashboard["Properties"]["DashboardBody"])
    assert set(re.findall(r":alarm:([a-zA-Z0-9-]+)", text)) == names


def test_a_topic_of_another_region_is_refused() -> None:
    content = changed(EXAMPLE, {"alarms": {"topic_arn": "arn:aws:sns:eu-west-1:111122223333:pager"}})
    with pytest.raises(ValueError, match=r"alarms.topic_arn: .* is of another region.*a topic in us-east-1"):
        Settings.model_validate(content)


@pytest.mark.parametrize("value", [0, 100.5, -1, "5"])
def test_a_share_that_is_none_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="error_percent"):
        Settings.model_validate(changed(EXAMPLE, {"alarms.error_percent": value}))
