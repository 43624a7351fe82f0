package main

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"
)

// introduce says what is being played, and that the clocks run faster.
func (d *demo) introduce() {
	written, fast, factor := d.scaling(), d.loop.Spec, d.clockFactor()
	broker := "a broker inside this process"
	if d.kafka.fake == nil {
		broker = "a real cluster"
	}
	s := d.screen
	s.line("", "Kafka      %s: %s, topic %s with %d partitions", strings.Join(d.kafka.servers, ","), broker, d.topic, d.partitions)
	s.line("", "Scaler     %s serve, answering KEDA on %s", d.options.scaler, d.scaler.grpcAddress)
	s.line("", "Workload   consumer group %s; a replica works off %.0f records/s", d.group, math.Round(float64(time.Second)/float64(serviceTime)))
	s.line("", "Trigger    type %s, lagThreshold %d, activationLagThreshold 0, offsetResetPolicy earliest", d.triggerType(), lagThreshold)
	s.line("", "KEDA, HPA  minReplicaCount 0, maxReplicaCount %d, tolerance 10 %%. Their clocks run %.3g times as fast here:", written.MaxReplicas, factor)
	for _, p := range []struct {
		name       string
		real, fast time.Duration
	}{
		{"pollingInterval", written.PollingInterval, fast.PollingInterval},
		{"cooldownPeriod", written.CooldownPeriod, fast.CooldownPeriod},
		{"HPA sync", written.SyncPeriod, fast.SyncPeriod},
		{"scaleDown stabilisation", written.Behavior.ScaleDown.StabilizationWindow, fast.Behavior.ScaleDown.StabilizationWindow},
	} {
		s.line("", "             %-24s %4.0f s is %.1f s", p.name, p.real.Seconds(), p.fast.Seconds())
	}
	s.line("", "")
}

// finish tells how it went and how to look deeper. Where the demo is to go on, it then waits for the
// end of ctx, with a steady load for the eye.
func (d *demo) finish(ctx context.Context) error {
	s := d.screen
	verdict := d.story.verdict()
	if !d.scaler.process.Running() {
		verdict = d.scaler.process.Failure("the scaler did not last")
	}
	s.line("", "")
	if verdict != nil {
		s.line(styleRed, "Not everything happened that should have:")
		return verdict
	}
	s.line(styleGreen, "Zero, awake, grown to the partitions and not beyond, and back to zero.")
	for _, figure := range d.story.summary(d.producer.acked.Load(), d.workers.worked.Load()) {
		s.line("", "  %-32s%s", figure[0], figure[1])
	}
	keep := d.keep || s.live
	d.suggest(keep)
	if !keep {
		return nil
	}
	d.producer.rate.Store(int64(phases(d.partitions)[2].rate))
	<-ctx.Done()
	return nil
}

// suggest prints commands that work as they stand, as long as everything runs.
func (d *demo) suggest(keep bool) {
	s := d.screen
	s.line("", "")
	if keep {
		s.line(styleBold, "Everything keeps running, with a steady load, until Ctrl-C. To look deeper, in another terminal:")
	} else {
		s.line(styleBold, "To look deeper, run it again with --keep (make demo ARGS=--keep); addresses are new each time. Then, in another terminal:")
	}
	servers := strings.Join(d.kafka.servers, ",")
	for _, c := range []string{
		fmt.Sprintf("%s lag %s --bootstrap-servers %s", d.options.scaler, d.group, servers),
		fmt.Sprintf("%s explain %s/%s --scaler-address %s", d.options.scaler, objectNamespace, objectName, d.scaler.grpcAddress),
		fmt.Sprintf(`grpcurl -plaintext -d '{"name":%q,"namespace":%q}' %s kafkascaler.v1.KafkaScalerService/Explain`,
			objectName, objectNamespace, d.scaler.grpcAddress),
		fmt.Sprintf("curl -s http://%s/metrics | grep ^kafka_scaler", d.scaler.httpAddress),
	} {
		s.line("", "  %s", c)
	}
}
