package grouplag

import (
	"fmt"
	"io"
	"strconv"

	"github.com/kafka-scaler/kafka-scaler/internal/terminal"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
)

// Table writes the group as a summary line, the columns of Kafka's own tool and
// the totals. The ERROR and NOTE columns appear only where a partition has one.
func (g *Group) Table(w io.Writer, headers bool) error {
	failed, noted := 0, false
	for _, p := range g.Partitions {
		if p.Error != "" {
			failed++
		}
		noted = noted || p.Note != ""
	}
	out := terminal.New(w)
	if headers {
		out.Linef("Group %s is %s with %s; total lag %d over %s%s\n", g.Group, orUnknown(g.State), fault.Count(g.Members, "member"),
			g.TotalLag, fault.Count(len(g.Partitions), "partition"), unknownNote(failed))
	}
	out.Table(func(t *terminal.Table) {
		row := func(problem, note string, cells ...any) {
			if failed > 0 {
				cells = append(cells, problem)
			}
			if noted {
				cells = append(cells, note)
			}
			t.Row(cells...)
		}
		if headers {
			row("ERROR", "NOTE", "GROUP", "TOPIC", "PARTITION", "CURRENT-OFFSET", "LOG-START-OFFSET", "LOG-END-OFFSET", "LAG", "STATE", "CONSUMER-ID", "HOST", "CLIENT-ID")
		}
		for _, p := range g.Partitions {
			row(dash(p.Error), dash(p.Note), g.Group, p.Topic, p.Partition, number(p.CommittedOffset), number(p.LogStartOffset),
				number(p.LogEndOffset), number(p.Lag), p.Reason, dash(p.MemberID), dash(p.Host), dash(p.ClientID))
		}
	})
	return out.Err()
}

func unknownNote(failed int) string {
	if failed == 0 {
		return ""
	}
	return fmt.Sprintf(" (%d of them unknown and not counted, see ERROR)", failed)
}

func orUnknown(state string) string {
	if state == "" {
		return "in an unknown state"
	}
	return state
}

func number(n *int64) string {
	if n == nil {
		return "-"
	}
	return strconv.FormatInt(*n, 10)
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
