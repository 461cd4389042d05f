#!/bin/sh
# Prints values as serializers for Java make them, for merge.py: Confluent's if CONFLUENT is set, with the mock registry within its client; Apicurio's if
# APICURIO_URL is, the address of a registry, where APICURIO_VERSION (2 or 3) says which client goes with it.
set -eu
cd "$(dirname "$0")"

# make PROFILE NAME VERSION MESSAGE SERIALIZER SETTING...
make() {
    profile=$1
    shift
    # Maven resets colours before and after.
    mvn --quiet -P "$profile" compile org.codehaus.mojo:exec-maven-plugin:3.5.1:java -Dexec.mainClass=Make -Dexec.args="$*" | grep -o '{.*}'
}

confluent() {
    name=$1 message=$2
    shift 2
    make confluent "$name" kafka-protobuf-serializer-8.1.0 "$message" io.confluent.kafka.serializers.protobuf.KafkaProtobufSerializer \
        schema.registry.url=mock://golden "$@"
}

if [ -n "${CONFLUENT:-}" ]; then
    confluent confluent-java-event Event
    confluent confluent-java-run WorkflowTerminal
    confluent confluent-java-message MessageDelivery
    confluent confluent-java-header Event value.schema.id.serializer=io.confluent.kafka.serializers.schema.id.HeaderSchemaIdSerializer
fi

apicurio() {
    name=$1 version=$2 message=$3
    shift 3
    make "apicurio$APICURIO_VERSION" "$name" "$version" "$message" io.apicurio.registry.serde.protobuf.ProtobufKafkaSerializer \
        apicurio.registry.url="$APICURIO_URL" apicurio.registry.auto-register=true "$@"
}

headers=apicurio.registry.headers.enabled
serde=apicurio.registry.serde
case "${APICURIO_URL:+$APICURIO_VERSION}" in
2)
    apicurio apicurio-2-headers 2.6.13.Final Event $headers=true
    apicurio apicurio-2-event 2.6.13.Final Event $headers=false
    apicurio apicurio-2-run 2.6.13.Final WorkflowTerminal $headers=false
    ;;
3)
    apicurio apicurio-3-event 3.1.7 Event $headers=false
    apicurio apicurio-3-message 3.1.7 MessageDelivery $headers=false
    apicurio apicurio-3-headers 3.1.7 Event $headers=true
    apicurio apicurio-3-indexes 3.1.7 Event $serde.send-type-ref=false $serde.send-indexes=true
    apicurio apicurio-3-neither 3.1.7 Event $serde.send-type-ref=false
    apicurio apicurio-3-neither-long 3.1.7 Event $serde.send-type-ref=false \
        apicurio.registry.id-handler=io.apicurio.registry.serde.Legacy8ByteIdHandler
    ;;
esac
