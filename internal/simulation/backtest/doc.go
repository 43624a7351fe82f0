// Package backtest runs the comparison over many traces, objectives, protocols and seeds, and sums up.
package backtest
