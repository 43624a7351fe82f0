package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/kafka-scaler/kafka-scaler/internal/proc"
)

// scaler is the real binary as a child process, and a connection to it.
type scaler struct {
	process     *proc.Process
	conn        *grpc.ClientConn
	grpcAddress string
	httpAddress string
	logs        string // directory
}

const (
	startPatience = 60 * time.Second
	stopPatience  = 10 * time.Second
)

// startScaler runs `kafka-scaler serve` on free ports of the loopback interface.
func startScaler(binary string) (*scaler, error) {
	path, err := filepath.Abs(binary)
	if err == nil {
		_, err = os.Stat(path)
	}
	if err != nil {
		return nil, fmt.Errorf("the scaler's binary is not there: %w; make it with 'make build', or name it with --scaler", err)
	}
	logs, err := os.MkdirTemp("", "kafka-scaler-demo")
	if err != nil {
		return nil, err
	}
	s := &scaler{logs: logs}
	log := filepath.Join(logs, "kafka-scaler.log")
	cmd := exec.CommandContext(context.Background(), path, "serve",
		"--grpc-listen-address", "127.0.0.1:0", "--http-listen-address", "127.0.0.1:0", "--log-format", "json", "--log-level", "info")
	if s.process, err = proc.Start("kafka-scaler serve", log, cmd); err != nil {
		s.stop()
		return nil, err
	}
	if err := s.process.WaitReady(startPatience, func() error { return s.readAddresses(log) }); err != nil {
		s.stop()
		return nil, err
	}
	s.conn, err = grpc.NewClient(s.grpcAddress, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

// readAddresses finds the line of the log that says where the process listens.
func (s *scaler) readAddresses(log string) error {
	content, err := os.ReadFile(log)
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(content)) {
		var fields struct{ GRPCAddress, HTTPAddress string }
		if json.Unmarshal([]byte(line), &fields) == nil && fields.GRPCAddress != "" {
			s.grpcAddress, s.httpAddress = fields.GRPCAddress, fields.HTTPAddress
			return nil
		}
	}
	return errors.New("it has not said yet where it listens")
}

func (s *scaler) stop() {
	if s.conn != nil {
		_ = s.conn.Close()
	}
	if s.process != nil {
		s.process.Stop(stopPatience)
	}
	_ = os.RemoveAll(s.logs)
}
