// Command kafka-scaler answers KEDA for Apache Kafka consumer groups. Its
// serve.go is the wiring of the whole process, and the file to read first.
package main

import (
	"context"
	"os"

	"github.com/kafka-scaler/kafka-scaler/cmd/scaler/internal/cli"
)

func main() {
	os.Exit(execute(context.Background(), os.Args[1:], cli.Process{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, LookupEnv: os.LookupEnv,
	}))
}
