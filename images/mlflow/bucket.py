"""Makes the bucket that MLflow keeps artifacts in, where it is not there; says what is wrong otherwise.

Environment: BUCKET, MLFLOW_S3_ENDPOINT_URL (none: AWS), and the AWS_* that boto3 reads itself.
"""

import os
import sys

import boto3
from botocore.exceptions import BotoCoreError, ClientError


def made(bucket: str, endpoint: str | None) -> bool:
    """True if the bucket was made, False if it was there.

    Raises ClientError where the store refused, as with wrong keys, and BotoCoreError where it was not reached or no
    keys are set.
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
    """Exit code: 0 the bucket is there, 1 it is not."""
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
