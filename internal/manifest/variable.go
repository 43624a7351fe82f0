package manifest

import "fmt"

const fromEnv = "FromEnv"

// Variable is an environment variable that a metadata key ending in FromEnv names.
// KEDA takes its value from the container of the workload, sends it under the same
// key, and leaves the key out where the value is empty. A command has only its own
// environment to look it up in.
type Variable struct{ Key, Name string }

// String says what is missing, and what to do.
func (v Variable) String() string {
	return fmt.Sprintf("%s is left out: %s", v.Key, v.Reason())
}

// Reason says why the key is left out.
func (v Variable) Reason() string {
	return fmt.Sprintf("the variable %q is empty or not set in the environment of this command", v.Name)
}

// Remedy says what to do.
func (v Variable) Remedy() string {
	return "set it for this command to what the workload's container has: KEDA reads it there"
}
