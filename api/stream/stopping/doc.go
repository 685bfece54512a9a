// Package stopping tests what becomes of jobs that are stopped with a savepoint.
package stopping
