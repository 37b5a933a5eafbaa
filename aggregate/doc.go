// Package aggregate computes a Report from one contract's Month: all counting, ranking, comparing
// and the conditions of the POINT sentences. A mail can say only what a Report holds. It does no
// I/O, reads no clock and never logs.
package aggregate
