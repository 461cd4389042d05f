"""Makes confluent.txt and json.txt: the contract's records as others' serializers write them.

The decoder is checked against these bytes, so they must not come from this project's own code. The frames are made by
the ProtobufSerializer of Confluent's Python client with the mock registry that comes with it, the JSON by Google's
protobuf runtime. Run it where the two text files are to be replaced, from the project's root:

    python3 -m venv /tmp/vectors
    /tmp/vectors/bin/pip install 'confluent-kafka[protobuf]' grpcio-tools
    /tmp/vectors/bin/python consumer/tests/vectors/make.py

Lines are `label | message type | ...`, the rest in hex. `#` begins a comment.
"""

import pathlib
import sys
import tempfile

import confluent_kafka
import google.protobuf
import grpc_tools
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.protobuf import ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import json_format
from google.protobuf.timestamp_pb2 import Timestamp
from grpc_tools import protoc

HERE = pathlib.Path(__file__).resolve().parent
PROTO = HERE.parents[2] / "proto" / "proto"
WELL_KNOWN = pathlib.Path(grpc_tools.__file__).parent / "_proto"
FILE = "business_metrics/v1/records.proto"


def compile_contract():
    """The contract's Python module, compiled into a folder that goes away with the process."""
    out = tempfile.mkdtemp()
    if protoc.main(["", f"-I{PROTO}", f"-I{WELL_KNOWN}", f"--python_out={out}", FILE]) != 0:
        sys.exit("the contract does not compile")
    sys.path.insert(0, out)
    from business_metrics.v1 import records_pb2

    return records_pb2


def records(pb):
    """Label and record; the last three are not the value of any topic, but have message paths of their own."""
    at = Timestamp(seconds=1_772_013_600, nanos=250_000_000)
    whole = Timestamp(seconds=1_772_013_600)
    event = dict(organization_id="org_meadow", occurred_at=at)
    order = pb.OrderCreated(order_id="order-1")
    payment = pb.PaymentAttempted(payment_id="pay-1", outcome=pb.PaymentAttempted.OUTCOME_FAILED)
    update = pb.OrganizationUpdated(name="Łódź Café ☕", plan_id="plan_pro", plan_name="pro")
    return [
        ("order", pb.Event(event_id="e-1", order_created=order, **event)),
        ("payment", pb.Event(event_id="e-2", payment_attempted=payment, **event)),
        ("update", pb.Event(event_id="e-3", organization_updated=update, **event)),
        ("no body", pb.Event(event_id="e-4", **event)),
        ("empty event", pb.Event()),
        (
            "workflow",
            pb.WorkflowTerminal(
                execution_id="x-1",
                organization_id="org_meadow",
                workflow_id="wf_fulfil",
                workflow_name="Order fulfilment",
                outcome=pb.WorkflowTerminal.OUTCOME_FAILED_SAFETY_LIMIT,
                finished_at=whole,
                execution_time_ms=2**53 + 1,
                error_message='stopped "after"\n1,000 steps',
            ),
        ),
        (
            "delivery",
            pb.MessageDelivery(
                message_id="m-1",
                organization_id="org_meadow",
                status=pb.MessageDelivery.STATUS_READ,
                sent_at=whole,
                occurred_at=Timestamp(seconds=1_772_013_661, nanos=7),
                channel="sms",
            ),
        ),
        ("first nested", order),
        ("second nested", payment),
        ("third nested", update),
    ]


def framed(message):
    """The frame that the registry's serializer makes of a message, with a registry of its own."""
    # The older format with plain instead of zigzag numbers is refused by the serializer itself today.
    registry = SchemaRegistryClient.new_client({"url": "mock://"})
    serializer = ProtobufSerializer(type(message), registry, {"use.deprecated.format": False})
    return serializer(message, SerializationContext("topic", MessageField.VALUE))


def write(name, head, lines):
    text = "\n".join([f"# Made by make.py. {head}", *lines]) + "\n"
    (HERE / name).write_text(text, encoding="utf-8")
    print(f"{name}: {len(lines)} lines")


def main():
    pb = compile_contract()
    frames, mappings = [], []
    for label, message in records(pb):
        kind = type(message).DESCRIPTOR.name
        bare = message.SerializeToString(deterministic=True)
        frames.append(f"{label} | {kind} | {framed(message).hex()} | {bare.hex()}")
        if kind in ("Event", "WorkflowTerminal", "MessageDelivery"):
            for style, options in [
                ("camelCase", {}),
                ("proto names", {"preserving_proto_field_name": True}),
                ("numbers", {"use_integers_for_enums": True}),
                ("defaults", {"always_print_fields_with_no_presence": True}),
            ]:
                json = json_format.MessageToJson(message, indent=None, ensure_ascii=False, **options)
                mappings.append(f"{label}, {style} | {kind} | {json.encode().hex()} | {bare.hex()}")
    versions = f"confluent-kafka {confluent_kafka.__version__}, protobuf {google.protobuf.__version__}."
    write("confluent.txt", f"{versions}\n# label | message type | frame | protobuf bytes", frames)
    write("json.txt", f"{versions}\n# label | message type | JSON | protobuf bytes", mappings)


main()
