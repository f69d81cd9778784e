"""What a changed template does: replacement spreads through references, and losses and refusals are reported."""

from pathlib import Path
from typing import Any

import pytest

from endpointctl import templates
from endpointctl.changes import Change, changes, makes_new_fleet, refused
from endpointctl.failure import Failure
from stacks.settings import ENVIRONMENTS

ROOT = ENVIRONMENTS.parent


def template(**change: Any) -> dict[str, Any]:
    wanted = {"package": "a", "types": ["ml.g5.xlarge"], "scaled": False, "name": "e", "retain": False, **change}
    types: Any = wanted["types"]
    variant: dict[str, Any] = {"VariantName": "V", "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]}}
    if len(types) == 1:
        variant["InstanceType"] = types[0]
    else:
        variant["InstancePools"] = [{"InstanceType": name, "Priority": n} for n, name in enumerate(types, 1)]
    resources: dict[str, Any] = {
        "Model": {
            "Type": "AWS::SageMaker::Model",
            "Properties": {"PrimaryContainer": {"ModelPackageName": wanted["package"]}},
        },
        "Config": {"Type": "AWS::SageMaker::EndpointConfig", "Properties": {"ProductionVariants": [variant]}},
        "Endpoint": {
            "Type": "AWS::SageMaker::Endpoint",
            "Properties": {
                "EndpointName": wanted["name"],
                "EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]},
            },
        },
    }
    if wanted["scaled"]:
        target = {"ResourceId": "endpoint/e/variant/V"}
        resources["Target"] = {"Type": "AWS::ApplicationAutoScaling::ScalableTarget", "Properties": target}
    return {"Resources": resources}


def test_nothing_changes() -> None:
    assert changes(template(), template()) == []


def test_a_replacement_spreads_to_those_that_refer_to_it() -> None:
    found = changes(template(), template(package="b"))
    assert found == [
        Change("Config", "AWS::SageMaker::EndpointConfig", "replaced", ("ProductionVariants",)),
        Change("Endpoint", "AWS::SageMaker::Endpoint", "updated", ("EndpointConfigName",)),
        Change("Model", "AWS::SageMaker::Model", "replaced", ("PrimaryContainer",)),
    ]
    assert makes_new_fleet(found)
    assert not any(change.loss for change in found)


def test_the_endpoint_replaced_or_deleted_is_a_loss() -> None:
    (renamed,) = changes(template(), template(name="other"))
    assert (renamed.effect, bool(renamed.loss)) == ("replaced", True)
    gone = template()
    del gone["Resources"]["Endpoint"]
    (deleted,) = changes(template(), gone)
    assert (deleted.effect, bool(deleted.loss)) == ("deleted", True)


@pytest.mark.parametrize(("policy", "lost"), [("Retain", False), ("Delete", True)])
def test_what_is_retained_is_no_loss(policy: str, lost: bool) -> None:
    bucket = {"Type": "AWS::S3::Bucket", "DeletionPolicy": policy}
    (change,) = changes({"Resources": {"B": bucket}}, {"Resources": {}})
    assert bool(change.loss) == lost


def test_an_instance_type_under_autoscaling() -> None:
    (reason,) = refused(template(scaled=True), template(scaled=True, types=["ml.g5.2xlarge"]))
    assert reason.startswith("variant V: ml.g5.xlarge cannot become ml.g5.2xlarge while autoscaling is on: deploy with")
    (reason,) = refused(template(scaled=True), template(scaled=True, types=["ml.g5.xlarge", "ml.g6.xlarge"]))
    assert "cannot become ml.g5.xlarge, ml.g6.xlarge" in reason
    # Taking autoscaling away in the same deployment does not help: CloudFormation deletes the target afterwards.
    assert refused(template(scaled=True), template(types=["ml.g5.2xlarge"]))
    assert refused(template(scaled=True), {"Resources": {}})[0].startswith(
        "variant V: ml.g5.xlarge cannot become nothing"
    )


def test_what_is_allowed_under_autoscaling() -> None:
    assert refused(template(scaled=True), template(scaled=True, package="b")) == []
    assert refused(template(scaled=True), template()) == []
    assert refused(template(), template(scaled=True, types=["ml.g5.2xlarge"])) == []


@pytest.mark.parametrize("base", ["nonsense", "", "HEAD:app.py", "HEAD nonsense"])
def test_no_such_commit(base: str) -> None:
    with pytest.raises(Failure, match="give a branch, tag or hash"):
        templates.of_commit(base, None)


@pytest.mark.parametrize("base", ["--output={}", "-o{}", "--remote={}", "--exec={}"])
def test_a_base_is_never_an_option_of_git(tmp_path: Path, base: str) -> None:
    file = tmp_path / "kept"
    file.write_text("content", "utf-8")
    with pytest.raises(Failure, match="give a branch, tag or hash"):
        templates.of_commit(base.format(file), None)
    assert file.read_text("utf-8") == "content"


def resources(value: Any, **sections: Any) -> dict[str, Any]:
    """Return a template of a model that is replaced by another image, and a policy that refers to something."""
    image = sections.pop("image", "a")
    model = {"Type": "AWS::SageMaker::Model", "Properties": {"PrimaryContainer": {"Image": image}}}
    policy = {"Type": "AWS::IAM::Policy", "Properties": {"PolicyDocument": value}}
    return {"Resources": {"Model": model, "Policy": policy}, **sections}


@pytest.mark.parametrize(
    ("value", "refers"),
    [
        ({"Ref": "Model"}, True),
        ({"Fn::GetAtt": ["Model", "ModelName"]}, True),
        ({"Fn::GetAtt": "Model.ModelName"}, True),
        ({"Fn::Sub": "arn:${AWS::Partition}:${Model}"}, True),
        ({"Fn::Sub": "${Model.ModelName}"}, True),
        ({"Fn::Sub": ["${Name}/${Other}", {"Name": {"Ref": "Model"}, "Other": "x"}]}, True),
        ({"Fn::Sub": ["${Model}", {"Model": "a variable of its own"}]}, False),
        ({"Fn::Sub": "${!Model} ${Models}"}, False),
        ({"Fn::Join": ["", ["a", {"Fn::Sub": "${Model}"}]]}, True),
        ("Model", False),
    ],
)
def test_what_refers_to_a_replaced_resource(value: Any, refers: bool) -> None:
    found = {change.logical_id for change in changes(resources(value), resources(value, image="b"))}
    assert found == ({"Model", "Policy"} if refers else {"Model"})


def parameter(default: str) -> dict[str, Any]:
    return {
        "Parameters": {"Size": {"Type": "String", "Default": default}, "Other": {"Type": "String", "Default": "x"}},
        "Conditions": {
            "Large": {"Fn::Equals": [{"Ref": "Size"}, "large"]},
            "Not": {"Fn::Not": [{"Condition": "Large"}]},
            "Free": {"Fn::Equals": [{"Ref": "Other"}, "x"]},
        },
    }


@pytest.mark.parametrize(
    ("value", "changed"),
    [
        ({"Ref": "Size"}, True),
        ({"Fn::Sub": "x-${Size}"}, True),
        ({"Fn::If": ["Large", 1, 2]}, True),
        ({"Fn::If": ["Not", 1, 2]}, True),
        ({"Fn::If": ["Free", 1, 2]}, False),
        ({"Ref": "Other"}, False),
        ("Size", False),
    ],
)
def test_another_default_of_a_parameter_changes_what_refers_to_it(value: Any, changed: bool) -> None:
    before, after = resources(value, **parameter("small")), resources(value, **parameter("large"))
    assert [change.logical_id for change in changes(before, after)] == (["Policy"] if changed else [])
    assert changes(after, after) == []


def test_another_default_can_replace_the_endpoint() -> None:
    before, after = template(name={"Ref": "Name"}), template(name={"Ref": "Name"})
    before["Parameters"], after["Parameters"] = {"Name": {"Default": "a"}}, {"Name": {"Default": "b"}}
    (change,) = changes(before, after)
    assert (change.logical_id, change.effect, bool(change.loss)) == ("Endpoint", "replaced", True)
