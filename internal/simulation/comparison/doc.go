// Package comparison lets every policy scale the same group through the same arrivals, and sets what came out
// side by side, next to the clairvoyant bound.
package comparison
