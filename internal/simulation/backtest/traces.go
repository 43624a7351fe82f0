package backtest

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/kafka-scaler/kafka-scaler/internal/simulation/trace"
)

// Named is a trace and where it is from.
type Named struct {
	Name string
	// Source is where the data were published.
	Source string
	Trace  *trace.Trace
}

// published are the traces that the backtest knows, by their files. They are public workloads; none of them is
// part of this repository.
var published = []struct {
	file, name, source string
	// relative traces have no unit: they are stretched so that their lowest rate is a tenth of the highest.
	relative bool
}{
	{"wc98_group_60s.csv", "WorldCup98", "nimamahmoudi/worldcup98-dataset", false},
	{"nab_tweets_AMZN_300s.csv", "NAB tweets AMZN", "numenta/NAB: realTweets/Twitter_volume_AMZN.csv", false},
	{"nab_nyc_taxi_1800s.csv", "NAB NYC taxi", "numenta/NAB: realKnownCause/nyc_taxi.csv", false},
	{"nab_elb_requests_300s.csv", "NAB ELB requests", "numenta/NAB: realAWSCloudwatch/elb_request_count_8c0756.csv", false},
	{"azure_llm_conv_1s.csv", "Azure LLM conv", "Azure/AzurePublicDataset: AzureLLMInferenceTrace_conv.csv", false},
	{"phoebe_iot_cars_1s.csv", "Phoebe IoT cars", "dos-group/phoebe: cars_1D_1S_25K_small.csv", false},
	{"dsp9_IoT_300s.csv", "DSP IoT", "dos-group/load-prediction-dsp: IoT", true},
	{"dsp9_alibaba_300s.csv", "DSP Alibaba", "dos-group/load-prediction-dsp: Alibaba", true},
}

// Load reads the published traces from a directory, or, where names are given, those of these names.
func Load(directory string, names ...string) ([]Named, error) {
	wanted := map[string]bool{}
	for _, n := range names {
		wanted[n] = true
	}
	var traces []Named
	for _, p := range published {
		if len(names) > 0 && !wanted[p.name] {
			continue
		}
		delete(wanted, p.name)
		t, err := read(filepath.Join(directory, p.file))
		if err != nil {
			return nil, err
		}
		if p.relative {
			t = t.Stretched(0.1, 1)
		}
		traces = append(traces, Named{p.name, p.source, t})
	}
	for n := range wanted {
		return nil, fmt.Errorf("the backtest knows no trace %q", n)
	}
	return traces, nil
}

func read(path string) (*trace.Trace, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	t, err := trace.Read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}
