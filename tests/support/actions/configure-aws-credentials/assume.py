"""Exchange a token like GitHub's for the credentials of a role, and print them as variables. Standard library only."""

import base64
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ET

ISSUER = "https://token.actions.githubusercontent.com"


def encoded(content: dict[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def subject() -> str:
    """Return what GitHub puts into the token: the environment of a job that has one, else the event or the branch."""
    repository = f"repo:{os.environ['GITHUB_REPOSITORY']}"
    if environment := os.environ.get("ENV"):  # act does not tell it; the workflow's variable is the same
        return f"{repository}:environment:{environment}"
    if os.environ["GITHUB_EVENT_NAME"] == "pull_request":
        return f"{repository}:pull_request"
    return f"{repository}:ref:{os.environ['GITHUB_REF']}"


def main() -> None:
    token = {"iss": ISSUER, "aud": "sts.amazonaws.com", "sub": subject()}
    query = {
        "Action": "AssumeRoleWithWebIdentity",
        "Version": "2011-06-15",
        "RoleArn": os.environ["ROLE"],
        "RoleSessionName": os.environ["SESSION"],
        "DurationSeconds": os.environ["SECONDS_"],
        "WebIdentityToken": f"{encoded({'alg': 'none'})}.{encoded(token)}.x",
    }
    try:
        with urllib.request.urlopen(os.environ["AWS_ENDPOINT_URL"], urllib.parse.urlencode(query).encode()) as answer:
            found = {one.tag.rpartition("}")[2]: one.text for one in ET.fromstring(answer.read()).iter()}
    except urllib.error.HTTPError as error:
        sys.exit(f"{token['sub']} may not assume {os.environ['ROLE']}: {error.read().decode()}")
    region = os.environ["REGION"]
    print(f"AWS_ACCESS_KEY_ID={found['AccessKeyId']}\nAWS_SECRET_ACCESS_KEY={found['SecretAccessKey']}")
    print(f"AWS_SESSION_TOKEN={found['SessionToken']}\nAWS_REGION={region}\nAWS_DEFAULT_REGION={region}")


if __name__ == "__main__":
    main()
