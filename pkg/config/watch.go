package config

import (
	"context"
	"crypto/sha256"
	"os"
	"time"
)

// DefaultWatchInterval is the time between two looks at the file. A change is in
// force after one to two of them.
const DefaultWatchInterval = 2 * time.Second

// Watcher keeps a configuration in force that follows its file. It compares
// checksums of contents instead of listening to file system events: those come
// differently for an edited file, a renamed one and the symlink swap of a mounted
// ConfigMap, and not at all on some network mounts.
//
// The files that the configuration refers to are not watched: certificates and
// passwords are read for each new connection.
type Watcher struct {
	// Path is the configuration file.
	Path string
	// Override is applied to what the file says, before validation: flags win over the file. May be nil.
	Override func(*Config)
	// Apply puts a valid configuration in force; an error means that the one before stays.
	Apply func(Config) error
	// Reloaded is told of each attempt after the first: nil, or why the old configuration stays in force.
	Reloaded func(error)
	// Interval is the time between two looks; 0 means [DefaultWatchInterval].
	Interval time.Duration

	// tried is what the last attempt saw, successful or not.
	tried checksum
}

type checksum [sha256.Size]byte

// Start reads the file for the first time and returns the configuration, which
// the caller puts in force. The error is as that of [Load].
func (w *Watcher) Start() (Config, error) {
	return w.load()
}

// Run reloads whenever the files change or reload delivers, until ctx ends. It
// returns nil.
func (w *Watcher) Run(ctx context.Context, reload <-chan os.Signal) error {
	interval := w.Interval
	if interval == 0 {
		interval = DefaultWatchInterval
	}
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	// A changed file is read once it has looked the same twice: it may be half written now.
	settling := w.tried
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-reload:
			w.reload()
		case <-ticker.C:
			_, now, _ := w.read()
			if now != w.tried && now == settling {
				w.reload()
			}
			settling = now
		}
	}
}

func (w *Watcher) reload() {
	c, err := w.load()
	if err == nil {
		err = w.Apply(c)
	}
	w.Reloaded(err)
}

func (w *Watcher) load() (Config, error) {
	data, sum, err := w.read()
	w.tried = sum
	if err != nil {
		return Config{}, unreadable(w.Path, err)
	}
	c, err := parse(data, w.Override)
	if err != nil {
		return Config{}, invalid(w.Path, err)
	}
	return c, nil
}

// read returns the file and a checksum that tells an unreadable file from an empty one.
func (w *Watcher) read() ([]byte, checksum, error) {
	data, err := readFile(w.Path)
	if err != nil {
		return nil, sha256.Sum256([]byte("unreadable: " + err.Error())), err
	}
	return data, sha256.Sum256(data), nil
}
