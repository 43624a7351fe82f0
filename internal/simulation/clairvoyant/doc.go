// Package clairvoyant computes how cheap a plan can be that knows every arrival in advance and keeps every
// record within the objective: the bound that no policy can beat.
//
// The plan chooses one of a few sizes in each step of time. It pays for a pod from its creation on, which is
// the start-up delay before the pod works, and loses the pause of a rebalance at every change. Its state is
// the backlog, in records of the whole topic, as the busiest member has it: it grows by what arrives, and
// shrinks by what the busiest member takes, over its share of the arrivals. A backlog is allowed as long as it
// is no more than what arrived within the objective, which says exactly that the oldest record that waits is
// younger than the objective. [Problem.Solve] finds the cheapest way by dynamic programming over step, size and
// backlog.
//
// All that makes a real group slower is left out: the randomness of service times and of which partition gets
// a record, the differences of pods, the syncs of the HPA, the pods' becoming ready one after the other. So
// nobody has to reach the bound; nobody falls below it, but for the length of a step at each change.
package clairvoyant
