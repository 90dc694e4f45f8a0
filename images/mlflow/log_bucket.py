"""Makes the bucket in which Argo archives the logs of steps, and an account that may only write and read there.

The account is made by the admin API of versitygw, the S3 store of charts/platform. Where this program is not given the
store's own keys (AWS_ACCESS_KEY_ID), the store is another one: bucket and account have to be there, and it only tries
them.

Environment: LOGS_BUCKET, LOGS_ACCESS_KEY_ID, LOGS_SECRET_ACCESS_KEY, MLFLOW_S3_ENDPOINT_URL (unset: AWS), and the AWS_*
variables that boto3 reads.
"""

import json
import os
import sys
from urllib.parse import quote
from xml.sax.saxutils import escape

import boto3
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError, ClientError
from botocore.httpsession import URLLib3Session
from bucket import made

EXISTS = 409
"""versitygw's status for an account that is there already."""
TRIED = "slipway-was-here"
"""Name of the empty object that is written to try the keys."""


class NoAccount(Exception):
    """The store has refused to make or to change the account."""


def ask(endpoint: str, path: str, body: str) -> int:
    """Send a signed request to the admin API of versitygw; returns the HTTP status."""
    session = boto3.Session()
    request = AWSRequest("PATCH", f"{endpoint}{path}", data=body.encode())
    S3SigV4Auth(session.get_credentials(), "s3", session.region_name or "us-east-1").add_auth(request)
    return URLLib3Session().send(request.prepare()).status_code


def account(endpoint: str, access: str, secret: str) -> None:
    """Make the account, or give it this secret where it exists. Raises NoAccount."""
    given = f"<Secret>{escape(secret)}</Secret><Role>user</Role>"
    status = ask(endpoint, "/create-user", f"<Account><Access>{escape(access)}</Access>{given}</Account>")
    if status == EXISTS:
        path = f"/update-user?access={quote(access, safe='')}"
        status = ask(endpoint, path, f"<MutableProps>{given}</MutableProps>")
    if status >= 300:
        raise NoAccount(f"the account {access} could not be made: status {status}")


def policy(bucket: str, access: str) -> str:
    """The bucket's policy, as JSON: the account writes and reads objects and lists them, but deletes none.

    Argo's server lists before it reads. A log of more than 16 MiB is sent in parts.
    """
    resource = f"arn:aws:s3:::{bucket}"
    who = {"Effect": "Allow", "Principal": {"AWS": [access]}}
    objects = ["s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload"]
    statements = [
        {**who, "Action": objects, "Resource": [f"{resource}/*"]},
        {**who, "Action": ["s3:ListBucket"], "Resource": [resource]},
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def main() -> int:
    """Returns the exit code: 0 if logs can be archived now, 1 if they cannot."""
    name, endpoint = os.environ["LOGS_BUCKET"], os.environ.get("MLFLOW_S3_ENDPOINT_URL")
    access, secret = os.environ["LOGS_ACCESS_KEY_ID"], os.environ["LOGS_SECRET_ACCESS_KEY"]
    where = f"bucket {name} at {endpoint or 'AWS'}"
    try:
        if endpoint and os.environ.get("AWS_ACCESS_KEY_ID"):
            account(endpoint, access, secret)
            made(name, endpoint)
            boto3.client("s3", endpoint_url=endpoint).put_bucket_policy(Bucket=name, Policy=policy(name, access))
        logs = boto3.client("s3", endpoint_url=endpoint, aws_access_key_id=access, aws_secret_access_key=secret)
        logs.put_object(Bucket=name, Key=TRIED, Body=b"")
    except (ClientError, BotoCoreError, NoAccount) as error:
        hint = "Check both pairs of keys and that the store runs; Kubernetes tries again."
        print(f"{where}: {error}. {hint}", file=sys.stderr)
        return 1
    print(f"{where}: the account {access} can write to it")
    return 0


if __name__ == "__main__":
    sys.exit(main())
