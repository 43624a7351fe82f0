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
// The files that the configuration refers to are watched with it, so that a
// renewed certificate or password is a change too.
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

	files []string
	// tried is what the last attempt saw, successful or not.
	tried sums
}

// sums stand for the contents of all files watched.
type sums struct {
	file, referred [sha256.Size]byte
}

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
			now := w.look()
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

// load takes its sums before anyone uses what they stand for: whatever changes
// from then on is seen by the next look.
func (w *Watcher) load() (Config, error) {
	data, err := os.ReadFile(w.Path)
	w.tried = sums{file: sum(data, err), referred: sumFiles(w.files)}
	if err != nil {
		return Config{}, unreadable(w.Path, err)
	}
	c, err := parse(data, w.Override)
	if err != nil {
		return Config{}, invalid(w.Path, err)
	}
	w.files = c.Files()
	w.tried.referred = sumFiles(w.files)
	return c, nil
}

func (w *Watcher) look() sums {
	data, err := os.ReadFile(w.Path)
	return sums{file: sum(data, err), referred: sumFiles(w.files)}
}

// sum tells a file that cannot be read from an empty one.
func sum(data []byte, err error) [sha256.Size]byte {
	if err != nil {
		return sha256.Sum256([]byte("unreadable: " + err.Error()))
	}
	return sha256.Sum256(data)
}

func sumFiles(files []string) [sha256.Size]byte {
	all := sha256.New()
	for _, f := range files {
		data, err := os.ReadFile(f)
		one := sum(data, err)
		all.Write(one[:])
	}
	return [sha256.Size]byte(all.Sum(nil))
}
