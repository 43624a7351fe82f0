// Package hostile attacks the built scaler for a while: random triggers of any
// size that its gRPC port takes, brokers that are ill or mean harm
// (internal/hostilebroker), streams and connections that come and go. Meanwhile
// honest triggers are asked as KEDA asks, and each answer is compared with a lag
// that is known. At the end the attackers go, and tables, connections and memory
// have to be back where they were.
//
// Everything random is drawn from a seed. Which call meets which is a matter of
// time, so a seed repeats the attacks and not the very run.
package hostile
