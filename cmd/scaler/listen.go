package main

import (
	"context"
	"errors"
	"net"

	"github.com/kafka-scaler/kafka-scaler/pkg/config"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
)

// listeners are the two ports. Both are open before either is served, so that an
// address that is taken is found at once.
type listeners struct{ grpc, http net.Listener }

func listen(ctx context.Context, c config.Config) (listeners, error) {
	grpc, err := listenOn(ctx, c.GRPC.ListenAddress, "grpc.listenAddress or --grpc-listen-address")
	if err != nil {
		return listeners{}, err
	}
	http, err := listenOn(ctx, c.HTTP.ListenAddress, "http.listenAddress or --http-listen-address")
	if err != nil {
		_ = grpc.Close()
		return listeners{}, err
	}
	return listeners{grpc: grpc, http: http}, nil
}

func listenOn(ctx context.Context, address, key string) (net.Listener, error) {
	var l net.ListenConfig
	listener, err := l.Listen(ctx, "tcp", address)
	if err == nil {
		return listener, nil
	}
	// The address is in Object already.
	if op := (*net.OpError)(nil); errors.As(err, &op) {
		err = op.Err
	}
	return nil, &fault.Error{Kind: fault.Invalid, Op: "listen on", Object: address, Err: err, Remedy: "choose another address with " + key}
}
