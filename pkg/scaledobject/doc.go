// Package scaledobject is what the scaler knows of the triggers that KEDA asks
// about, without the gRPC by which KEDA does.
package scaledobject
