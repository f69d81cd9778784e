"""A bucket and a key of its own for captured requests and answers."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct


class CaptureBucket(Construct):
    """Where SageMaker writes the requests and answers it captures: **prompts and completions in clear text**.

    Encrypted with a key of its own, over TLS only, not public, and every object deleted after the retention. Bucket and
    key stay when the stack is deleted, because what was captured may be evidence; empty and delete them by hand.

    Args:
        scope: the parent.
        construct_id: the id in the parent.
        retention: how long what was captured is kept; default 30 days.

    Attributes:
        bucket: the bucket.
        key: its key.

    """

    def __init__(self, scope: Construct, construct_id: str, *, retention: Duration | None = None) -> None:
        super().__init__(scope, construct_id)
        self.key = kms.Key(
            self,
            "Key",
            description="Encrypts captured requests and answers",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.RETAIN,
        )
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            encryption=s3.BucketEncryption.KMS,
            encryption_key=self.key,
            bucket_key_enabled=True,
            enforce_ssl=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            removal_policy=RemovalPolicy.RETAIN,
            lifecycle_rules=[
                s3.LifecycleRule(
                    expiration=retention or Duration.days(30),
                    abort_incomplete_multipart_upload_after=Duration.days(1),
                )
            ],
        )

    def uri(self, endpoint_name: str) -> str:
        """Return where an endpoint's capture is written."""
        return f"s3://{self.bucket.bucket_name}/{endpoint_name}"

    def grant_capture(self, role: iam.IRole, endpoint_name: str) -> None:
        """Allow an execution role to write an endpoint's capture, and nothing else."""
        role.add_to_principal_policy(
            iam.PolicyStatement(actions=["s3:PutObject"], resources=[self.bucket.arn_for_objects(f"{endpoint_name}/*")])
        )
        role.add_to_principal_policy(
            iam.PolicyStatement(actions=["kms:GenerateDataKey", "kms:Decrypt"], resources=[self.key.key_arn])
        )
