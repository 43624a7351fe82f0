package grouplag

import (
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
)

// Table writes the group as a summary line, the columns of Kafka's own tool and
// the totals. The ERROR column appears only where a partition has one.
func (g *Group) Table(w io.Writer, headers bool) error {
	failed := 0
	for _, p := range g.Partitions {
		if p.Error != "" {
			failed++
		}
	}
	if headers {
		fmt.Fprintf(w, "Group %s is %s with %s; total lag %d over %s%s\n\n", g.Group, orUnknown(g.State), count(g.Members, "member"),
			g.TotalLag, count(len(g.Partitions), "partition"), unknownNote(failed))
	}
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	if headers {
		fmt.Fprint(t, "GROUP\tTOPIC\tPARTITION\tCURRENT-OFFSET\tLOG-START-OFFSET\tLOG-END-OFFSET\tLAG\tSTATE\tCONSUMER-ID\tHOST\tCLIENT-ID")
		if failed > 0 {
			fmt.Fprint(t, "\tERROR")
		}
		fmt.Fprintln(t)
	}
	for _, p := range g.Partitions {
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s", g.Group, p.Topic, p.Partition, number(p.CommittedOffset),
			number(p.LogStartOffset), number(p.LogEndOffset), number(p.Lag), p.Reason, dash(p.MemberID), dash(p.Host), dash(p.ClientID))
		if failed > 0 {
			fmt.Fprintf(t, "\t%s", dash(p.Error))
		}
		fmt.Fprintln(t)
	}
	return t.Flush()
}

func unknownNote(failed int) string {
	if failed == 0 {
		return ""
	}
	return fmt.Sprintf(" (%d of them unknown and not counted, see ERROR)", failed)
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
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
