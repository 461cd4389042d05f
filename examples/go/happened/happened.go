// Package happened makes the records that the programs beside it publish.
package happened

import (
	"cmp"
	"errors"
	"os"
	"strings"
	"time"

	metrics "example.com/publisher/metrics" // generated
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Record is what a client is given: the key is the organization's id, in UTF-8, and nothing around it.
type Record struct {
	Topic      string
	Key, Value []byte
}

// Brokers are those of KAFKA_BROKERS.
func Brokers() []string {
	return strings.Split(cmp.Or(os.Getenv("KAFKA_BROKERS"), "localhost:9092"), ",")
}

// Twice is what happened in three organizations, and all of it again, unchanged, as after a timeout. It counts once.
func Twice() (records []Record, err error) {
	for _, organization := range []string{"acme", "globex", "café"} {
		// Taken once, when it happens, and kept for every re-send.
		once, err := in(organization, timestamppb.New(time.Now()))
		if err != nil {
			return nil, err
		}
		records = append(append(records, once...), once...)
	}
	return records, nil
}

func in(organization string, at *timestamppb.Timestamp) (records []Record, err error) {
	event := &metrics.Event{EventId: "1001", OrganizationId: organization, OccurredAt: at}
	order := proto.CloneOf(event)
	order.Body = &metrics.Event_OrderCreated{OrderCreated: &metrics.OrderCreated{OrderId: "1001"}}
	payment := proto.CloneOf(event)
	payment.Body = &metrics.Event_PaymentAttempted{PaymentAttempted: &metrics.PaymentAttempted{
		PaymentId: "1001", Outcome: metrics.PaymentAttempted_OUTCOME_SUCCESSFUL}}
	run := &metrics.WorkflowTerminal{
		ExecutionId: "run-77", OrganizationId: organization, WorkflowId: "invoice-sync", WorkflowName: "Invoice sync",
		Outcome: metrics.WorkflowTerminal_OUTCOME_FAILED, FinishedAt: at, ExecutionTimeMs: 1840,
		ErrorMessage: "the invoice has no address"}
	// All records about a message have the same SentAt: when it was sent.
	sent := &metrics.MessageDelivery{MessageId: "message-5", OrganizationId: organization, Channel: "email",
		Status: metrics.MessageDelivery_STATUS_SENT, SentAt: at, OccurredAt: at}
	delivered := proto.CloneOf(sent)
	delivered.Status = metrics.MessageDelivery_STATUS_DELIVERED

	events := cmp.Or(os.Getenv("EVENTS_TOPIC"), "business-metrics.events.v1")
	runs := cmp.Or(os.Getenv("WORKFLOW_TERMINALS_TOPIC"), "business-metrics.workflow-terminals.v1")
	messages := cmp.Or(os.Getenv("MESSAGE_DELIVERIES_TOPIC"), "business-metrics.message-deliveries.v1")
	add := func(topic string, message proto.Message) {
		value, failed := proto.Marshal(message)
		err = errors.Join(err, failed)
		records = append(records, Record{Topic: topic, Key: []byte(organization), Value: value})
	}
	add(events, order)
	add(events, payment)
	add(runs, run)
	add(messages, sent)
	add(messages, delivered)
	return records, err
}
