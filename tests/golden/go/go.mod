module business-metrics/golden

go 1.24

require (
	github.com/twmb/franz-go/pkg/sr v1.5.0
	google.golang.org/protobuf v1.36.10
)
