// Command kafka-up runs a real Apache Kafka on loopback until Ctrl-C, for trying
// things out:
//
//	go run ./internal/kafkabroker/cmd/kafka-up -brokers 3
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/kafkabroker"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "kafka-up:", err)
		os.Exit(1)
	}
}

func run() (err error) {
	brokers := flag.Int("brokers", 1, "how many brokers")
	version := flag.String("version", kafkabroker.Current, "Kafka release; 2.x comes with ZooKeeper")
	secure := flag.Bool("secure", false, "add SASL and TLS listeners with ACLs, and the user scaler with the password scaler-secret")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	opts := kafkabroker.Options{Version: *version, Brokers: *brokers}
	if *secure {
		opts.Security = &kafkabroker.Security{Users: map[string]string{"scaler": "scaler-secret"}}
	}
	began := time.Now()
	c, err := kafkabroker.Start(ctx, opts)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()

	fmt.Fprintf(os.Stderr, "Kafka %s: %d brokers up in %.1f s; Ctrl-C ends them\n", c.Version(), *brokers, time.Since(began).Seconds())
	fmt.Println(strings.Join(c.Bootstrap(), ","))
	if files := c.Certificates(); files != nil {
		for _, l := range []kafkabroker.Listener{kafkabroker.SASLPlaintext, kafkabroker.SASLTLS, kafkabroker.TLS, kafkabroker.MTLS} {
			fmt.Fprintf(os.Stderr, "%-14s %s\n", l, strings.Join(c.SecureBootstrap(l), ","))
		}
		fmt.Fprintf(os.Stderr, "CA %s, client certificate %s, its key %s\n", files.CAFile, files.ClientFile, files.ClientKeyFile)
	}
	<-ctx.Done()
	return nil
}
