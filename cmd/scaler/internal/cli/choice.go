package cli

import (
	"fmt"
	"slices"
	"strings"
)

// Choice is a flag that takes one of a few words. It implements pflag.Value.
type Choice struct {
	// Value is the word chosen; at first, the default.
	Value   string
	Allowed []string
}

// String implements pflag.Value.
func (c *Choice) String() string { return c.Value }

// Type implements pflag.Value.
func (c *Choice) Type() string { return "string" }

// Set implements pflag.Value.
func (c *Choice) Set(s string) error {
	if !slices.Contains(c.Allowed, s) {
		return fmt.Errorf("needs one of %s", strings.Join(c.Allowed, ", "))
	}
	c.Value = s
	return nil
}

// Usage is the help of the flag: text, with the words that it takes.
func (c *Choice) Usage(text string) string { return text + ": " + strings.Join(c.Allowed, ", ") }
