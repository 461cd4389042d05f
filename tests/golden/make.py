"""Prints values as serializers for Python make them: a line of JSON each, for merge.py. README.md says what it needs.

With the argument `deprecated`, those that only old releases of Confluent's make.
"""

import datetime
import importlib.metadata
import json
import pathlib
import sys
import tempfile

import grpc_tools
from cloudevents.core.bindings import kafka
from cloudevents.core.v1.event import CloudEvent
from cloudevents.v1.http import CloudEvent as CloudEventBefore2
from cloudevents.v1.kafka import to_structured as to_structured_before_2
from confluent_kafka.schema_registry import RegisteredSchema, SchemaRegistryClient
from confluent_kafka.schema_registry.protobuf import ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import json_format
from google.protobuf.timestamp_pb2 import Timestamp
from grpc_tools import protoc

PROTO = pathlib.Path(__file__).resolve().parents[2] / "proto" / "proto"
WELL_KNOWN = pathlib.Path(grpc_tools.__file__).parent / "_proto"
AT = Timestamp(seconds=1_772_013_600, nanos=250_000_000)


def contract():
    """The contract's module, compiled into a folder that goes away with the process."""
    out = tempfile.mkdtemp()
    if protoc.main(["", f"-I{PROTO}", f"-I{WELL_KNOWN}", f"--python_out={out}", "business_metrics/v1/records.proto"]) != 0:
        sys.exit("the contract does not compile")
    sys.path.insert(0, out)
    from business_metrics.v1 import records_pb2

    return records_pb2


def order(pb, name):
    return pb.Event(event_id=name, organization_id="golden", occurred_at=AT, order_created=pb.OrderCreated(order_id="o-1"))


def run(pb, name):
    return pb.WorkflowTerminal(
        execution_id=name, organization_id="golden", workflow_id="w-1", workflow_name="Import",
        outcome=pb.WorkflowTerminal.OUTCOME_SUCCESS, finished_at=AT, execution_time_ms=5,
    )


def delivery(pb, name):
    return pb.MessageDelivery(
        message_id=name, organization_id="golden", status=pb.MessageDelivery.STATUS_SENT, sent_at=AT, occurred_at=AT, channel="email"
    )


def tell(package, name, value, headers=()):
    version = f"{package} {importlib.metadata.version(package)}"
    headers = [{"name": header, "text": text.decode()} for header, text in headers]
    print(json.dumps({"name": name, "version": version, "headers": headers, "value": value.hex()}))


class AnyRegistry:
    """Gives each schema the id 1. The clients that still write the deprecated format have no registry within them."""

    def register_schema(self, *_):
        return 1

    def lookup_schema(self, subject, schema, *_):
        return RegisteredSchema(1, schema, subject, 1)


def confluent(message, registry, deprecated):
    serializer = ProtobufSerializer(type(message), registry, {"use.deprecated.format": deprecated})
    return serializer(message, SerializationContext("golden", MessageField.VALUE))


def deprecated(pb):
    for name, make in [("confluent-deprecated-run", run), ("confluent-deprecated-message", delivery)]:
        tell("confluent-kafka", name, confluent(make(pb, name), AnyRegistry(), True))


def current(pb):
    for name, make in [("confluent-python-event", order), ("confluent-python-run", run)]:
        registry = SchemaRegistryClient.new_client({"url": "mock://"})
        tell("confluent-kafka", name, confluent(make(pb, name), registry, False))
    attributes = {"id": "1", "source": "/orders", "type": "order", "specversion": "1.0", "datacontenttype": "application/json"}
    for name, event, to_structured, time in [
        ("cloudevents-python-structured", CloudEvent, kafka.to_structured_event, AT.ToDatetime(datetime.UTC)),
        ("cloudevents-python-before-2", CloudEventBefore2, to_structured_before_2, AT.ToJsonString()),
    ]:
        structured = to_structured(event({**attributes, "time": time}, json_format.MessageToDict(order(pb, name))))
        tell("cloudevents", name, structured.value, structured.headers.items())


(deprecated if sys.argv[1:] == ["deprecated"] else current)(contract())
