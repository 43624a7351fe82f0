// Package scaler serves KEDA's externalscaler.ExternalScaler and our own
// kafkascaler.v1.KafkaScalerService over gRPC.
//
// An RPC is a conversion there and back: what it means for a trigger, and what is
// remembered of one, is in pkg/scaledobject.
//
// What KEDA makes of the answers decides their shape (KEDA v2.21.0,
// pkg/scalers/external_scaler.go):
//
//   - KEDA sets no deadline and holds the ScaledObject while it waits, so every
//     unary RPC has one here.
//   - KEDA calls GetMetrics and then IsActive for one evaluation. Both answer
//     from the same decision: GetMetrics pins it for the IsActive that follows.
//     With several replicas behind KEDA's round robin the second call may reach
//     another one, which then answers from its own, equally young snapshot.
//   - KEDA before 2.17 reads only the integers, later ones prefer a float above
//     zero and fall back to the integer. Both are always set, and equal but for targetLatency,
//     whose float counts replicas and whose integer thousandths of them. An
//     int64 beyond 2^53 loses its last digits as a float, as it does inside KEDA.
//   - An error leaves the replicas alone; a zero removes them. So what is not
//     known is an error.
//   - A stream that ends without an error is reopened in 2 s; every error doubles
//     the wait, up to a minute, until some stream ends cleanly. So streams end
//     cleanly when the server drains and before their connection grows too old.
package scaler
