// Publishes by franz-go, whose defaults are right: it partitions as Java's clients do (murmur2), waits for all replicas, and is idempotent.
package main

import (
	"context"
	"fmt"
	"log"
	"time"

	"example.com/publisher/happened"
	"github.com/twmb/franz-go/pkg/kgo"
)

func main() {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(happened.Brokers()...),
		kgo.RecordDeliveryTimeout(30*time.Second),
	)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	twice, err := happened.Twice()
	if err != nil {
		log.Fatal(err)
	}
	var records []*kgo.Record
	for _, record := range twice {
		records = append(records, &kgo.Record{Topic: record.Topic, Key: record.Key, Value: record.Value})
	}
	results := client.ProduceSync(context.Background(), records...)
	for _, result := range results {
		if result.Err == nil {
			fmt.Printf("%s/%d@%d\n", result.Record.Topic, result.Record.Partition, result.Record.Offset)
		}
	}
	if err := results.FirstErr(); err != nil {
		log.Fatal("not everything was delivered: send it again later, unchanged: ", err)
	}
}
