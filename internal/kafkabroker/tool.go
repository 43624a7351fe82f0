package kafkabroker

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// ToolRow is one partition as Kafka's own consumer-groups tool prints it.
type ToolRow struct {
	Group, Topic string
	Partition    int32
	// CommittedOffset, LogEndOffset and Lag are -1 where the tool prints a dash.
	CommittedOffset, LogEndOffset, Lag int64
	// ConsumerID, Host and ClientID are "" where nobody has the partition.
	ConsumerID, Host, ClientID string
}

// DescribeGroup has Kafka's own tool describe a group's offsets: what the columns
// of kafka-scaler lag are held against. It takes a second or two of JVM.
func (c *Cluster) DescribeGroup(ctx context.Context, group string) ([]ToolRow, error) {
	class := "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"
	if c.opts.zooKeeper() {
		class = "kafka.admin.ConsumerGroupCommand"
	}
	running := c.running()
	if len(running) == 0 {
		return nil, errors.New("describe a group: no broker is running")
	}
	ctx, cancel := withPatience(ctx)
	defer cancel()
	argv := c.lib.tool(class, "--bootstrap-server", running[0].Address(Plaintext),
		"--timeout", "30000", "--describe", "--offsets", "--group", group)
	out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("describe group %s: %w\n%s", group, err, out)
	}
	rows, err := parseGroupTable(string(out))
	if err != nil {
		return nil, fmt.Errorf("describe group %s: %w\n%s", group, err, out)
	}
	return rows, nil
}

// parseGroupTable finds the table in the tool's output and reads it by its
// headings, since their number differs between versions.
func parseGroupTable(out string) ([]ToolRow, error) {
	var columns map[string]int
	var rows []ToolRow
	for line := range strings.Lines(out) {
		cells := strings.Fields(line)
		switch {
		case len(cells) > 0 && cells[0] == "GROUP":
			columns = map[string]int{}
			for i, heading := range cells {
				columns[heading] = i
			}
		case columns != nil && len(cells) == len(columns):
			row, err := parseGroupRow(columns, cells)
			if err != nil {
				return nil, err
			}
			rows = append(rows, row)
		}
	}
	if columns == nil {
		return nil, errors.New("the tool has printed no table")
	}
	return rows, nil
}

func parseGroupRow(columns map[string]int, cells []string) (ToolRow, error) {
	var errs []error
	text := func(heading string) string {
		i, ok := columns[heading]
		if !ok {
			errs = append(errs, fmt.Errorf("no column %s", heading))
			return ""
		}
		if cells[i] == "-" {
			return ""
		}
		return cells[i]
	}
	number := func(heading string) int64 {
		cell := text(heading)
		if cell == "" {
			return -1
		}
		n, err := strconv.ParseInt(cell, 10, 64)
		errs = append(errs, err)
		return n
	}
	row := ToolRow{
		Group: text("GROUP"), Topic: text("TOPIC"), Partition: int32(number("PARTITION")),
		CommittedOffset: number("CURRENT-OFFSET"), LogEndOffset: number("LOG-END-OFFSET"), Lag: number("LAG"),
		ConsumerID: text("CONSUMER-ID"), Host: text("HOST"), ClientID: text("CLIENT-ID"),
	}
	return row, errors.Join(errs...)
}
