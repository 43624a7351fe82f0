package main

import (
	"os"

	"github.com/spf13/pflag"

	"github.com/kafka-scaler/kafka-scaler/internal/manifest"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
)

// standardInput is the path that stands for it.
const standardInput = "-"

// files is the -f flag of the commands that read manifests.
type files struct{ paths []string }

func (f *files) add(flags *pflag.FlagSet) {
	flags.StringArrayVarP(&f.paths, "filename", "f", nil, "`FILE` with ScaledObjects or ScaledJobs, or a List of them, - for standard input; may be given several times")
}

func (f *files) given() bool { return len(f.paths) > 0 }

// usage returns what is wrong with the flags together.
func (f *files) usage() error {
	read := 0
	for _, path := range f.paths {
		if path == standardInput {
			read++
		}
	}
	if read > 1 {
		return usagef("-f - is given %d times, and standard input can be read once", read)
	}
	return nil
}

// readManifest reads a file of ScaledObjects, or standard input. It may return some of them, and an error about
// others.
func readManifest(p process, path string) ([]manifest.Scaled, error) {
	if path == standardInput {
		return manifest.Read(p.stdin, "standard input", p.lookupEnv)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, &fault.Error{Kind: fault.Invalid, Op: "read manifests", Err: err, Remedy: "check the path and its permissions"}
	}
	defer file.Close()
	return manifest.Read(file, path, p.lookupEnv)
}
