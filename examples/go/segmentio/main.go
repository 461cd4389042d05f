// Publishes by segmentio/kafka-go, whose default balancer ignores keys and whose Hash balancer hashes them by FNV-1a.
package main

import (
	"context"
	"fmt"
	"log"
	"time"

	"example.com/publisher/happened"
	"github.com/segmentio/kafka-go"
)

func main() {
	writer := &kafka.Writer{
		Addr:         kafka.TCP(happened.Brokers()...),
		Balancer:     kafka.Murmur2Balancer{Consistent: true}, // as Java's clients partition
		RequiredAcks: kafka.RequireAll,                        // it has no idempotent producer: copies do no harm here
		BatchTimeout: 10 * time.Millisecond,
		Completion: func(messages []kafka.Message, err error) {
			for _, message := range messages {
				if err == nil {
					fmt.Printf("%s/%d@%d\n", message.Topic, message.Partition, message.Offset)
				}
			}
		},
	}
	twice, err := happened.Twice()
	if err != nil {
		log.Fatal(err)
	}
	var messages []kafka.Message
	for _, record := range twice {
		messages = append(messages, kafka.Message{Topic: record.Topic, Key: record.Key, Value: record.Value})
	}
	if err := writer.WriteMessages(context.Background(), messages...); err != nil {
		log.Fatal("not everything was delivered: send it again later, unchanged: ", err)
	}
	if err := writer.Close(); err != nil {
		log.Fatal(err)
	}
}
