package timeline

import (
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

func recorded() *Recorder {
	r := New()
	for i := range 5 {
		r.Add("lag", float64(10*i))
		r.Add("replicas", float64(i))
	}
	r.Event("broker 2 killed")
	r.Event(strings.Repeat("a very long story ", 20))
	return r
}

func TestCSVHasEveryPointInOrder(t *testing.T) {
	var out bytes.Buffer
	if err := recorded().WriteCSV(&out); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 1+5+5+2 {
		t.Fatalf("%d rows, want the header, 10 points and 2 events", len(rows))
	}
	for i := 2; i < len(rows); i++ {
		if rows[i][0] < rows[i-1][0] {
			t.Errorf("row %d is at %s, before %s", i, rows[i][0], rows[i-1][0])
		}
	}
	if last := rows[len(rows)-2]; last[1] != "event" || last[2] != "broker 2 killed" {
		t.Errorf("last row but one is %v, want the event", last)
	}
}

func TestSVGIsWellFormedAndNamesWhatItShows(t *testing.T) {
	var out bytes.Buffer
	err := recorded().WriteSVG(&out, Picture{Title: "A test", Panels: []Panel{
		{Label: "records", Lines: []Line{{Series: "lag", Label: "lag"}}},
		{Label: "replicas", Lines: []Line{{Series: "replicas", Label: "replicas", Step: true}, {Series: "never recorded", Label: "none"}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"A test", "records", "broker 2 killed", "seconds"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the picture does not say %q", want)
		}
	}
	if strings.Contains(out.String(), "NaN") {
		t.Error("the picture has coordinates that are no numbers")
	}
	for decoder := xml.NewDecoder(&out); ; {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func TestEventsThatAreCloseDoNotCoverEachOther(t *testing.T) {
	times, widths := []float64{5, 5.1, 5.2, 50, 99.5, 100}, []float64{2, 4, 2, 2, 2, 2}
	at := spread(times, widths, 100)
	for i := 1; i < len(at); i++ {
		if apart := at[i] - at[i-1]; apart < (widths[i]+widths[i-1])/2-1e-9 {
			t.Errorf("texts %d and %d are %.2f apart: %v", i-1, i, apart, at)
		}
	}
	if at[0] != 5 || at[3] != 50 || at[5] != 100 {
		t.Errorf("texts with room around them, and the last, are at %v; want 5, 50 and 100", at)
	}
}
