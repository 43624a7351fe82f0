package config

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// maxBytes bounds a configuration file: Kubernetes allows no more in a ConfigMap.
const maxBytes = 1 << 20

var errTooLarge = fmt.Errorf("it is larger than %d bytes", maxBytes)

// readFile reads a file that is no larger than a configuration may be.
func readFile(path string) (data []byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	data, err = io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err == nil && len(data) > maxBytes {
		err = errTooLarge
	}
	return data, err
}
