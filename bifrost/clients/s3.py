"""The buckets of an S3 store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import cached_property, partial
from typing import Any, Protocol, TypeVar

from bifrost.clients.access import TlsFiles, tls_of
from bifrost.clients.no_answer import tls_problem
from bifrost.errors import Refused, Unreachable
from bifrost.settings import Settings

SYSTEM = "S3"
TIMEOUT_S = 5.0
REGION = "us-west-2"
_DEFAULT_REGION = "us-east-1"
"""A request to create a bucket must not name this region."""

T = TypeVar("T")


class Buckets(Protocol):
    """Lists and creates buckets."""

    def buckets(self) -> frozenset[str]:
        """Return the names of the buckets."""
        ...

    def create_bucket(self, name: str) -> None:
        """Create a bucket."""
        ...


class S3Client:
    """Lists and creates the buckets of one account, and deletes old objects."""

    def __init__(
        self, url: str, *, key_id: str, secret: str, region: str = REGION, tls: TlsFiles | None = None
    ) -> None:
        self._url = url
        self._region = region
        self._tls = tls or TlsFiles()
        self._account = {"aws_access_key_id": key_id, "aws_secret_access_key": secret}

    @cached_property
    def _client(self) -> Any:
        # Import late: boto3 takes longer to load than most commands take to run, and few need a bucket.
        import boto3
        from botocore.client import Config

        return boto3.client(
            "s3",
            endpoint_url=self._url,
            verify=self._tls.verify,
            region_name=self._region,
            **self._account,
            config=Config(
                connect_timeout=TIMEOUT_S,
                read_timeout=TIMEOUT_S,
                client_cert=self._tls.client,
                retries={"max_attempts": 3},
                # Stores on a local port have no host name for each bucket.
                s3={"addressing_style": "path"},
            ),
        )

    def buckets(self) -> frozenset[str]:
        """Return the names of the account's buckets.

        Raises:
            Unreachable, Refused: the store does not answer, or refuses.
        """
        found = self._call("list buckets", lambda: self._client.list_buckets())
        return frozenset(bucket["Name"] for bucket in found.get("Buckets", ()))

    def create_bucket(self, name: str) -> None:
        """Create a bucket; one that this account already owns is not an error."""
        location = {} if self._region == _DEFAULT_REGION else {"LocationConstraint": self._region}
        options = {"CreateBucketConfiguration": location} if location else {}
        try:
            self._call(f"create bucket {name}", lambda: self._client.create_bucket(Bucket=name, **options))
        except Refused as error:
            if not error.body.startswith("BucketAlreadyOwnedByYou"):
                raise

    def delete_older(self, bucket: str, before: datetime, *, most: int) -> int:
        """Delete the objects that were last written before a (zoned) time, at most `most`; return how many."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        old: list[str] = []

        def list_old() -> None:
            for page in pages:
                old.extend(each["Key"] for each in page.get("Contents", ()) if each["LastModified"] < before)
                if len(old) >= most:
                    return

        self._call(f"list bucket {bucket}", list_old)
        deleted = old[:most]
        for key in deleted:
            self._call(f"delete {bucket}/{key}", partial(self._client.delete_object, Bucket=bucket, Key=key))
        return len(deleted)

    def _call(self, request: str, send: Callable[[], T]) -> T:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return send()
        except ClientError as error:
            details = error.response.get("Error", {})
            status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
            body = f"{details.get('Code', '')}: {details.get('Message', '')}"
            raise Refused(SYSTEM, request, status=status, body=body) from error
        except BotoCoreError as error:
            if problem := tls_problem(error, "S3"):
                body = f"no connection to {self._url}: {problem}"
                raise Refused(SYSTEM, request, status=0, body=body) from error
            raise Unreachable(SYSTEM, request, f"no answer from {self._url} ({type(error).__name__})") from error


def from_settings(settings: Settings) -> S3Client | None:
    """Return the client of the target's own S3 store, `None` if the target manages no buckets."""
    url = settings.endpoints.s3
    if not url:
        return None
    return S3Client(
        url,
        key_id=settings.local("AWS_ACCESS_KEY_ID"),
        secret=settings.local("AWS_SECRET_ACCESS_KEY"),
        region=settings.get("AWS_REGION", REGION),
        tls=_tls(settings, url),
    )


def _tls(settings: Settings, url: str) -> TlsFiles:
    """What `S3_CA_LOCATION` says; the store of a secured platform has a certificate of its authority."""
    found = tls_of(settings, "S3")
    is_own = "s3" in settings.tls_parts and url == settings.local_url("s3")
    return replace(found, ca=str(settings.authority)) if is_own and not found.ca else found
