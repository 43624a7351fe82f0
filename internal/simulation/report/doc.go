// Package report shows a comparison: as a table for people, as CSV and JSON for programs, and as a picture.
package report
