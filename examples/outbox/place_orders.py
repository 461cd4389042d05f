"""Places ten orders each for three organizations. Each is written together with the record that tells of it, in one transaction."""

import os
from datetime import datetime, timezone
from pathlib import Path

import psycopg

from business_metrics.v1.records_pb2 import Event

EVENTS = os.environ.get("EVENTS_TOPIC", "business-metrics.events.v1")
PLACED = "select count(*) from orders where organization_id = %s"
INSERT_ORDER = "insert into orders (organization_id, order_id, placed_at) values (%s, %s, %s)"
INSERT_RECORD = "insert into outbox (topic, key, value) values (%s, %s, %s)"


class OutOfStock(Exception):
    """The order can't be placed after all."""


def place(connection, organization, order_id, in_stock=True):
    placed_at = datetime.now(timezone.utc)
    record = Event(event_id=order_id, organization_id=organization, order_created={"order_id": order_id})
    record.occurred_at.FromDatetime(placed_at)  # kept in the row: however often it is published, it is the same record
    with connection.transaction():
        connection.execute(INSERT_ORDER, (organization, order_id, placed_at))
        connection.execute(INSERT_RECORD, (EVENTS, organization, record.SerializeToString()))
        if not in_stock:
            raise OutOfStock


with psycopg.connect(autocommit=True) as connection:
    connection.execute(Path(__file__).with_name("outbox.sql").read_text())
    for organization in ["acme", "globex", "café"]:
        first = connection.execute(PLACED, (organization,)).fetchone()[0]
        for number in range(first, first + 10):
            place(connection, organization, f"order-{number}")
        try:
            place(connection, organization, "order-unavailable", in_stock=False)
        except OutOfStock:
            print(f"{organization}: 10 orders placed; one more was taken back, and its record with it")
