package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
)

// Problems are everything that is wrong with a configuration, each beginning
// with the path of its key and ending with the value, secrets excepted.
type Problems []string

// Error joins the problems on one line.
func (p Problems) Error() string { return strings.Join(p, "; ") }

func (p *Problems) add(path, problem string) {
	*p = append(*p, path+": "+problem)
}

func (p Problems) err() error {
	if len(p) == 0 {
		return nil
	}
	return p
}

// Parse reads a configuration from YAML: defaults, then the file, then
// validation. The error is a [Problems] that lists all of them. An empty file is
// valid and means the defaults.
func Parse(data []byte) (Config, error) { return parse(data, nil) }

func parse(data []byte, override func(*Config)) (Config, error) {
	c := Default()
	if problems := decode(data, &c); len(problems) > 0 {
		return Config{}, problems
	}
	if override != nil {
		override(&c)
	}
	c.normalise()
	if err := c.Validate(); err != nil {
		return Config{}, err
	}
	return c, nil
}

// Load reads the file at path as [Parse] does. The error is a *fault.Error of
// kind Invalid, or NotFound where there is no such file; it wraps the [Problems].
func Load(path string) (Config, error) {
	return LoadFrom(path, func(data []byte) ([]byte, error) { return data, nil })
}

// LoadFrom is [Load] of a file that holds the configuration inside something else: extract returns it.
func LoadFrom(path string, extract func([]byte) ([]byte, error)) (Config, error) {
	data, err := readFile(path)
	if err != nil {
		return Config{}, unreadable(path, err)
	}
	if data, err = extract(data); err != nil {
		return Config{}, invalid(path, err)
	}
	c, err := Parse(data)
	if err != nil {
		return Config{}, invalid(path, err)
	}
	return c, nil
}

func invalid(path string, problems error) error {
	return &fault.Error{Kind: fault.Invalid, Op: "read", Object: "configuration file " + path, Err: problems}
}

func unreadable(path string, err error) error {
	e := &fault.Error{
		Kind: fault.Invalid, Op: "read", Object: "configuration file " + path, Err: cause(err),
		Remedy: "check the path given in --config and the file's permissions",
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.Kind = fault.NotFound
	case errors.Is(err, errTooLarge):
		e.Remedy = "check that the path given in --config is that of the configuration"
	}
	return e
}

// cause drops the operation and path that the os package repeats.
func cause(err error) error {
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// normalise gives values that may be written in two ways their one name.
func (c *Config) normalise() {
	names := map[string]string{"plain": SASLPlaintext, "scram-sha-256": SASLSCRAMSHA256, "scram-sha-512": SASLSCRAMSHA512, "": SASLNone}
	for i := range c.Clusters {
		m := &c.Clusters[i].SASL.Mechanism
		if name, ok := names[strings.ToLower(*m)]; ok {
			*m = name
		}
	}
}

// ReadUsername reads the user's name from where s says. A final line break of a
// file is not part of it. lookupEnv is [os.LookupEnv]. The error is a *fault.Error
// of kind Invalid and never holds what was read.
func (s SASL) ReadUsername(lookupEnv func(string) (string, bool)) (string, error) {
	if s.Username != "" {
		return s.Username, nil
	}
	return secret("user name", s.UsernameFile, s.UsernameEnv, lookupEnv)
}

// ReadPassword reads the password as [SASL.ReadUsername] reads the name.
func (s SASL) ReadPassword(lookupEnv func(string) (string, bool)) (string, error) {
	return secret("password", s.PasswordFile, s.PasswordEnv, lookupEnv)
}

func secret(what, file, env string, lookupEnv func(string) (string, bool)) (string, error) {
	bad := func(object, problem, remedy string) (string, error) {
		return "", &fault.Error{Kind: fault.Invalid, Op: "read the " + what + " from", Object: object, Err: errors.New(problem), Remedy: remedy}
	}
	if env != "" {
		value, _ := lookupEnv(env)
		if value == "" {
			return bad("environment variable "+env, "not set or empty", "set it in the scaler's own environment")
		}
		return value, nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return bad("file "+file, cause(err).Error(), "mount the Secret there, readable for the scaler's user")
	}
	value := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	if value == "" {
		return bad("file "+file, "empty", fmt.Sprintf("write the %s into it", what))
	}
	return value, nil
}
