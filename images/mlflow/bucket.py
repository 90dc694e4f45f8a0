"""Creates the bucket in which MLflow keeps artifacts, if it does not exist; prints what is wrong otherwise.

Environment: BUCKET, MLFLOW_S3_ENDPOINT_URL (unset: AWS), and the AWS_* variables that boto3 reads.
"""

import os
import sys

import boto3
from botocore.exceptions import BotoCoreError, ClientError


def made(bucket: str, endpoint: str | None) -> bool:
    """Create the bucket. Returns True if it was created, False if it existed.

    Raises ClientError where the store refused, as with wrong keys, and BotoCoreError where it could not be reached or
    no keys are set.
    """
    store = boto3.client("s3", endpoint_url=endpoint)
    try:
        store.head_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("404", "NoSuchBucket"):
            raise
    else:
        return False
    region = store.meta.region_name
    elsewhere = {} if region in (None, "us-east-1") else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    store.create_bucket(Bucket=bucket, **elsewhere)
    return True


def main() -> int:
    """Returns the exit code: 0 if the bucket exists now, 1 if it does not."""
    bucket, endpoint = os.environ["BUCKET"], os.environ.get("MLFLOW_S3_ENDPOINT_URL")
    where = f"bucket {bucket} at {endpoint or 'AWS'}"
    try:
        print(f"{where}: {'made' if made(bucket, endpoint) else 'is there'}")
    except (ClientError, BotoCoreError) as error:
        print(f"{where}: {error}. Check its keys and that the store runs; Kubernetes tries again.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
