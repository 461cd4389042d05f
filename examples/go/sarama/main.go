// Publishes by Sarama, which needs another partitioner than its default: that one hashes keys by FNV-1a.
package main

import (
	"fmt"
	"log"

	"example.com/publisher/happened"
	"github.com/IBM/sarama"
)

func main() {
	config := sarama.NewConfig()
	config.Version = sarama.MaxVersion
	config.Producer.Partitioner = sarama.NewMurmur2Partitioner // as Java's clients partition
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Idempotent = true
	config.Net.MaxOpenRequests = 1 // which Idempotent needs
	config.Producer.Return.Successes = true

	producer, err := sarama.NewSyncProducer(happened.Brokers(), config)
	if err != nil {
		log.Fatal(err)
	}
	defer producer.Close()

	twice, err := happened.Twice()
	if err != nil {
		log.Fatal(err)
	}
	for _, record := range twice {
		partition, offset, err := producer.SendMessage(&sarama.ProducerMessage{
			Topic: record.Topic,
			Key:   sarama.ByteEncoder(record.Key),
			Value: sarama.ByteEncoder(record.Value),
		})
		if err != nil {
			log.Fatal("not everything was delivered: send it again later, unchanged: ", err)
		}
		fmt.Printf("%s/%d@%d\n", record.Topic, partition, offset)
	}
}
