// Command kafka-scaler answers KEDA for Apache Kafka consumer groups. Its
// serve.go is the wiring of the whole process, and the file to read first.
package main

import (
	"context"
	"os"
)

func main() {
	os.Exit(execute(context.Background(), os.Args[1:], process{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, lookupEnv: os.LookupEnv,
	}))
}
