// Package trace reads arrival rates over time from CSV, and says what the rate was at any moment.
package trace
