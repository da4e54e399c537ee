"""OpenTelemetry spans, one for each request, where an exporter is configured. Without the library there are none."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.types import Scope

from creditrisk.errors import BadConfig
from creditrisk.serving.front import Span

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


def span_maker() -> Span | None:
    """None where no endpoint is named in the environment. Raises BadConfig where one is and the library is missing."""
    if not any(os.environ.get(name) for name in ENDPOINTS):
        return None
    try:
        from opentelemetry import propagate, trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise BadConfig(
            "spans need OpenTelemetry", where="environment", hint='pip install "creditrisk[otel]", or unset OTEL_…'
        ) from error
    provider = TracerProvider(resource=Resource.create({"service.name": "creditrisk"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    tracer = provider.get_tracer("creditrisk.serving")

    @contextmanager
    def span(scope: Scope, request_id: str) -> Iterator[None]:
        parent = propagate.extract(
            {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        )
        with tracer.start_as_current_span(
            scope["method"], context=parent, kind=trace.SpanKind.SERVER, record_exception=False
        ) as one:
            one.set_attribute("creditrisk.request_id", request_id)
            yield
            route = getattr(scope.get("route"), "path", "none")
            one.update_name(f"{scope['method']} {route}")
            one.set_attribute("http.route", route)
            one.set_attribute("creditrisk.entities", scope["state"].get("entities", 0))

    return span
