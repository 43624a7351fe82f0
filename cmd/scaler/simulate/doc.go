// Package simulate is the command `kafka-scaler simulate`: yesterday's arrivals again, with one policy after the
// other.
package simulate
