"""The other side of the comparison: the same endpoint and function as plain CloudFormation resources in one stack."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3_assets as s3_assets
from aws_cdk import aws_sagemaker as sagemaker
from aws_cdk import aws_ssm as ssm

_SELLER = "arn:aws:sagemaker:us-east-1:865070037744:model-package"
_PACKAGE = f"{_SELLER}/cohere-gpt-medium-v1-5-15e34931a06235b7bac32dca396a970a"


def _role(stack: cdk.Stack, name: str, service: str, **statement: object) -> iam.CfnRole:
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]}
    return iam.CfnRole(
        stack,
        name,
        assume_role_policy_document={"Version": "2012-10-17", "Statement": [trust]},
        policies=[iam.CfnRole.PolicyProperty(policy_name="p", policy_document=document)],
    )


def _endpoint(stack: cdk.Stack) -> sagemaker.CfnEndpoint:
    log_group = logs.CfnLogGroup(
        stack, "EndpointLogs", log_group_name="/aws/sagemaker/Endpoints/bare", retention_in_days=30
    )
    role = _role(stack, "ModelRole", "sagemaker.amazonaws.com", Action="logs:PutLogEvents", Resource=log_group.attr_arn)
    model = sagemaker.CfnModel(
        stack,
        "Model",
        execution_role_arn=role.attr_arn,
        enable_network_isolation=True,
        primary_container=sagemaker.CfnModel.ContainerDefinitionProperty(model_package_name=_PACKAGE),
    )
    variant = sagemaker.CfnEndpointConfig.ProductionVariantProperty(
        variant_name="AllTraffic",
        model_name=model.attr_model_name,
        initial_instance_count=1,
        initial_variant_weight=1,
        instance_type="ml.g5.xlarge",
    )
    config = sagemaker.CfnEndpointConfig(stack, "Config", production_variants=[variant])
    return sagemaker.CfnEndpoint(
        stack, "Endpoint", endpoint_name="bare", endpoint_config_name=config.attr_endpoint_config_name
    )


def _function(stack: cdk.Stack, endpoint: sagemaker.CfnEndpoint) -> None:
    log_group = logs.CfnLogGroup(stack, "FunctionLogs", retention_in_days=30)
    role = _role(
        stack, "FunctionRole", "lambda.amazonaws.com", Action="sagemaker:InvokeEndpoint", Resource=endpoint.ref
    )
    code = s3_assets.Asset(stack, "Code", path="lambda", exclude=["**/__pycache__"])
    function = lambda_.CfnFunction(
        stack,
        "Function",
        code=lambda_.CfnFunction.CodeProperty(s3_bucket=code.s3_bucket_name, s3_key=code.s3_object_key),
        handler="proxy.handler.handler",
        role=role.attr_arn,
        runtime="python3.14",
        memory_size=512,
        timeout=70,
        logging_config=lambda_.CfnFunction.LoggingConfigProperty(log_group=log_group.ref),
    )
    version = lambda_.CfnVersion(stack, "Version", function_name=function.ref)
    alias = lambda_.CfnAlias(
        stack, "Live", function_name=function.ref, function_version=version.attr_version, name="live"
    )
    url = lambda_.CfnUrl(stack, "Url", auth_type="AWS_IAM", target_function_arn=function.attr_arn, qualifier="live")
    url.add_dependency(alias)
    for action in ("lambda:InvokeFunctionUrl", "lambda:InvokeFunction"):
        lambda_.CfnPermission(
            stack, action.rpartition(":")[2], action=action, function_name=alias.ref, principal=stack.account
        )
    ssm.CfnParameter(stack, "Parameter", name="/bare/generate-url", type="String", value=url.attr_function_url)


app = cdk.App(analytics_reporting=False)
stack = cdk.Stack(app, "Bare", env=cdk.Environment(region="us-east-1"))
_function(stack, _endpoint(stack))
app.synth()
