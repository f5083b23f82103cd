//go:build race

package history_test

// raced: the race detector is on, with which everything takes many times as long. What it can find it finds in few lives of a model.
const raced = true
