"""Writes the secrets of compose.yaml where they are missing: `make compose` calls it before it starts anything.

    python3 images/compose-secrets.py [DIRECTORY]

The directory is .secrets, which only its owner may enter; Docker mounts its files into containers whose users may read
them. What is there already stays: PostgreSQL and the S3 store know it.
"""

import os
import secrets
import sys
from pathlib import Path


def secret_files(password: str, access_key: str, secret_key: str) -> dict[str, str]:
    """The content of each file by its name, in the form that its reader takes."""
    service = f"[slipway]\nhost=postgresql\nport=5432\nuser=mlflow\npassword={password}\n"
    credentials = f"[default]\naws_access_key_id = {access_key}\naws_secret_access_key = {secret_key}\n"
    return {
        "postgresql_password": password,
        "postgresql_service": service,
        "s3.env": f"ROOT_ACCESS_KEY_ID={access_key}\nROOT_SECRET_ACCESS_KEY={secret_key}\n",
        "s3_credentials": credentials,
    }


def write(directory: Path) -> list[str]:
    """Write all files, or none where they are there; returns the names of those that were written.

    Raises SystemExit where only some are there: new ones would not fit the others, nor the volumes.
    """
    wanted = secret_files(secrets.token_urlsafe(24), secrets.token_hex(10), secrets.token_urlsafe(30))
    there = sorted(name for name in wanted if (directory / name).exists())
    if len(there) == len(wanted):
        return []
    if there:
        missing = ", ".join(sorted(set(wanted) - set(there)))
        sys.exit(f"error: {directory} has no {missing}: restore it, or remove all of {directory} and the volumes")
    partial = directory.with_name(f"{directory.name}.partial-{os.getpid()}")
    partial.mkdir(mode=0o700, parents=True)
    for name, text in wanted.items():
        (partial / name).write_text(text)
        (partial / name).chmod(0o644)
    if directory.is_dir():
        directory.rmdir()  # it is empty
    partial.rename(directory)
    return sorted(wanted)


if __name__ == "__main__":
    given = Path(sys.argv[1] if len(sys.argv) > 1 else ".secrets")
    try:
        for written in write(given):
            print(f"wrote {given / written}")
    except OSError as error:
        sys.exit(f"error: the secrets cannot be written to {given}: {error}")
