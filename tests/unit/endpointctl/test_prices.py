"""The arithmetic of a plan, by cases that were computed by hand."""

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from endpointctl.prices import live, output
from endpointctl.prices.amount import Amount, number
from endpointctl.prices.difference import Difference, grid
from endpointctl.prices.difference import summary as summary_of_change
from endpointctl.prices.estimate import Estimate
from endpointctl.prices.items import Load
from endpointctl.prices.price_list import Price, PriceList, Unknown, instance_prices, old_prices
from endpointctl.prices.terms import SOFTWARE, Terms
from endpointctl.prices.text import grids, notes, summary
from stacks.settings import ENVIRONMENTS, Settings
from tests.support.templates import changed, content_of

HERE = "us-east-1"
TODAY = date(2026, 11, 25)
G5, G5_2 = "ml.g5.xlarge", "ml.g5.2xlarge"  # 1.408 and 1.515 USD an hour


def config(*variants: dict[str, Any]) -> dict[str, Any]:
    return {"Type": "AWS::SageMaker::EndpointConfig", "Properties": {"ProductionVariants": list(variants)}}


def variant(name: str = "AllTraffic", count: int = 1, **properties: Any) -> dict[str, Any]:
    return {"VariantName": name, "InitialInstanceCount": count, **({"InstanceType": G5} | properties)}


def pools(*types: str) -> dict[str, Any]:
    found = [{"InstanceType": name, "Priority": number + 1} for number, name in enumerate(types)]
    return {"VariantName": "AllTraffic", "InitialInstanceCount": 1, "InstancePools": found}


def target(least: int, most: int, *actions: dict[str, int]) -> dict[str, Any]:
    properties = {"ResourceId": "endpoint/x/variant/AllTraffic", "MinCapacity": least, "MaxCapacity": most}
    scheduled = [{"ScalableTargetAction": action} for action in actions]
    return {
        "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
        "Properties": {**properties, "ScheduledActions": scheduled},
    }


def estimate(*resources: dict[str, Any], software: float | None = 0.0, **terms: Any) -> Estimate:
    """Return an estimate of a template with these resources; the seller's software is free unless said otherwise."""
    prices = {} if software is None else {"AllTraffic": software, "Newer": software}
    template = {"Resources": {f"R{number}": one for number, one in enumerate(resources)}}
    return Estimate.of("x", {"x/endpoint": template}, Terms(**{"region": HERE, "software": prices, **terms}))


def bounds(amount: Amount | None) -> tuple[float, float]:
    assert amount is not None
    assert not amount.unknown
    return round(amount.low, 3), round(amount.high, 3)


def test_one_instance() -> None:
    found = estimate(config(variant()))
    assert bounds(found.hour) == (1.408, 1.408)
    assert bounds(found.month) == (1027.84, 1027.84)  # 730 h
    assert bounds(found.update) == (0.235, 0.939)  # 10 and 40 minutes
    assert found.office_month is None
    assert summary(found) == "x in us-east-1: 1,028 USD a month, always on; 1 x ml.g5.xlarge"


def test_the_sellers_price_is_added_to_each_instance() -> None:
    found = estimate(config(variant(count=2)), software=2.5)
    assert bounds(found.hour) == (7.816, 7.816)  # 2 x (1.408 + 2.5)
    assert bounds(found.month) == (5705.68, 5705.68)


def test_an_unknown_sellers_price_is_never_0() -> None:
    found = estimate(config(variant()), software=None)
    assert str(found.month) == "≥ 1,028 USD + the seller's software"
    assert found.month.as_json() == {
        "low_usd": None,
        "high_usd": None,
        "at_least_usd": 1027.84,
        "unknown": ["the seller's software"],
    }
    assert summary(found).startswith("x in us-east-1: ≥ 1,028 USD + the seller's software a month, always on")


def test_variants_have_prices_of_their_own() -> None:
    both = config(variant(), variant("Newer", InstanceType=G5_2))
    assert estimate(both, software=None).hour.unknown == (SOFTWARE,)
    one = Estimate.of("x", {"t": {"Resources": {"C": both}}}, Terms(HERE, {"Newer": 1.0}))
    assert [fleet.software.unknown for fleet in one.fleets] == [(SOFTWARE,), ()]
    assert round(one.hour.low, 3) == 3.923  # 1.408 + 1.515 + 1


def test_scaling_and_its_schedules_bound_the_instances() -> None:
    found = estimate(config(variant()), target(2, 4))
    assert bounds(found.hour) == (2.816, 5.632)
    assert bounds(found.update) == (0.469, 3.755)  # 2 for 10 minutes, 4 for 40
    night = estimate(config(variant()), target(2, 4, {"MinCapacity": 1, "MaxCapacity": 2}, {"MaxCapacity": 6}))
    assert bounds(night.hour) == (1.408, 8.448)
    assert "1 to 6 x ml.g5.xlarge" in summary(night)
    assert [row[0] for row in grids(night)[0].rows] == [
        "AllTraffic, least: 1 x ml.g5.xlarge",
        "AllTraffic, most: 6 x ml.g5.xlarge",
        "total",
    ]


def test_a_pool_is_a_range() -> None:
    assert bounds(estimate(config(pools(G5_2, G5))).month) == (1027.84, 1105.95)


def test_a_pool_with_a_type_of_unknown_price_has_no_lower_bound() -> None:
    found = estimate(config(pools(G5, "ml.p5e.48xlarge")))
    assert str(found.hour) == "unknown (ml.p5e.48xlarge in us-east-1)"
    assert found.missing[0].reason == "unknown in us-east-1: instances.toml has no price of it"


def test_another_regions_price_is_never_used_silently() -> None:
    found = estimate(config(variant()), {"Type": "AWS::KMS::Key"}, region="eu-central-1")
    assert str(found.month) == "unknown (ml.g5.xlarge in eu-central-1)"
    assert found.month.low == 0  # not the key's single dollar
    assert found.month.as_json()["low_usd"] is None
    assert "ml.g5.xlarge: unknown in eu-central-1; 1.408 USD an hour in us-east-1" in notes([found], TODAY)


def test_office_hours() -> None:
    found = estimate(config(variant()), {"Type": "AWS::KMS::Key"}, awake_hours=217.5)
    assert bounds(found.office_month) == (307.24, 307.24)  # 1.408 x 217.5, and a key
    assert bounds(found.month) == (1028.84, 1028.84)
    assert "307 USD with its office hours (218 h)" in summary(found)
    assert all(len(row) == len(grids(found)[0].head) for row in grids(found)[0].rows)


def test_an_endpoint_that_is_never_awake_costs_its_fixed_items() -> None:
    found = estimate(config(variant()), {"Type": "AWS::KMS::Key"}, awake_hours=0.0, software=None)
    assert bounds(found.office_month) == (1, 1)


def statistic(name: str, period: int = 60) -> dict[str, Any]:
    return {"Id": name, "MetricStat": {"Metric": {}, "Period": period, "Stat": "Sum"}}


FIXED = [
    ({"Type": "AWS::CloudWatch::Alarm", "Properties": {"Period": 60}}, 0.1),
    ({"Type": "AWS::CloudWatch::Alarm", "Properties": {"Period": 10}}, 0.3),
    # Metric math pays for each metric.
    (
        {"Type": "AWS::CloudWatch::Alarm", "Properties": {"Metrics": [{"Expression": "a/b"}, *map(statistic, "ab")]}},
        0.2,
    ),
    (
        {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {"Metrics": [{"Expression": "ANOMALY_DETECTION_BAND(m, 2)"}, statistic("m")]},
        },
        0.3,
    ),
    ({"Type": "AWS::CloudWatch::CompositeAlarm", "Properties": {}}, 0.5),
    ({"Type": "AWS::CloudWatch::Dashboard", "Properties": {}}, 3),
    ({"Type": "AWS::KMS::Key", "Properties": {}}, 1),
    ({"Type": "AWS::WAFv2::WebACL", "Properties": {"Rules": [{}, {}, {}]}}, 8),
    ({"Type": "AWS::Budgets::Budget", "Properties": {}}, 0),
]


@pytest.mark.parametrize(("resource", "usd"), FIXED, ids=lambda value: str(value)[:60])
def test_fixed_items(resource: dict[str, Any], usd: float) -> None:
    assert bounds(estimate(resource).month) == (usd, usd)


def test_a_type_that_nobody_priced_is_unknown() -> None:
    found = estimate({"Type": "AWS::New::Thing", "Properties": {}})
    assert str(found.month) == "unknown (AWS::New::Thing)"


def proxy(**properties: Any) -> dict[str, Any]:
    variables = {"Variables": {"ENDPOINT_NAME": "x"}}
    given = {"MemorySize": 512, "Architectures": ["arm64"], "Environment": variables, **properties}
    return {"Type": "AWS::Lambda::Function", "Properties": given}


def test_a_million_requests() -> None:
    stage = {"Type": "AWS::ApiGateway::Stage", "Properties": {"TracingEnabled": True}}
    capture = config(variant())
    capture["Properties"]["DataCaptureConfig"] = {"EnableCapture": True, "InitialSamplingPercentage": 10}
    acl = {"Type": "AWS::WAFv2::WebACL", "Properties": {}}
    found = estimate(proxy(), stage, capture, acl)
    assert {item.name: round(item.usd.low, 4) for item in found.per_million} == {
        "REST API: requests": 3.5,
        "REST API: access log": 0.5,
        "web ACL: requests": 0.6,
        "X-Ray: traces, at most one for each request": 5.0,
        "proxy: requests": 0.2,
        "proxy: 5 s of 0.5 GB each": 33.3335,
        "proxy: log": 0.5,
        "endpoint: data in and out": 0.064,
        "captured data, for each month that it is kept": 0.0092,
    }


def test_snapstart_and_metrics_are_fixed() -> None:
    found = estimate(proxy(SnapStart={"ApplyOn": "PublishedVersions"}), custom_metrics=12)
    usd = {item.name: round(item.usd.low, 3) for item in found.fixed}
    # 0.5 GB x 730 h x 3,600 s x 0.0000015046
    assert usd == {
        "12 x custom metrics, in months in which each is published": 3.6,
        "1 x SnapStart's cache of a version": 1.977,
    }


def test_the_volume_of_a_type_without_nvme_storage() -> None:
    found = estimate(config(variant(InstanceType="ml.p3.2xlarge", VolumeSizeInGB=100)))
    assert bounds(found.month) == (2806.25, 2806.25)  # 3.825 x 730 + 100 x 0.14
    assert bounds(estimate(config(variant(VolumeSizeInGB=100))).month) == (1027.84, 1027.84)


# ---- a change ----------------------------------------------------------------------------------------------------


def test_the_difference_of_a_change() -> None:
    old, new = estimate(config(variant())), estimate(config(variant(InstanceType=G5_2)))
    assert str(Difference("x", old, new)) == "+78.11 USD"  # (1.515 - 1.408) x 730
    assert str(Difference("x", new, old)) == "-78.11 USD"
    assert str(Difference("x", old, old)) == "0 USD"
    assert str(Difference("x", None, old)) == "+1,028 USD"
    assert str(Difference("x", old, None)) == "-1,028 USD"
    scaled = estimate(config(variant()), target(1, 3))
    assert str(Difference("x", old, scaled)) == "0 to +2,056 USD"


def test_a_difference_names_what_it_does_not_know() -> None:
    old, new = estimate(config(variant()), software=None), estimate(config(variant(count=2)), software=None)
    assert str(Difference("x", old, new)) == "+1,028 USD, not counting the seller's software"
    assert str(Difference("x", old, old)) == "0 USD"
    there = estimate(config(variant()), region="eu-central-1")
    assert str(Difference("x", old, there)).startswith("unknown (")
    assert Difference("x", old, there).month is None
    assert str(Difference("x", there, there)) == "0 USD"


def test_office_hours_are_a_difference() -> None:
    always, office = estimate(config(variant())), estimate(config(variant()), awake_hours=250.0)
    found = Difference("x", always, office)
    assert str(found) == "-676 USD"  # 1.408 x (730 - 250)
    assert grid([found]).rows == (("x", "1,028 USD", "352 USD (250 h)", "-676 USD"),)
    # More instances that sleep as long: only the hours awake count.
    more = estimate(config(variant(count=2)), awake_hours=250.0)
    assert str(Difference("x", office, more)) == "+352 USD"


def test_the_summary_of_a_change() -> None:
    old, new = estimate(config(variant())), estimate(config(variant(InstanceType=G5_2)))
    changes = [Difference("dev", old, new), Difference("prod", old, old)]
    assert summary_of_change(changes) == "USD a month: dev +78.11 USD"
    assert summary_of_change(changes[1:]).startswith("USD a month: no difference")


# ---- prices and formats ------------------------------------------------------------------------------------------


def test_old_prices_are_flagged() -> None:
    found = estimate(config(variant()))
    assert not any("OLDER" in note for note in notes([found], TODAY))
    later = date(2027, 5, 1)
    (line,) = [note for note in notes([found], later) if note.startswith("ml.g5.xlarge: 1.408")]
    assert line.endswith("OLDER THAN 180 DAYS, look it up")
    assert old_prices(TODAY) == []
    assert G5 in {price.name for price in old_prices(later)}
    price = found.used[0]
    assert [price.is_old(date(2027, 4, 30)), price.is_old(later)] == [False, True]  # 180 days, and 181


def test_each_price_is_listed_once_with_its_origin() -> None:
    found = estimate(config(variant()), config(variant("Newer")))
    (line,) = [note for note in notes([found, found], TODAY) if note.startswith("ml.g5.xlarge")]
    price, _, origin = line.partition(", ")
    assert price == "ml.g5.xlarge: 1.408 USD per instance and hour"
    assert origin.startswith("us-east-1, 2026-11-01, https://aws.amazon.com/sagemaker/pricing/; unverified")


def test_the_json_document() -> None:
    document = json.loads(output.as_json([estimate(config(variant()), target(1, 2), awake_hours=100.0)], TODAY))
    assert list(document) == ["version", "currency", "environments", "prices", "notes"]
    (found,) = document["environments"]
    assert found["variants"][0]["max_instances"]["office_hours_month"]["high_usd"] == 281.6
    assert found["total"]["month"] == {"low_usd": 1027.84, "high_usd": 2055.68, "at_least_usd": 1027.84, "unknown": []}
    assert {key: document["prices"][0][key] for key in ("name", "usd", "region", "seen", "verified", "old")} == {
        "name": G5,
        "usd": 1.408,
        "region": HERE,
        "seen": "2026-11-01",
        "verified": False,
        "old": False,
    }


def test_numbers() -> None:
    shown = [number(usd) for usd in (0, 0.0000133334, 0.0099, 0.01, 1.408, 31.56, 99.9996, 1027.84, 46206.08)]
    assert shown == ["0", "0.0000133334", "0.0099", "0.01", "1.408", "31.56", "100", "1,028", "46,206"]


def test_the_sellers_price_of_the_settings() -> None:
    content = content_of(ENVIRONMENTS / "dev.yaml")
    assert Terms.of(Settings.model_validate(content)).software == {}
    priced = changed(content, {"model.software_price_per_hour": 0.0})
    assert Terms.of(Settings.model_validate(priced)).software == {"AllTraffic": 0.0}
    for wrong in (-1.0, float("inf"), float("nan"), "2"):
        with pytest.raises(ValueError, match="software_price_per_hour"):
            Settings.model_validate(changed(content, {"model.software_price_per_hour": wrong}))


# ---- AWS's price list --------------------------------------------------------------------------------------------


def product(usd: str = "1.5", unit: str = "Hrs") -> dict[str, Any]:
    dimension = {"unit": unit, "pricePerUnit": {"USD": usd}}
    return {"terms": {"OnDemand": {"T": {"priceDimensions": {"D": dimension}}}}}


def test_an_hourly_price() -> None:
    assert live.hourly([product()]) == 1.5


@pytest.mark.parametrize(
    ("products", "reason"),
    [
        ([], "0 products"),
        ([product(), product()], "2 products"),
        ([product(unit="Quantity")], "not for hours"),
        ([product("0.0000000000")], "is no price"),
        ([product("NaN")], "is no price"),
        ([product("inf")], "is no price"),
        ([{"terms": {"OnDemand": {}}}], "0 on-demand terms"),
        ([{"terms": {"OnDemand": {"T": {"priceDimensions": {}}}}}], "0 price dimensions"),
    ],
)
def test_an_answer_that_is_not_clear_is_refused(products: list[Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        live.hourly(products)


def test_without_credentials_a_live_price_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/nonexistent")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    found = live.AwsPrices(HERE).find(G5)
    assert isinstance(found, Unknown)
    assert "no AWS credentials" in found.reason


def test_a_price_list_remembers_what_was_used() -> None:
    prices = PriceList(HERE)
    prices.instance(G5)
    prices.instance(G5)
    prices.instance("ml.p5e.48xlarge")
    assert list(prices.used) == [G5]
    assert list(prices.missing) == ["ml.p5e.48xlarge"]
    found = instance_prices(HERE)(G5)
    assert isinstance(found, Price)
    assert replace(found, region="all").region == "all"
    assert str(Load(seconds=1)) == "a request of 1 s and 4 KB, and a log line of 1 KB for each"
