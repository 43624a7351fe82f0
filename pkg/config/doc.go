// Package config is the scaler's configuration file: strict YAML, every default
// visible in docs/reference-config.yaml, credentials only as files or environment
// variables. [Load] reads and validates it; [Watcher] reloads it on SIGHUP and
// when the file changes, a mounted ConfigMap's symlink swap included. A bad new
// file keeps the old configuration and says so.
package config
