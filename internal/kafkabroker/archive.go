package kafkabroker

import (
	"context"
	"fmt"
	"os"
	"time"
)

// train makes the class-data archive of a version, unless it is there: it runs one
// broker and has the JVM write down, at its end, the classes it has loaded. A
// broker then starts in half the time and CPU, which on a small machine with three
// of them is what a test waits for.
func (l *library) train(ctx context.Context, version string) error {
	if _, err := os.Stat(l.archive); err == nil {
		return nil
	}
	unlock, err := lock(ctx, l.archive+".lock")
	if err != nil {
		return err
	}
	defer unlock()
	if _, err := os.Stat(l.archive); err == nil {
		return nil
	}
	trainee := *l
	trainee.training = fmt.Sprintf("%s.%d", l.archive, os.Getpid())
	defer func() { _ = os.Remove(trainee.training) }()
	opts, err := Options{Version: version, Brokers: 1}.withDefaults()
	if err != nil {
		return err
	}
	c, err := start(ctx, &trainee, opts)
	if err != nil {
		return fmt.Errorf("make the class-data archive: %w", err)
	}
	defer func() { _ = c.Close() }()
	stopping, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	if err := c.Broker(1).Stop(stopping); err != nil {
		return fmt.Errorf("make the class-data archive: %w", err)
	}
	return os.Rename(trainee.training, l.archive)
}
