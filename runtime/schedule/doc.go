// Package schedule decides, without doing anything: whether and when a failed job starts again, which of its subtasks
// do, and which of the slots on offer takes which subtasks. All of it is pure: times and random numbers are arguments.
package schedule
