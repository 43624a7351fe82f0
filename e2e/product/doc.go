// Package product runs what is released: the kafka-scaler binary, with the
// configuration of deploy/scaler.yaml, and makes ScaledObjects from
// deploy/scaledobject.yaml. Only names, addresses and periods are put in.
package product
