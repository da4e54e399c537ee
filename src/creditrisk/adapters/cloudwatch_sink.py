"""Figures for Amazon CloudWatch, by put_metric_data.

Region, credentials and endpoint (AWS_ENDPOINT_URL_CLOUDWATCH) as boto3 finds them.
Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import batched
from typing import Any

from creditrisk.errors import OutsideFailed
from creditrisk.ports import Clock, Figure

MOST_FIGURES = 1_000
"""Of one request, and 1 MB; with names and labels of at most 300 bytes these are a third of it."""

ONE_BY_ONE = frozenset({"column", "alarm"})
"""Labels with hundreds of values, or new ones all the time."""

REFUSED = ("AccessDenied", "InvalidClientTokenId", "SignatureDoesNotMatch", "UnrecognizedClient", "ExpiredToken",
           "AuthFailure", "InvalidSignature", "MissingAuthenticationToken", "IncompleteSignature")  # fmt: skip
"""How the codes of answers begin that are about who asks."""


class CloudWatch:
    """namespace: under which the figures stand. Their labels are the dimensions.

    Figures by column or single alarm are left out: each would be a metric of its own, and billed as one.
    """

    name = "cloudwatch"

    def __init__(self, namespace: str, clock: Clock) -> None:
        self._namespace = namespace
        self._clock = clock

    def write(self, figures: Sequence[Figure]) -> None:
        """In requests of at most a thousand. What went out before one that fails stays; the next run tells all anew."""
        boto3, botocore = _library()
        now = self._clock.now()
        data = [_datum(figure, now) for figure in figures if ONE_BY_ONE.isdisjoint(figure.labels)]
        config = botocore.config.Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 3})
        try:
            client = boto3.session.Session().client("cloudwatch", config=config)
            for batch in batched(data, MOST_FIGURES):
                client.put_metric_data(Namespace=self._namespace, MetricData=list(batch))
        except botocore.exceptions.ClientError as error:
            raise _refused(error.response) from error
        except (botocore.exceptions.BotoCoreError, ValueError) as error:  # ValueError: an endpoint that is no address
            raise OutsideFailed(
                f"CloudWatch was not reached: {type(error).__name__}",
                where="CloudWatch",
                hint="see region (AWS_DEFAULT_REGION), credentials and endpoint as boto3 finds them",
            ) from error


def _library() -> tuple[Any, Any]:
    try:
        import boto3
        import botocore
        import botocore.config
        import botocore.exceptions
    except ImportError as error:
        raise OutsideFailed(
            "CloudWatch needs a library that is not installed",
            hint='pip install "creditrisk[cloudwatch]"',
            retry_may_help=False,
        ) from error
    return boto3, botocore


def _datum(figure: Figure, now: datetime) -> dict[str, Any]:
    """CloudWatch cannot take a moment from now: it is told ages."""
    name, value, unit = figure.name, figure.value, "None"
    if name.endswith("_timestamp_seconds"):
        name, value = name.removesuffix("_timestamp_seconds") + "_age_seconds", now.timestamp() - value
    if name.endswith("_seconds"):
        unit = "Seconds"
    dimensions = [{"Name": label, "Value": told} for label, told in sorted(figure.labels.items()) if told]
    return {"MetricName": name, "Timestamp": now, "Value": value, "Unit": unit, "Dimensions": dimensions}


def _refused(response: Mapping[str, Any]) -> OutsideFailed:
    code = str(response.get("Error", {}).get("Code", "unknown"))
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    whose = code.startswith(REFUSED) or status in {401, 403}
    return OutsideFailed(
        f"CloudWatch said {code} (status {status})",
        where="CloudWatch",
        hint="these credentials need cloudwatch:PutMetricData" if whose else "it may do it later",
        retry_may_help=not whose and status >= 500,
    )
