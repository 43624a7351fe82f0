package target

import (
	"os"

	"github.com/spf13/pflag"

	"github.com/kafka-scaler/kafka-scaler/cmd/scaler/internal/cli"
	"github.com/kafka-scaler/kafka-scaler/internal/manifest"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
)

// standardInput is the path that stands for it.
const standardInput = "-"

// Files is the -f flag of the commands that read manifests.
type Files struct {
	// Paths are the files, - for standard input.
	Paths []string
}

// Add adds the flag to those of a command.
func (f *Files) Add(flags *pflag.FlagSet) {
	flags.StringArrayVarP(&f.Paths, "filename", "f", nil, "`FILE` with ScaledObjects or ScaledJobs, or a List of them, - for standard input; may be given several times")
}

// Given reports whether there is any.
func (f *Files) Given() bool { return len(f.Paths) > 0 }

// Usage returns what is wrong with the flags together.
func (f *Files) Usage() error {
	read := 0
	for _, path := range f.Paths {
		if path == standardInput {
			read++
		}
	}
	if read > 1 {
		return cli.Usagef("-f - is given %d times, and standard input can be read once", read)
	}
	return nil
}

// ReadManifest reads a file of ScaledObjects, or standard input. It may return some of them, and an error about
// others.
func ReadManifest(p cli.Process, path string) ([]manifest.Scaled, error) {
	if path == standardInput {
		return manifest.Read(p.Stdin, "standard input", p.LookupEnv)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, &fault.Error{Kind: fault.Invalid, Op: "read manifests", Err: err, Remedy: "check the path and its permissions"}
	}
	defer file.Close()
	return manifest.Read(file, path, p.LookupEnv)
}
