"""The report as OTLP/JSON, the form in which OpenTelemetry's collector, Jaeger and others take traces.

A span for each hop and one for the journey, which is their parent; links say which hops a hop must follow, span events
are witnesses, a resource is an actor on a node. In OTLP's JSON ids are hexadecimal and enums are numbers, unlike in
protobuf's own; times are texts, since JSON's numbers are not wide enough.
"""

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1 import trace_pb2
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, TracesData

from hoplab import __version__
from hoplab.report.outline import Document
from hoplab.report.trace import Attributes, Span, Trace, Value, namespace, trace

STATUS: Final = {
    "ok": trace_pb2.Status.STATUS_CODE_OK,
    "error": trace_pb2.Status.STATUS_CODE_ERROR,
    "unset": trace_pb2.Status.STATUS_CODE_UNSET,
}
BINARY: Final = ("traceId", "spanId", "parentSpanId")


def render_otlp(document: Document) -> str:
    """Return the report of a result document (report.json) as OTLP/JSON: a message `TracesData` on one line.

    That is a file as OpenTelemetry's file exporter writes it, and the body of a request to export traces. Raises
    KeyError for a document without what the schema has, ValueError for a time that is none.
    """
    found: dict[str, Any] = MessageToDict(traces_data(document), use_integers_for_enums=True)
    for resource in found["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                for carrier in (span, *span.get("links", ())):
                    carrier |= {key: base64.b64decode(carrier[key]).hex() for key in BINARY if key in carrier}
    return json.dumps(found, separators=(",", ":")) + "\n"


def traces_data(document: Document) -> TracesData:
    """Return the same as a message of OpenTelemetry's protocol."""
    made = trace(document)
    # By actor and node, in the order in which they first act.
    places: dict[tuple[str, str], list[Span]] = {}
    for span in (made.whole, *made.hops):
        places.setdefault((span.actor, span.node), []).append(span)
    scope = InstrumentationScope(name="hoplab", version=__version__)
    return TracesData(
        resource_spans=[
            ResourceSpans(
                resource=_resource(actor, node, made),
                scope_spans=[ScopeSpans(scope=scope, spans=[_span(span, made) for span in spans])],
            )
            for (actor, node), spans in places.items()
        ]
    )


def _resource(actor: str, node: str, made: Trace) -> Resource:
    told = {
        "service.name": actor,
        "service.namespace": namespace(actor),
        "host.name": node,
        "deployment.environment.name": made.inventory,
    }
    return Resource(attributes=_attributes({name: value for name, value in told.items() if value}))


def _span(span: Span, made: Trace) -> trace_pb2.Span:
    crosses = "peer.service" in span.attributes
    trace_id = bytes.fromhex(made.trace_id)
    return trace_pb2.Span(
        trace_id=trace_id,
        span_id=bytes.fromhex(span.span_id),
        parent_span_id=b"" if span is made.whole else bytes.fromhex(made.whole.span_id),
        name=span.name,
        kind=trace_pb2.Span.SPAN_KIND_CLIENT if crosses else trace_pb2.Span.SPAN_KIND_INTERNAL,
        start_time_unix_nano=span.begin,
        end_time_unix_nano=span.end,
        attributes=_attributes(span.attributes),
        events=[
            trace_pb2.Span.Event(
                time_unix_nano=sighting.time, name=sighting.name, attributes=_attributes(sighting.attributes)
            )
            for sighting in span.sightings
        ],
        links=[trace_pb2.Span.Link(trace_id=trace_id, span_id=bytes.fromhex(link)) for link in span.links],
        # Only an error may have a message.
        status=trace_pb2.Status(code=STATUS[span.status], message=span.message if span.status == "error" else ""),
    )


def _attributes(found: Attributes | Mapping[str, str]) -> Iterable[KeyValue]:
    return [KeyValue(key=key, value=_value(value)) for key, value in found.items()]


def _value(value: Value) -> AnyValue:
    match value:
        case bool():  # A bool is an int, too.
            return AnyValue(bool_value=value)
        case int():
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
        case tuple():
            return AnyValue(array_value=ArrayValue(values=[AnyValue(string_value=one) for one in value]))
        case _:
            return AnyValue(string_value=value)
