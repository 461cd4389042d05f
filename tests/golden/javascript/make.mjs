// Prints values as JavaScript's serializers make them: a line of JSON each, for merge.py. The registry is a server of this program.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry';
import { CloudEvent, Kafka } from 'cloudevents';
import protobuf from 'protobufjs';

const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
const ORDER = { organizationId: 'golden', orderCreated: { orderId: 'o-1' } };
const OCCURRED_AT = '2026-02-25T10:00:00.250Z';

function tell(dependency, name, value, headers = {}) {
    const given = Object.entries(headers).filter(([, text]) => text !== undefined);
    const told = given.map(([header, text]) => ({ name: header, text: String(text) }));
    const version = `${dependency} ${dependencies[dependency]}`;
    console.log(JSON.stringify({ name, version, headers: told, value: Buffer.from(value).toString('hex') }));
}

// The client resolves no imports, so the time is a message of the file itself; its bytes are the same.
const SCHEMA = `syntax = "proto3"; package business_metrics.v1;
message Event { string event_id = 1; string organization_id = 2; Timestamp occurred_at = 3; OrderCreated order_created = 10; }
message OrderCreated { string order_id = 1; }
message Timestamp { int64 seconds = 1; int32 nanos = 2; }`;

const server = createServer((_, response) => {
    response.setHeader('content-type', 'application/vnd.schemaregistry.v1+json');
    response.end(JSON.stringify({ schemaType: 'PROTOBUF', schema: SCHEMA }));
});
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const registry = new SchemaRegistry(
    { host: `http://127.0.0.1:${server.address().port}` },
    { [SchemaType.PROTOBUF]: { messageName: 'Event' } },
);
const occurredAt = { seconds: 1_772_013_600, nanos: 250_000_000 };
const encoded = await registry.encode(1, { eventId: 'kafkajs-registry', ...ORDER, occurredAt });
tell('@kafkajs/confluent-schema-registry', 'kafkajs-registry', encoded);
server.close();

const Event = protobuf.parse(SCHEMA).root.lookupType('business_metrics.v1.Event');
const attributes = { id: '1', source: '/orders', type: 'order', time: OCCURRED_AT };
const json = (eventId) => {
    return new CloudEvent({ ...attributes, datacontenttype: 'application/json', data: { eventId, ...ORDER, occurredAt: OCCURRED_AT } });
};
const protobufOf = (eventId) => {
    const data = Event.encode({ eventId, ...ORDER, occurredAt }).finish();
    return new CloudEvent({ ...attributes, datacontenttype: 'application/protobuf', data });
};
const bytes = (value) => (value instanceof Uint8Array || typeof value === 'string' ? value : JSON.stringify(value));
for (const [name, event, mode] of [
    ['cloudevents-binary', protobufOf, Kafka.binary],
    ['cloudevents-binary-json', json, Kafka.binary],
    ['cloudevents-structured', json, Kafka.structured],
    ['cloudevents-structured-protobuf', protobufOf, Kafka.structured],
]) {
    const { headers, value } = mode(event(name));
    tell('cloudevents', name, bytes(value), headers);
}
