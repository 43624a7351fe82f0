package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// environmentPrefix begins the name of every variable. In a namespace with a
// Service named kafka-scaler, Kubernetes itself sets KAFKA_SCALER_PORT,
// KAFKA_SCALER_SERVICE_HOST and the like: no flag may be called so, and variables
// that belong to no flag are no error.
const environmentPrefix = "KAFKA_SCALER_"

// EnvironmentKey marks a flag that has an environment variable, and holds its name.
const EnvironmentKey = "kafka-scaler.environment"

// AddEnvironment gives every flag of the set its environment variable, and says so in its help.
func AddEnvironment(flags *pflag.FlagSet) {
	flags.VisitAll(func(f *pflag.Flag) {
		name := environmentPrefix + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		f.Usage += fmt.Sprintf(" [$%s]", name)
		f.Annotations = map[string][]string{EnvironmentKey: {name}}
	})
}

// ReadEnvironment sets the flags that the command line does not give from their
// variables. An empty variable is none.
func ReadEnvironment(flags *pflag.FlagSet, lookupEnv func(string) (string, bool)) error {
	var failed error
	flags.VisitAll(func(f *pflag.Flag) {
		names := f.Annotations[EnvironmentKey]
		if len(names) == 0 || f.Changed || failed != nil {
			return
		}
		value, _ := lookupEnv(names[0])
		if value == "" {
			return
		}
		if err := flags.Set(f.Name, value); err != nil {
			failed = Usagef("environment variable %s: %v", names[0], err)
		}
	})
	return failed
}
