// Binaries builds the control plane and KEDA into the user's cache folder, where
// they are not there yet, and says where they are. The tests would do the same,
// but within their time limit and without a word.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"

	"github.com/kafka-scaler/kafka-scaler/e2e/stack"
)

func main() {
	log.SetFlags(0)
	tools := flag.String("tools", "tools", "path of the module that pins the versions")
	flag.Parse()
	dir, err := stack.Binaries(context.Background(), *tools)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("control plane and KEDA:", dir)
}
