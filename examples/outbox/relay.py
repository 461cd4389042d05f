"""Publishes what is in the outbox, and deletes what was delivered. Any number of relays may run at once.

A relay that is killed between the two publishes again, unchanged, when it is started again: each record counts once.
"""

import os
import sys
import time

import psycopg
from confluent_kafka import Producer

BATCH = 500
PAUSE_SECONDS = 0.5
# What another relay has taken is skipped, not waited for.
TAKE = f"select id, topic, key, value from outbox order by created_at limit {BATCH} for update skip locked"
DELETE = "delete from outbox where id = any(%s)"

producer = Producer({
    "bootstrap.servers": os.environ.get("KAFKA_BROKERS", "localhost:9092"),
    "partitioner": "murmur2_random",  # as Java's clients partition; librdkafka's own default differs
    "enable.idempotence": True,
    "delivery.timeout.ms": 30_000,
})


def relay(connection):
    """Publishes a batch, and tells how many records it took and how many were delivered."""
    delivered = []

    def reported(row):
        def callback(error, message):
            if error:
                print(f"{message.topic()}: {error}; it stays in the outbox", file=sys.stderr)
            else:
                delivered.append(row)
        return callback

    with connection.transaction():
        rows = connection.execute(TAKE).fetchall()
        for row, topic, key, value in rows:
            producer.produce(topic, key=key.encode(), value=value, on_delivery=reported(row))
        producer.flush()
        connection.execute(DELETE, (delivered,))
    return len(rows), len(delivered)


with psycopg.connect(autocommit=True) as connection:
    while True:
        taken, delivered = relay(connection)
        if taken > 0:
            print(f"{delivered} of {taken} published")
        elif "--until-empty" in sys.argv:
            break
        if delivered == 0:
            time.sleep(PAUSE_SECONDS)
