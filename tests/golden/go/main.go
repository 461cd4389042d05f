// Prints values as franz-go's serializer for schema registries makes them: a line of JSON each, for merge.py.
package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log"
	"os"

	"github.com/twmb/franz-go/pkg/sr"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

const version = "github.com/twmb/franz-go/pkg/sr v1.5.0"
const at = "{ seconds: 1772013600 nanos: 250000000 }"

func message(kind, text string) proto.Message {
	file, err := os.ReadFile("../records.binpb")
	if err != nil {
		log.Fatal(err)
	}
	var set descriptorpb.FileDescriptorSet
	if err := proto.Unmarshal(file, &set); err != nil {
		log.Fatal(err)
	}
	files, err := protodesc.NewFiles(&set)
	if err != nil {
		log.Fatal(err)
	}
	found, err := files.FindDescriptorByName(protoreflect.FullName("business_metrics.v1." + kind))
	if err != nil {
		log.Fatal(err)
	}
	message := dynamicpb.NewMessage(found.(protoreflect.MessageDescriptor))
	if err := prototext.Unmarshal([]byte(text), message); err != nil {
		log.Fatal(err)
	}
	return message
}

func tell(name string, message proto.Message, index ...sr.EncodingOpt) {
	encode := func(value any) ([]byte, error) {
		return proto.MarshalOptions{Deterministic: true}.Marshal(value.(proto.Message))
	}
	var serde sr.Serde
	serde.Register(1, message, append([]sr.EncodingOpt{sr.EncodeFn(encode)}, index...)...)
	value, err := serde.Encode(message)
	if err != nil {
		log.Fatal(err)
	}
	line, err := json.Marshal(map[string]any{
		"name": name, "version": version, "headers": []any{}, "value": hex.EncodeToString(value),
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(line))
}

func main() {
	order := func(name string) proto.Message {
		return message("Event", fmt.Sprintf(
			"event_id: %q organization_id: 'golden' occurred_at %s order_created { order_id: 'o-1' }", name, at))
	}
	run := message("WorkflowTerminal", fmt.Sprintf(
		"execution_id: 'franz-go-run' organization_id: 'golden' workflow_id: 'w-1' workflow_name: 'Import' "+
			"outcome: OUTCOME_SUCCESS finished_at %s execution_time_ms: 5", at))
	tell("franz-go-index", order("franz-go-index"), sr.Index(0))
	tell("franz-go-run", run, sr.Index(4))
	tell("franz-go-no-index", order("franz-go-no-index"))
}
